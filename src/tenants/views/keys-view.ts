import {
  absoluteDate,
  badge,
  button,
  card,
  command,
  dataTable,
  emptyState,
  html,
  notice,
  type Markup,
} from '../../ui/index.ts'
import { PermissionSet } from '../../access/index.ts'
import type { ResourceMap } from '../../declare/index.ts'
import type { ApiKey, NewKey } from '../api-keys.ts'
import { grantableOf } from '../rules.ts'
import { permissionMatrix } from './matrix.ts'
import {
  changeForm,
  choiceField,
  lineField,
  pageOf,
  TENANT_PATHS,
  tenantPage,
  type TenantFrame,
} from './parts.ts'

export interface KeysViewOptions extends TenantFrame {
  readonly keys: readonly ApiKey[]
  /** Who looks: only one's own keys are changed over. */
  readonly personId: string
  readonly resources: ResourceMap
  /** What the person who looks holds. */
  readonly held: PermissionSet
  /** Which part of the list is shown, from 1. */
  readonly page: number
  /** Unix milliseconds. */
  readonly now: number
  /** Shown this once. */
  readonly made?: NewKey
  /** What was asked for and refused. */
  readonly asked?: { readonly name: string; readonly scopes: readonly string[]; readonly term: string }
}

const TERMS = [
  { value: '30d', label: '30 days' },
  { value: '90d', label: '90 days' },
  { value: '365d', label: 'one year' },
]

/** `/account/keys`: keys for programs, each with a part of what its person may. */
export function keysView(options: KeysViewOptions): Markup {
  const { keys, made, resources, held, nameOf, page, asked } = options
  const offered = grantableOf(resources, held)
  const now = PermissionSet.parse(asked?.scopes ?? [])
  const { rows, pager } = pageOf(keys, page, TENANT_PATHS.keys)
  return tenantPage(options, {
    title: 'Keys',
    lead: 'For programs that act for you. A key can never do more than you can yourself at that moment.',
    current: TENANT_PATHS.keys,
    content: [
      made ? notice('good', 'Your key: copy it now, it is not shown again', command(made.text)) : null,
      keys.length === 0
        ? emptyState('No key yet', 'Make the first below.')
        : card({
            body: [
              dataTable({
                caption: `Keys: ${keys.length}`,
                rows,
                columns: [
                  { header: 'Name', cell: ({ name }) => name },
                  { header: 'Of', cell: ({ personId }) => nameOf(personId) },
                  { header: 'May', cell: (key) => key.scopes.join(' · ') || 'nothing' },
                  {
                    header: 'Last used',
                    cell: ({ lastUsedAt }) => (lastUsedAt ? hourOf(lastUsedAt) : 'never'),
                  },
                  { header: 'Works until', cell: (key) => endOf(options, key) },
                  { header: 'Change', cell: (key) => keyForms(options, key) },
                ],
              }),
              pager,
            ],
          }),
      card({
        title: 'A new key',
        body: changeForm(options, `${TENANT_PATHS.keys}/create`, {}, [
          lineField('Name', 'name', { max: 60, value: asked?.name ?? '' }),
          choiceField('Works for', 'term', 'term', TERMS, asked?.term ?? '90d'),
          offered.permissions.length === 0
            ? html`<p>You may nothing here yourself, so a key could only say who you are.</p>`
            : permissionMatrix({ caption: 'What the key may', name: 'scope', resources, offered, now }),
          button('Make the key', { look: 'primary' }),
        ]),
      }),
    ],
  })
}

/** The people of whom the page shows something, for their names. */
export function shownKeyHolders({ keys, page }: Pick<KeysViewOptions, 'keys' | 'page'>): string[] {
  return pageOf(keys, page, TENANT_PATHS.keys).rows.map(({ personId }) => personId)
}

function hourOf(time: Date): string {
  return `${absoluteDate(time.getTime())}, ${time.toISOString().slice(11, 13)}:00 UTC`
}

function endOf({ now }: KeysViewOptions, { expiresAt }: ApiKey): string | Markup {
  return expiresAt.getTime() <= now ? badge('neutral', 'ended') : hourOf(expiresAt)
}

function keyForms(options: KeysViewOptions, { id, name, personId, expiresAt }: ApiKey): Markup {
  const hidden = html`<span class="hidden-text"> ${name}</span>`
  const mayRotate = personId === options.personId && expiresAt.getTime() > options.now
  return html`<div class="actions">${
    mayRotate
      ? changeForm(options, `${TENANT_PATHS.keys}/rotate`, { id }, button(html`Change over${hidden}`))
      : null
  }${changeForm(options, `${TENANT_PATHS.keys}/revoke`, { id }, button(html`Revoke${hidden}`, { look: 'danger' }))}</div>`
}
