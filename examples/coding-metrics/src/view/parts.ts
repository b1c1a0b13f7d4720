import { html, type Markup } from 'surety/ui'
import { OFFERED_DAYS } from '../metrics/range.ts'

/** Links to the same page over other lengths of time. */
export function rangeLinks(path: string, current: number): Markup {
  return html`<nav aria-label="Period"><ul class="ranges">${OFFERED_DAYS.map(
    (days) =>
      html`<li><a href="${path}?days=${days}"${days === current ? html` aria-current="true"` : null}>${days} days</a></li>`,
  )}</ul></nav>`
}

export interface Figure {
  readonly term: string
  readonly value: string
  readonly aside?: string
}

/** A row of numbers that stand out. */
export function figures(list: readonly Figure[]): Markup {
  return html`<dl class="figures">${list.map(
    ({ term, value, aside }) =>
      html`<div><dt>${term}</dt><dd>${value}</dd>${aside === undefined ? null : html`<dd class="aside">${aside}</dd>`}</div>`,
  )}</dl>`
}
