import {
  badge,
  buttonLink,
  card,
  dataTable,
  emptyState,
  exactTime,
  html,
  inlineCode,
  link,
  notice,
  pageHeading,
  type Markup,
  type Tone,
} from 'surety/ui'
import type { StaffRoom } from 'surety'
import { shell } from './shell.ts'

export const STAFF_PATH = '/staff'

type GrantRecord = Awaited<ReturnType<StaffRoom['grants']['read']>>

interface StaffView {
  readonly nonce: string
  readonly visitor: { readonly displayName: string }
}

const LINKS = [
  { href: STAFF_PATH, label: 'My grants' },
  { href: '/console', label: 'Console' },
  { href: '/account/security', label: 'Account' },
]

/** Where our staff begin: what they may look at now. */
export function staffHomePage(
  view: StaffView & { readonly grants: readonly GrantRecord[]; readonly now: number },
): Markup {
  return shell({
    nonce: view.nonce,
    title: 'My grants',
    current: STAFF_PATH,
    person: view.visitor,
    links: LINKS,
    body: html`${pageHeading({
      title: 'My grants',
      lead: 'You see nobody’s data but by a grant that a second member of staff has signed. Whoever it is about is shown each look.',
    })}
      ${
        view.grants.length === 0
          ? emptyState('You have no grant', 'Ask for one in the console, and name the case that it is for.')
          : grantTable(view.grants, view.now)
      }
      <p class="aftermath">${buttonLink('/console/grants/new', 'Ask for access', 'primary')}</p>`,
  })
}

function grantTable(grants: readonly GrantRecord[], now: number): Markup {
  return dataTable<GrantRecord>({
    caption: 'Grants that you asked for, the newest first',
    columns: [
      {
        header: 'Grant',
        cell: (record) =>
          link(isOpen(record, now) ? dataPath(record) : consolePath(record), record.grant.purpose),
      },
      { header: 'Case', cell: ({ grant }) => grant.ticket },
      { header: 'Until', cell: ({ grant }) => exactTime(grant.until) },
      { header: 'State', cell: (record) => stateBadge(record, now) },
    ],
    rows: grants,
  })
}

function isOpen({ state, grant }: GrantRecord, now: number): boolean {
  return state === 'open' && now < grant.until
}

function stateBadge(record: GrantRecord, now: number): Markup {
  const [tone, word]: [Tone, string] = isOpen(record, now)
    ? ['good', 'open']
    : record.state === 'waiting' && now < record.grant.until
      ? ['unsure', 'waits for approval']
      : ['neutral', record.state === 'refused' ? 'refused' : 'over']
  return badge(tone, word)
}

const dataPath = ({ id }: GrantRecord): string => `${STAFF_PATH}/grants/${id}`
const consolePath = ({ id }: GrantRecord): string => `/console/grants/${id}`

export interface ShownHeartbeat {
  readonly id: string
  readonly personId: string
  readonly time: Date
  readonly project: string | null
  readonly entity: string
  readonly language: string | null
}

/** What a grant opens, with the ids that the record of this look names. */
export function staffHeartbeatsPage(
  view: StaffView & { readonly record: GrantRecord; readonly rows: readonly ShownHeartbeat[] },
): Markup {
  const { record, rows } = view
  const { purpose, ticket, until } = record.grant
  return shell({
    nonce: view.nonce,
    title: 'Heartbeats',
    current: STAFF_PATH,
    person: view.visitor,
    links: LINKS,
    body: html`${pageHeading({ title: purpose, eyebrow: ticket })}
      ${notice(
        'unsure',
        'This look is recorded, and shown to whom it is about.',
        html`The grant ends at ${exactTime(until)}; ${link(consolePath(record), 'what it says')}.`,
      )}
      ${
        rows.length === 0
          ? emptyState('No heartbeats', 'Nothing has arrived from this person’s editor.')
          : card({ title: 'The newest heartbeats', body: heartbeatTable(rows) })
      }`,
  })
}

function heartbeatTable(rows: readonly ShownHeartbeat[]): Markup {
  return dataTable<ShownHeartbeat>({
    caption: 'Heartbeats that this look shows',
    hideCaption: true,
    columns: [
      { header: 'When', cell: ({ time }) => exactTime(time.getTime()) },
      { header: 'Project', cell: ({ project }) => project ?? '–' },
      { header: 'File', cell: ({ entity }) => html`<span class="file" title="${entity}">${entity}</span>` },
      { header: 'Language', cell: ({ language }) => language ?? '–' },
      { header: 'Id', cell: ({ id }) => inlineCode(id) },
    ],
    rows,
  })
}
