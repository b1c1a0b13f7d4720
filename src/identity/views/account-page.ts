import { button, html, postForm, sitePage, type Child, type Markup, type NavLink } from '../../ui/index.ts'

/** Paths of the account pages. */
export const ACCOUNT_PATHS = {
  signIn: '/account/sign-in',
  signUp: '/account/sign-up',
  signOut: '/account/sign-out',
  secondFactor: '/account/second-factor',
  confirm: '/account/confirm',
  security: '/account/security',
  sessions: '/account/sessions',
  address: '/account/address',
  reset: '/account/reset',
  resetPassword: '/account/reset/password',
} as const

/** What every account page needs of its request. */
export interface AccountFrame {
  /** Name of the product. */
  readonly name: string
  /** CSP nonce of the response. */
  readonly nonce: string
  /** The form token of the session; null where nobody is signed in. */
  readonly formToken: string | null
  /** The navigation of whoever is signed in. */
  readonly links: readonly NavLink[]
  /** Path of the script that speaks to passkeys. */
  readonly island: { readonly module: string }
}

export interface AccountPage {
  readonly title: string
  /** Path in the navigation, where the person is signed in. */
  readonly current?: string
  readonly usesPasskeys?: boolean
  readonly content: Child
}

export const ACCOUNT_LINKS: readonly NavLink[] = [
  { href: ACCOUNT_PATHS.security, label: 'Sign-in and security' },
  { href: ACCOUNT_PATHS.sessions, label: 'Where you are signed in' },
]

/** A page of one's own account, or the way into it. */
export function accountPage(frame: AccountFrame, page: AccountPage): Markup {
  const { name, nonce, formToken, island, links } = frame
  const { title, current, usesPasskeys, content } = page
  return sitePage({
    ...{ name, nonce, title, content },
    ...(usesPasskeys && { modules: [island.module] }),
    links: current === undefined ? [{ href: '/security', label: 'Security' }] : links,
    ...(current !== undefined && { current }),
    end: formToken === null ? null : signOutForm(formToken),
    foot: html`<a href="/security">What we promise, and whether we keep it</a>`,
  })
}

/** Name of the field that carries a session's form token. */
export const FORM_TOKEN = 'form'

/** What ends the session that a form token is of. */
export function signOutForm(token: string): Markup {
  return postForm({
    action: ACCOUNT_PATHS.signOut,
    hidden: { [FORM_TOKEN]: token },
    body: button('Sign out'),
  })
}
