import { html, safeHref } from './markup.ts'
import type { Child, Markup } from './markup.ts'
import { glyph } from './tone.ts'
import type { Tone } from './tone.ts'

export interface CardOptions {
  readonly title?: Child
  /** Anchor of the card. */
  readonly id?: string
  /** 2 or 3; default 2. */
  readonly level?: 2 | 3
  /** What stands beside the title: a badge, a link. */
  readonly aside?: Child
  readonly body: Child
}

function headingOf(level: 2 | 3, title: Child): Markup {
  return level === 2 ? html`<h2 dir="auto">${title}</h2>` : html`<h3 dir="auto">${title}</h3>`
}

/** A bordered section with an optional title. */
export function card(options: CardOptions): Markup {
  const { title, aside, level = 2 } = options
  return html`<section class="card"${options.id ? html` id="${options.id}"` : null}>
${title || aside ? html`<div class="card-head">${title ? headingOf(level, title) : null}${aside}</div>` : null}
${options.body}</section>`
}

/** A message set apart. A `bad` one is announced by screen readers at once (`role="alert"`). */
export function notice(tone: Tone, title: Child, body?: Child): Markup {
  return html`<div class="notice tone-${tone}" role="${tone === 'bad' ? 'alert' : 'note'}">${glyph(tone)}
<div><p class="notice-title">${title}</p>${body ? html`<div class="notice-body">${body}</div>` : null}</div></div>`
}

/** What stands where nothing is yet: what would be here, and what to do. */
export function emptyState(title: string, body: Child): Markup {
  return html`<div class="empty"><p class="empty-title">${title}</p><p>${body}</p></div>`
}

/** Terms and their values, one below or beside the other. Rows whose value is null are left out. */
export function definitionList(
  rows: readonly (readonly [term: Child, value: Child])[],
  layout: 'stacked' | 'side-by-side' = 'stacked',
): Markup {
  return html`<dl class="definitions${layout === 'side-by-side' ? ' wide' : null}">${rows
    .filter(([, value]) => value !== null && value !== undefined && value !== false)
    .map(([term, value]) => html`<div><dt>${term}</dt><dd dir="auto">${value}</dd></div>`)}</dl>`
}

/** Text that folds away: works without script. */
export function disclosure(options: { summary: Child; body: Child; open?: boolean }): Markup {
  return html`<details class="disclosure"${options.open ? html` open` : null}><summary>${options.summary}</summary>
<div class="disclosure-body">${options.body}</div></details>`
}

/** A link in text. @throws UiError `ERR_UI_UNSAFE_LINK` */
export function link(href: string, text: Child): Markup {
  return html`<a href="${safeHref(href)}">${text}</a>`
}

/** A link that looks like a button. @throws UiError `ERR_UI_UNSAFE_LINK` */
export function buttonLink(href: string, text: Child, look: 'primary' | 'plain' = 'plain'): Markup {
  return html`<a class="button button-${look}" href="${safeHref(href)}">${text}</a>`
}

/** A button that submits its form, unless `type` says otherwise. */
export function button(
  text: Child,
  options: { look?: 'primary' | 'plain' | 'danger'; type?: 'submit' | 'button'; id?: string } = {},
): Markup {
  const id = options.id ? html` id="${options.id}"` : null
  return html`<button class="button button-${options.look ?? 'plain'}" type="${options.type ?? 'submit'}"${id}>${text}</button>`
}
