import { html } from './markup.ts'
import type { Markup } from './markup.ts'

export interface TrendPoint {
  /** Unix milliseconds. */
  readonly at: number
  /** Finite. */
  readonly value: number
}

export interface TrendOptions {
  readonly name: string
  /** In order of time, at least one. */
  readonly points: readonly TrendPoint[]
  /** A value as people read it. */
  readonly display: (value: number) => string
}

/** With more points the line alone is drawn. */
const MOST_DOTS = 40

const fixed = (value: number): string => String(Math.round(value * 1000) / 1000)

/**
 * One value over time as a small line from its name to its last value. The ground line is zero, or the
 * lowest value where that is below zero: a small change looks small. The numbers belong in a table beside it.
 */
export function trend({ name, points, display }: TrendOptions): Markup {
  const values = points.map((point) => point.value)
  const [lowest, greatest] = [Math.min(...values), Math.max(...values)]
  const places = placesOf(points, Math.min(0, lowest), Math.max(0, greatest))
  const last = display(values.at(-1)!)
  const range = `${display(lowest)} to ${display(greatest)}`
  return html`<figure class="trend"><figcaption class="trend-name"><span dir="auto">${name}</span><strong>${last}</strong></figcaption>
<svg viewBox="0 0 100 40" preserveAspectRatio="none" role="img" aria-label="${name} over ${points.length} results: ${range}, last ${last}"><path class="trend-line" d="M${places.join('L')}"/>${
    places.length <= MOST_DOTS
      ? html`<path class="trend-dot" d="${places.map((place) => `M${place}h0.001`).join('')}"/>`
      : null
  }</svg>
<p class="trend-range">${range}</p></figure>`
}

function placesOf(points: readonly TrendPoint[], floor: number, ceiling: number): string[] {
  const start = points[0]!.at
  const length = points.at(-1)!.at - start
  return points.map(({ at, value }) => {
    const x = length > 0 ? (at - start) / length : 0
    const y = ceiling > floor ? value / (ceiling - floor) - floor / (ceiling - floor) : 0
    return `${fixed(x * 100)} ${fixed(40 - y * 40)}`
  })
}
