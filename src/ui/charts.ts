import { html } from './markup.ts'
import type { Child, Markup } from './markup.ts'
import { disclosure } from './section.ts'
import { dataTable } from './table.ts'
import type { Tone } from './tone.ts'

/** Number of colours for series; the seventh series takes the first colour again. */
const SERIES = 6

const seriesClass = (index: number): string => `series-${(index % SERIES) + 1}`

// SVG coordinates: three decimals, and no exponent, whatever the value.
const fixed = (value: number): string => String(Math.round(value * 1000) / 1000)

function share(value: number, whole: number): number {
  return whole > 0 && Number.isFinite(value) ? Math.min(Math.max(value / whole, 0), 1) : 0
}

export interface Bar {
  readonly label: string
  /** Length of the bar; negative and non-finite values draw none. */
  readonly value: number
  /** The value as people read it: `2 h 15 min`. */
  readonly display: string
}

/** Horizontal bars in a real table: its text is the alternative to the picture. */
export function barChart(options: {
  caption: string
  labelHeader: string
  valueHeader: string
  bars: readonly Bar[]
}): Markup {
  const longest = Math.max(0, ...options.bars.map((bar) => bar.value).filter(Number.isFinite))
  return html`<table class="bar-chart" role="table"><caption>${options.caption}</caption>
<thead class="hidden-text" role="rowgroup"><tr role="row"><th scope="col" role="columnheader">${options.labelHeader}</th><th scope="col" role="columnheader">${options.valueHeader}</th></tr></thead>
<tbody role="rowgroup">${options.bars.map(
    (
      bar,
    ) => html`<tr role="row"><th scope="row" role="rowheader" dir="auto"><span class="bar-label" title="${bar.label}">${bar.label}</span></th><td role="cell"><div class="bar-cell">
<svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"><rect class="bar-track" width="100" height="10"/><rect class="series-1" width="${fixed(share(bar.value, longest) * 100)}" height="10"/></svg>
<span class="bar-value">${bar.display}</span></div></td></tr>`,
  )}</tbody></table>`
}

export interface Stack {
  /** `Mon 17`: under the column, and in the table. */
  readonly label: string
  /** One value per series, in the order of `series`. */
  readonly values: readonly number[]
}

export interface StackedChartOptions {
  readonly caption: string
  readonly labelHeader: string
  readonly series: readonly string[]
  readonly stacks: readonly Stack[]
  /** A value as people read it. */
  readonly display: (value: number) => string
}

const sum = (values: readonly number[]): number =>
  values.reduce((total, value) => total + Math.max(value, 0), 0)

function column(stack: Stack, x: number, greatest: number): Markup[] {
  let top = 100
  return stack.values.map((value, index) => {
    const height = share(value, greatest) * 100
    top -= height
    return html`<rect class="${seriesClass(index)}" x="${fixed(x + 0.12)}" y="${fixed(top)}" width="0.76" height="${fixed(height)}"/>`
  })
}

/** Labels below the columns; with more columns only some carry one. */
const MOST_TICKS = 7

/** One column per day, stacked by series, with a legend and the same numbers as a table below. */
export function stackedChart(options: StackedChartOptions): Markup {
  const { series, stacks, display } = options
  const greatest = Math.max(0, ...stacks.map((stack) => sum(stack.values)))
  const every = Math.ceil(stacks.length / MOST_TICKS)
  return html`<figure class="stacked-chart"><figcaption>${options.caption}</figcaption>
<ul class="legend">${series.map((name, index) => html`<li><svg viewBox="0 0 10 10" aria-hidden="true"><rect class="${seriesClass(index)}" width="10" height="10"/></svg><span dir="auto" title="${name}">${name}</span></li>`)}</ul>
<div class="plot"><span class="plot-top" aria-hidden="true">${display(greatest)}</span>
<svg viewBox="0 0 ${Math.max(stacks.length, 1)} 100" preserveAspectRatio="none" role="img" aria-label="${options.caption}; the numbers are in the table below">${stacks.map((stack, index) => column(stack, index, greatest))}</svg></div>
<ol class="axis" aria-hidden="true">${stacks.map((stack, index) => html`<li>${index % every === 0 ? html`<span>${stack.label}</span>` : null}</li>`)}</ol>
${disclosure({ summary: 'Show the numbers', body: stackTable(options) })}</figure>`
}

function stackTable(options: StackedChartOptions): Child {
  const { series, stacks, display } = options
  return dataTable<Stack>({
    caption: options.caption,
    hideCaption: true,
    columns: [
      { header: options.labelHeader, cell: (stack) => stack.label },
      ...series.map((name, index) => ({
        header: name,
        cell: (stack: Stack) => display(stack.values[index] ?? 0),
        align: 'number' as const,
      })),
      { header: 'Total', cell: (stack) => display(sum(stack.values)), align: 'number' },
    ],
    rows: stacks,
  })
}

export interface TimelineSpan {
  readonly tone: Tone
  /** Unix milliseconds. */
  readonly from: number
  readonly until: number
}

/**
 * Spans of time on one line. `description` tells in words what the picture shows; the numbers
 * themselves belong in a table beside it. A short span is widened so that it can be seen.
 */
export function timeline(options: {
  spans: readonly TimelineSpan[]
  description: string
  startLabel: Child
  endLabel: Child
}): Markup {
  const start = Math.min(...options.spans.map((span) => span.from))
  const length = Math.max(...options.spans.map((span) => span.until)) - start
  const rects = options.spans.map((span) => {
    const x = share(span.from - start, length) * 100
    const width = Math.max(share(span.until - span.from, length) * 100, 0.6)
    return html`<rect class="span-${span.tone}" x="${fixed(Math.min(x, 99.4))}" width="${fixed(width)}" height="10"/>`
  })
  return html`<figure class="timeline"><svg viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label="${options.description}">${rects}</svg>
<figcaption><span>${options.startLabel}</span><span>${options.endLabel}</span></figcaption></figure>`
}

/** Parts of a whole on one line, each with its tone; parts of size 0 are left out. */
export function proportionBar(options: {
  parts: readonly { tone: Tone; size: number }[]
  description: string
}): Markup {
  const whole = sum(options.parts.map((part) => part.size))
  let x = 0
  const rects = options.parts
    .filter((part) => part.size > 0)
    .map((part) => {
      const width = share(part.size, whole) * 100
      x += width
      return html`<rect class="span-${part.tone}" x="${fixed(x - width)}" width="${fixed(width)}" height="10"/>`
    })
  return html`<svg class="proportion" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label="${options.description}"><rect class="bar-track" width="100" height="10"/>${rects}</svg>`
}
