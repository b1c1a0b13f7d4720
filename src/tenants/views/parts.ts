import {
  html,
  htmlDocument,
  mainContent,
  notice,
  pageHeading,
  siteFooter,
  siteHeader,
  type Child,
  type Markup,
  type NavLink,
} from '../../ui/index.ts'

/** What every page of an organisation needs. */
export interface TenantFrame {
  readonly site: { readonly name: string }
  /** CSP nonce of the response. */
  readonly nonce: string
  /** The session's token, which every form carries. */
  readonly form: string
  /** Navigation of the account's pages. Default: those of the organisation. */
  readonly links?: readonly NavLink[]
  /** What a person is called; a pseudonym where nobody knows. */
  readonly nameOf: (personId: string) => string
  /** What was wrong with what was sent; shown above everything. */
  readonly problem?: { readonly title: string; readonly detail?: string }
}

export const TENANT_PATHS = {
  members: '/account/members',
  roles: '/account/roles',
  keys: '/account/keys',
  networks: '/account/networks',
  reviews: '/account/reviews',
} as const

export const TENANT_LINKS: readonly NavLink[] = [
  { href: TENANT_PATHS.members, label: 'Members' },
  { href: TENANT_PATHS.roles, label: 'Roles' },
  { href: TENANT_PATHS.keys, label: 'Keys' },
  { href: TENANT_PATHS.networks, label: 'Networks' },
  { href: TENANT_PATHS.reviews, label: 'Reviews' },
]

/** The name of the hidden field with the session's token. */
export const FORM_FIELD = 'form'

export function tenantPage(
  frame: TenantFrame,
  page: { readonly title: string; readonly lead: string; readonly current: string; readonly content: Child },
): Markup {
  const { problem, site } = frame
  return htmlDocument({
    title: `${page.title} · ${site.name}`,
    nonce: frame.nonce,
    body: [
      siteHeader({ name: site.name, links: frame.links ?? TENANT_LINKS, current: page.current }),
      mainContent([
        pageHeading({ title: page.title, lead: page.lead }),
        problem ? notice('bad', problem.title, problem.detail) : null,
        page.content,
      ]),
      siteFooter(html`<a href="/security">Security</a>`),
    ],
  })
}

/** A form that changes something: a POST with the session's token and what it is about. */
export function changeForm(
  { form }: TenantFrame,
  action: string,
  about: Readonly<Record<string, string>>,
  body: Child,
): Markup {
  const hidden = Object.entries({ [FORM_FIELD]: form, ...about })
  return html`<form class="change" method="post" action="${action}">${hidden.map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
  )}${body}</form>`
}

export function checkbox(name: string, value: string, label: Child, isOn: boolean): Markup {
  return html`<label class="check"><input type="checkbox" name="${name}" value="${value}"${
    isOn ? html` checked` : null
  }> ${label}</label>`
}

export function lineField(
  label: string,
  id: string,
  options: {
    readonly name?: string
    readonly value?: string
    readonly max: number
    readonly required?: boolean
  },
): Markup {
  return html`<div class="field"><label for="${id}">${label}</label>
<input id="${id}" name="${options.name ?? id}" type="text" autocomplete="off" maxlength="${options.max}" value="${options.value ?? ''}"${
    options.required === false ? null : html` required`
  } dir="auto"></div>`
}

export interface Choice {
  readonly value: string
  readonly label: string
}

/** @param hiddenLabel true: only read out, where a table says it already */
export function choiceField(
  label: string,
  id: string,
  name: string,
  choices: readonly Choice[],
  chosen: string,
  hiddenLabel = false,
): Markup {
  return html`<div class="field"><label for="${id}"${hiddenLabel ? html` class="hidden-text"` : null}>${label}</label>
<select id="${id}" name="${name}">${choices.map(
    ({ value, label: text }) =>
      html`<option value="${value}"${value === chosen ? html` selected` : null}>${text}</option>`,
  )}</select></div>`
}

export function fieldset(legend: Child, body: Child): Markup {
  return html`<fieldset><legend>${legend}</legend>${body}</fieldset>`
}
