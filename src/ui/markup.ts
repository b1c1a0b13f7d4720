import { html, raw } from 'hono/html'
import type { HtmlEscapedString } from 'hono/utils/html'
import { UiError } from './errors.ts'

export { html }

/** What a component returns: text that is already HTML, everything inserted into it escaped. */
export type Markup = ReturnType<typeof html>

/** What may stand inside a template: text is escaped, markup is not, null and booleans leave nothing. */
export type Child = Markup | string | number | boolean | null | undefined | readonly Child[]

/** Marks constant text of our own (SVG paths, CSS) as HTML. Never call it with a value from outside. */
export function trusted(text: string): HtmlEscapedString {
  return raw(text)
}

/**
 * The text of finished markup.
 * @throws UiError `ERR_UI_ASYNC_MARKUP` when a component inserted a promise
 */
export function renderMarkup(markup: Markup): string {
  if (markup instanceof Promise) throw new UiError('ERR_UI_ASYNC_MARKUP', 'a component inserted a promise')
  return markup.toString()
}

/** Pieces with a separator between them; null and false pieces are left out. */
export function joined(pieces: readonly Child[], separator: Child): Child[] {
  return pieces
    .filter((piece) => piece !== null && piece !== undefined && piece !== false)
    .flatMap((piece, index) => (index === 0 ? [piece] : [separator, piece]))
}

const SCHEMES = new Set(['http:', 'https:', 'mailto:', 'tel:'])

/**
 * True for a link target that cannot run script or leave the site unseen: the schemes http, https, mailto
 * and tel, or a path, query or fragment of the same site.
 */
export function isSafeHref(href: string): boolean {
  // A browser drops tabs and line breaks inside a URL and takes a backslash for a slash (URL Standard §4.4).
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u0020\u007f\\]/.test(href)) return false
  if (/^(?:\/(?!\/)|[#?])/.test(href)) return true
  try {
    return SCHEMES.has(new URL(href).protocol)
  } catch {
    return false
  }
}

/**
 * The target itself, for an `href` attribute.
 * @throws UiError `ERR_UI_UNSAFE_LINK` when {@link isSafeHref} refuses it
 */
export function safeHref(href: string): string {
  if (!isSafeHref(href)) throw new UiError('ERR_UI_UNSAFE_LINK', 'a link target is refused')
  return href
}
