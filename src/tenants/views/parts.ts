import {
  absoluteDate,
  html,
  notice,
  pageHeading,
  sitePage,
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
  /** What stands at the end of the bar, such as a way to sign out. */
  readonly end?: Child
  /** What a person is called; a pseudonym where nobody knows. */
  readonly nameOf: (personId: string) => string
  /** What was wrong with what was sent; shown above everything. */
  readonly problem?: { readonly title: string; readonly detail?: string }
  /** Questions of an open review that wait for who looks; Unix milliseconds. */
  readonly waiting?: { readonly open: number; readonly dueAt: number; readonly now: number }
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
  page: { readonly title: string; readonly lead?: string; readonly current: string; readonly content: Child },
): Markup {
  const { problem, site, nonce, waiting, links = TENANT_LINKS, end } = frame
  const { title, lead, current } = page
  return sitePage({
    ...{ name: site.name, nonce, title, links, current, end },
    content: [
      pageHeading({ title, ...(lead !== undefined && { lead }) }),
      problem ? notice('bad', problem.title, problem.detail) : null,
      waiting && current !== TENANT_PATHS.reviews ? reminder(waiting) : null,
      page.content,
    ],
    foot: html`<a href="/security">What we promise, and whether we keep it</a>`,
  })
}

function reminder({ open, dueAt, now }: NonNullable<TenantFrame['waiting']>): Markup {
  const due = dueAt < now ? 'was due' : 'is due'
  return notice(
    dueAt < now ? 'bad' : 'unsure',
    `A review ${due} on ${absoluteDate(dueAt)}`,
    html`<a href="${TENANT_PATHS.reviews}">${open === 1 ? 'One decision waits' : `${open} decisions wait`} for you</a>`,
  )
}

/** What stands where somebody may not look, within the frame of the pages where they may. */
export function refusedView(frame: TenantFrame, current: string): Markup {
  const title = TENANT_LINKS.find(({ href }) => href === current)?.label ?? 'Organisation'
  return tenantPage(frame, { title, current, content: null })
}

/** Rows that are shown at once. */
export const PAGE_ROWS = 50

/**
 * One part of a long list, and links to the parts around it.
 * @param page from 1; of what lies outside, the nearest
 * @param path of the page; a query may be part of it
 */
export function pageOf<Row>(
  rows: readonly Row[],
  page: number,
  path: string,
): { readonly rows: readonly Row[]; readonly pager: Markup | null } {
  const pages = Math.max(1, Math.ceil(rows.length / PAGE_ROWS))
  const shown = Math.min(Math.max(1, Number.isSafeInteger(page) ? page : 1), pages)
  const to = (target: number, label: string): Markup | null =>
    target >= 1 && target <= pages
      ? html`<a href="${path}${path.includes('?') ? '&' : '?'}page=${target}" rel="${target < shown ? 'prev' : 'next'}">${label}</a>`
      : null
  const part = rows.slice((shown - 1) * PAGE_ROWS, shown * PAGE_ROWS)
  if (pages === 1) return { rows: part, pager: null }
  return {
    rows: part,
    pager: html`<nav class="actions" aria-label="Pages">${to(shown - 1, 'Previous')}<span>Page ${shown} of ${pages}</span>${to(shown + 1, 'Next')}</nav>`,
  }
}

/** Text that stays on one line. */
export function whole(text: string): Markup {
  return html`<span class="whole">${text}</span>`
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
