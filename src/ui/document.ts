import { html, safeHref } from './markup.ts'
import type { Child, Markup } from './markup.ts'
import { dark, light } from './tokens.ts'
import { STYLESHEET } from './stylesheet.ts'

export interface DocumentOptions {
  readonly title: string
  /** BCP 47 language tag; default `en`. */
  readonly lang?: string
  /** One sentence for search results. */
  readonly description?: string
  /** The response's CSP nonce; scripts of this page carry it. */
  readonly nonce: string
  /** Paths of ES modules to run. */
  readonly modules?: readonly string[]
  /** Paths of further stylesheets of the same site. */
  readonly stylesheets?: readonly string[]
  /** The same as this page in another form, such as a feed. */
  readonly alternates?: readonly Alternate[]
  readonly body: Child
}

export interface Alternate {
  /** Media type, such as `application/rss+xml`. */
  readonly type: string
  readonly title: string
  readonly href: string
}

/** A whole HTML document: no inline style, no script without the nonce, nothing from another host. */
export function htmlDocument(options: DocumentOptions): Markup {
  const { nonce, modules = [] } = options
  return html`<!doctype html>
<html lang="${options.lang ?? 'en'}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="theme-color" media="(prefers-color-scheme: light)" content="${light.paper}">
<meta name="theme-color" media="(prefers-color-scheme: dark)" content="${dark.paper}">
<title>${options.title}</title>
${options.description ? html`<meta name="description" content="${options.description}">` : null}
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${STYLESHEET.path}">
${(options.stylesheets ?? []).map((path) => html`<link rel="stylesheet" href="${path}">`)}
${(options.alternates ?? []).map(({ type, title, href }) => html`<link rel="alternate" type="${type}" title="${title}" href="${safeHref(href)}">`)}
${modules.map((path) => html`<script type="module" nonce="${nonce}" src="${path}"></script>`)}
</head>
<body>
<a class="skip-link" href="#content">Skip to the content</a>
${options.body}
</body>
</html>`
}
