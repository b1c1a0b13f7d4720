import { button, html, notice, sitePage, type Child, type Markup, type NavLink } from '../../ui/index.ts'

/** What every page about staff access needs. */
export interface StaffFrame {
  /** Name of the product. */
  readonly name: string
  /** CSP nonce of the response. */
  readonly nonce: string
  /** The visitor's token, which every form carries. */
  readonly formToken: string
  /** Navigation of the customer's own pages. */
  readonly links: readonly NavLink[]
  /** What stands at the end of the bar, such as a way to sign out. */
  readonly end?: Child
  /** The script behind passkeys. */
  readonly island: { readonly module: string }
}

export interface StaffPage {
  readonly title: string
  readonly current?: string
  /** True for pages of staff; the others are the customer's own. */
  readonly console: boolean
  /** True where a passkey signs something. */
  readonly signs?: boolean
  readonly content: Child
}

export const CONSOLE_PATHS = {
  home: '/console',
  request: '/console/grants/new',
  enrol: '/console/enrol',
  staff: '/console/staff',
} as const
export const ACCESS_PATH = '/account/access'
export const FORM_TOKEN = 'form'

/** Navigation of staff's own pages; the first is where they begin. */
export const CONSOLE_LINKS: readonly NavLink[] = [
  { href: CONSOLE_PATHS.home, label: 'Console' },
  { href: CONSOLE_PATHS.request, label: 'Ask for access' },
  { href: CONSOLE_PATHS.staff, label: 'Staff' },
]
export const ACCESS_LINKS: readonly NavLink[] = [{ href: ACCESS_PATH, label: 'Who looked at my data' }]

export function staffFrame(frame: StaffFrame, page: StaffPage): Markup {
  const { name, nonce, island, end } = frame
  const { title, current, content } = page
  return sitePage({
    ...{ name, nonce, title, content, end },
    ...(page.signs && { modules: [island.module] }),
    links: page.console ? [...CONSOLE_LINKS, ...backTo(frame.links)] : frame.links,
    ...(current !== undefined && { current }),
    foot: html`<a href="/security">What we promise, and whether we keep it</a>`,
  })
}

/** From the console back to one's own pages. */
function backTo([first]: readonly NavLink[]): NavLink[] {
  return first ? [{ href: first.href, label: 'Your account' }] : []
}

/** A form that changes something. */
export function changeForm(frame: StaffFrame, action: string, body: Child, id?: string): Markup {
  return html`<form class="form" method="post" action="${action}"${id ? html` id="${id}"` : null}>
<input type="hidden" name="${FORM_TOKEN}" value="${frame.formToken}">
${body}</form>`
}

export interface SignBox {
  /** Where the challenge comes from, and where the answer goes. */
  readonly challenge: string
  readonly send: string
  readonly label: string
  /** `create` makes a passkey; default `get`. */
  readonly does?: 'get' | 'create'
  /** Selector of a form whose fields are sent along. */
  readonly fields?: string
  readonly look?: 'primary' | 'plain' | 'danger'
}

/** A button that signs with a passkey; hidden where the browser has none, which then says so. */
export function signBox(frame: StaffFrame, box: SignBox): Markup {
  const { challenge, send, label, does = 'get', fields, look = 'primary' } = box
  return html`<div data-challenge="${challenge}" data-send="${send}" data-does="${does}" data-form="${frame.formToken}"${
    fields ? html` data-fields="${fields}"` : null
  } hidden>${button(label, { type: 'button', look })}<p role="status"></p></div>
<noscript>${notice('neutral', 'Signing with a passkey needs JavaScript.')}</noscript>`
}
