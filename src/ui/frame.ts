import { htmlDocument, type DocumentOptions } from './document.ts'
import { html, safeHref } from './markup.ts'
import type { Child, Markup } from './markup.ts'

export interface NavLink {
  readonly href: string
  readonly label: string
}

export interface SiteHeaderOptions {
  readonly name: string
  /** Where the name leads; default `/`. */
  readonly home?: string
  readonly links: readonly NavLink[]
  /** The `href` of the page being shown: it is marked as the current one. */
  readonly current?: string
  /** What stands at the end of the bar: who is signed in, a sign-out form. */
  readonly end?: Child
}

/** The bar with the site's name and its navigation. */
export function siteHeader(options: SiteHeaderOptions): Markup {
  return html`<header class="site-header"><div class="bar">
<a class="site-name" href="${safeHref(options.home ?? '/')}" dir="auto">${options.name}</a>
<nav aria-label="Main"><ul>${options.links.map(
    ({ href, label }) =>
      html`<li><a href="${safeHref(href)}"${href === options.current ? html` aria-current="page"` : null}>${label}</a></li>`,
  )}</ul></nav>
${options.end ? html`<div class="bar-end">${options.end}</div>` : null}
</div></header>`
}

/** The foot of every page. */
export function siteFooter(content: Child): Markup {
  return html`<footer class="site-footer"><div class="bar">${content}</div></footer>`
}

/** The main part of a page; the skip link leads here. */
export function mainContent(content: Child): Markup {
  return html`<main id="content" tabindex="-1">${content}</main>`
}

export interface SitePageOptions extends Omit<DocumentOptions, 'body'> {
  /** Name of the product: it stands behind the title, and leads home. */
  readonly name: string
  readonly links: readonly NavLink[]
  readonly current?: string
  /** What stands at the end of the bar. */
  readonly end?: Child
  readonly content: Child
  readonly foot: Child
}

/** A whole page of a product: the bar, the content, the foot. Its window is titled `Page · Product`. */
export function sitePage(options: SitePageOptions): Markup {
  const { name, links, current, end, content, foot, title, ...more } = options
  return htmlDocument({
    ...more,
    title: title.endsWith(` ${name}`) ? title : `${title} · ${name}`,
    body: [
      siteHeader({ name, links, ...(current !== undefined && { current }), end }),
      mainContent(content),
      siteFooter(foot),
    ],
  })
}

/** Title of a page with an optional lead and a small line above it. */
export function pageHeading(options: { title: string; eyebrow?: Child; lead?: Child }): Markup {
  return html`<header class="page-heading">
${options.eyebrow ? html`<p class="eyebrow">${options.eyebrow}</p>` : null}
<h1 dir="auto">${options.title}</h1>
${options.lead ? html`<p class="lead">${options.lead}</p>` : null}
</header>`
}
