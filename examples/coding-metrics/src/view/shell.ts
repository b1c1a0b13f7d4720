import {
  button,
  html,
  htmlDocument,
  mainContent,
  siteFooter,
  siteHeader,
  type Child,
  type Markup,
  type NavLink,
} from 'surety/ui'
import type { Person } from '../people.ts'
import { STYLES } from './styles.ts'

export interface ShellOptions {
  readonly nonce: string
  readonly title: string
  /** Path of the page in the navigation. */
  readonly current?: string
  /** Who is signed in, or null. */
  readonly person: Pick<Person, 'displayName'> | null
  /** The navigation. Default: that of people with a team, or of visitors. */
  readonly links?: readonly NavLink[]
  readonly body: Child
}

/** The frame around every page of this product. */
export function shell({ nonce, title, current, person, links, body }: ShellOptions): Markup {
  return htmlDocument({
    title: `${title} · Codetime`,
    nonce,
    stylesheets: [STYLES.path],
    body: html`<div class="codetime">${siteHeader({
      name: 'Codetime',
      links: links ?? linksFor(person),
      ...(current === undefined ? {} : { current }),
      end: person ? signOut(person.displayName) : null,
    })}${mainContent(body)}${siteFooter(
      html`<span>Codetime is the coding-metrics example of Surety.</span>
        <a href="/security">Security</a><a href="/security/data">What we store</a>`,
    )}</div>`,
  })
}

function linksFor(person: ShellOptions['person']) {
  const links = [{ href: '/', label: person ? 'Dashboard' : 'Home' }]
  if (person) links.push({ href: '/team', label: 'Team' }, { href: '/account/security', label: 'Account' })
  links.push({ href: '/connect', label: 'Connect' }, { href: '/security', label: 'Security' })
  return links
}

function signOut(name: string): Markup {
  return html`<form class="session" method="post" action="/sign-out"><span dir="auto">${name}</span>${button('Sign out')}</form>`
}
