import {
  button,
  card,
  dataTable,
  emptyState,
  exactTime,
  html,
  notice,
  pageHeading,
  type Child,
  type Markup,
} from '../../ui/index.ts'
import type { ShownAccess } from '../accesses.ts'
import type { GrantRecord } from '../grant-records.ts'
import type { MissingAccess } from '../missing-accesses.ts'
import { ACCESS_PATH, changeForm, staffFrame, type StaffFrame } from './frame.ts'

export interface AccessViewOptions extends StaffFrame {
  readonly own: readonly ShownAccess[]
  /** Accesses of which the audit log alone still tells; null where it could not be asked. */
  readonly missing: readonly MissingAccess[] | null
  /** Accesses to the tenant's common rows; null for who does not administer one. */
  readonly team: readonly ShownAccess[] | null
  /** Whether the customer is asked first; null for who cannot decide it. */
  readonly asksFirst: boolean | null
  /** Requests that wait for this customer's consent. */
  readonly waiting: readonly GrantRecord[]
}

const ACTIONS: Readonly<Record<string, string>> = {
  select: 'Read',
  insert: 'Added',
  update: 'Changed',
  delete: 'Deleted',
}

/** `/account/access`: each access of staff to one's own data. */
export function accessView(options: AccessViewOptions): Markup {
  const { own, missing, team, asksFirst, waiting } = options
  return staffFrame(options, {
    title: 'Who looked at my data',
    current: ACCESS_PATH,
    console: false,
    content: [
      pageHeading({
        title: 'Who looked at my data',
        lead: 'Our staff see your data only with a grant that a second person signed. Each time they do, it stands here.',
      }),
      waiting.map((record) => consentCard(options, record)),
      missingCard(missing),
      own.length > 0
        ? card({ title: 'Accesses to your data', body: accessTable('Accesses to your data', own) })
        : emptyState('Nobody has looked', 'No member of our staff has opened your data.'),
      team && team.length > 0
        ? card({
            title: 'Accesses to your team’s data',
            body: accessTable('Accesses to your team’s data', team),
          })
        : null,
      asksFirst === null ? null : asksFirstCard(options, asksFirst),
    ],
  })
}

/** What somebody took out of the list, or changed in it. */
function missingCard(missing: AccessViewOptions['missing']): Child {
  if (missing === null) return notice('unsure', 'This list could not be held against the audit log just now.')
  if (missing.length === 0) return null
  return card({
    title: 'Missing from this list',
    body: [
      notice('bad', 'Somebody removed or changed records of accesses. The audit log still tells of these:'),
      dataTable<MissingAccess>({
        caption: 'Accesses of which the audit log alone still tells',
        hideCaption: true,
        columns: [
          { header: 'When', cell: ({ at }) => exactTime(at.getTime()) },
          { header: 'Role', cell: ({ role }) => role },
          { header: 'What', cell: whatOf },
          { header: 'Rows', cell: ({ rows: count }) => count, align: 'number' },
        ],
        rows: missing,
      }),
    ],
  })
}

/** Accesses that stand one by one; of older ones each purpose stands, so that many hide none. */
const MOST_SINGLE = 200

/** Accesses as a table: when, in which role, why, what. Older ones by purpose, with how often. */
export function accessTable(caption: string, rows: readonly ShownAccess[]): Child {
  const older = rows.slice(MOST_SINGLE)
  return [
    singleTable(caption, rows.slice(0, MOST_SINGLE)),
    older.length > 0 ? olderTable(`${caption}, earlier`, older) : null,
  ]
}

function olderTable(caption: string, rows: readonly ShownAccess[]): Markup {
  const alike = Map.groupBy(rows, ({ at: _, rows: __, ...what }) => JSON.stringify(what))
  return dataTable<readonly ShownAccess[]>({
    caption,
    columns: [
      { header: 'Last', cell: ([newest]) => exactTime(newest!.at.getTime()) },
      { header: 'Role', cell: ([newest]) => newest!.role },
      { header: 'Why', cell: ([newest]) => purposeOf(newest!) },
      { header: 'What', cell: ([newest]) => whatOf(newest!) },
      { header: 'Times', cell: (all) => all.length, align: 'number' },
    ],
    rows: [...alike.values()],
  })
}

function whatOf({ action, resource }: Pick<ShownAccess, 'action' | 'resource'>): string {
  return `${ACTIONS[action] ?? action} ${resource}`
}

function singleTable(caption: string, rows: readonly ShownAccess[]): Markup {
  return dataTable<ShownAccess>({
    caption,
    hideCaption: true,
    columns: [
      { header: 'When', cell: ({ at }) => exactTime(at.getTime()) },
      { header: 'Role', cell: ({ role }) => role },
      { header: 'Why', cell: (row) => purposeOf(row) },
      { header: 'What', cell: whatOf },
      { header: 'Rows', cell: ({ rows: count }) => count, align: 'number' },
    ],
    rows,
  })
}

const KINDS: Readonly<Record<string, string>> = {
  'break-glass': 'In an emergency, without asking first.',
  impersonation: 'Saw the product as you see it.',
}

function purposeOf({ purpose, kind, delayReason }: ShownAccess): Child {
  return [
    html`<p>${purpose}</p>`,
    KINDS[kind] ? html`<p>${KINDS[kind]}</p>` : null,
    delayReason ? html`<p>Shown later than it happened: ${delayReason}</p>` : null,
  ]
}

function consentCard(frame: StaffFrame, { id, grant }: GrantRecord): Markup {
  return card({
    title: 'Staff ask to see your data',
    body: [
      html`<p>${grant.purpose}</p>`,
      html`<p>A member of our staff (${grant.role}) asks for ${Object.keys(grant.resources).join(', ')} until ${exactTime(grant.until)}.</p>`,
      changeForm(frame, `${ACCESS_PATH}/consent`, [
        html`<input type="hidden" name="grant" value="${id}">`,
        button('Allow it', { look: 'primary' }),
      ]),
    ],
  })
}

function asksFirstCard(frame: StaffFrame, asks: boolean): Markup {
  return card({
    title: 'Ask us first',
    body: [
      asks
        ? notice('good', 'Staff wait for your consent before they see anything.')
        : html`<p>Staff need a second member’s signature. You can ask that they need yours, too.</p>`,
      html`<p>In an emergency they may look at once; it is reviewed afterwards, and stands above.</p>`,
      changeForm(frame, `${ACCESS_PATH}/ask-first`, [
        html`<input type="hidden" name="asks" value="${asks ? 'off' : 'on'}">`,
        button(asks ? 'Do not ask us any more' : 'Ask us first'),
      ]),
    ],
  })
}
