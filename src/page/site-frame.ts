import { html, sitePage } from '../ui/index.ts'
import type { Alternate, Child, Markup } from '../ui/index.ts'
import type { Site } from './evidence.ts'

/** What every page of a site needs. */
export interface FrameOptions {
  readonly site: Pick<Site, 'name'>
  /** CSP nonce of the response. */
  readonly nonce: string
  /** True when the site has a `/.well-known/security.txt`. */
  readonly hasSecurityTxt: boolean
}

export interface FramedPage {
  readonly title: string
  readonly description?: string
  /** Path of the page in the navigation. */
  readonly current?: string
  readonly modules?: readonly string[]
  /** The same as this page in another form. */
  readonly alternates?: readonly Alternate[]
  readonly content: Child
}

const LINKS = [
  { href: '/security', label: 'Promises' },
  { href: '/security/data', label: 'Data' },
  { href: '/security/subprocessors', label: 'Sub-processors' },
  { href: '/security/history', label: 'History' },
]

/** A page of the security section with its navigation and foot. */
export function framed(frame: FrameOptions, page: FramedPage): Markup {
  return sitePage({
    ...page,
    name: frame.site.name,
    nonce: frame.nonce,
    links: LINKS,
    foot: [
      html`<a href="/security.json">This page as JSON</a>`,
      html`<a href="/.well-known/surety/evidence/checkpoint">Log checkpoint</a>`,
      html`<a href="/.well-known/surety/evidence/vkey">Log key</a>`,
      frame.hasSecurityTxt ? html`<a href="/.well-known/security.txt">security.txt</a>` : null,
    ],
  })
}
