import { button, card, command, dataTable, html, notice, type Markup } from '../../ui/index.ts'
import type { ApiKey, NewKey } from '../api-keys.ts'
import {
  changeForm,
  checkbox,
  choiceField,
  fieldset,
  lineField,
  TENANT_PATHS,
  tenantPage,
  type TenantFrame,
} from './parts.ts'

export interface KeysViewOptions extends TenantFrame {
  readonly keys: readonly ApiKey[]
  /** Who looks: only one's own keys are changed over. */
  readonly personId: string
  /** What the person may give a key, as texts of permissions. */
  readonly scopes: readonly string[]
  /** Shown this once. */
  readonly made?: NewKey
}

const TERMS = [
  { value: '30d', label: '30 days' },
  { value: '90d', label: '90 days' },
  { value: '365d', label: 'one year' },
]

/** `/account/keys`: keys for programs, each with a part of what its person may. */
export function keysView(options: KeysViewOptions): Markup {
  const { keys, made, scopes, nameOf } = options
  return tenantPage(options, {
    title: 'Keys',
    lead: 'For programs that act for you. A key never may more than you may yourself at that moment.',
    current: TENANT_PATHS.keys,
    content: [
      made ? notice('good', 'Your key: copy it now, it is not shown again', command(made.text)) : null,
      card({
        body: dataTable({
          caption: keys.length === 0 ? 'No key yet' : `Keys: ${keys.length}`,
          rows: keys,
          columns: [
            { header: 'Name', cell: ({ name }) => name },
            { header: 'Of', cell: ({ personId }) => nameOf(personId) },
            { header: 'May', cell: (key) => key.scopes.join(' · ') || 'nothing' },
            { header: 'Last used', cell: ({ lastUsedAt }) => (lastUsedAt ? hourOf(lastUsedAt) : 'never') },
            { header: 'Works until', cell: ({ expiresAt }) => hourOf(expiresAt) },
            { header: 'Change', cell: (key) => keyForms(options, key) },
          ],
        }),
      }),
      card({
        title: 'A new key',
        body: changeForm(options, `${TENANT_PATHS.keys}/create`, {}, [
          lineField('Name', 'name', { max: 60 }),
          choiceField('Works for', 'term', 'term', TERMS, '90d'),
          fieldset(
            'May',
            scopes.map((scope) => checkbox('scope', scope, scope, false)),
          ),
          button('Make the key', { look: 'primary' }),
        ]),
      }),
    ],
  })
}

function hourOf(time: Date): string {
  return `${time.toISOString().slice(0, 13).replace('T', ' ')}:00 UTC`
}

function keyForms(options: KeysViewOptions, { id, name, personId }: ApiKey): Markup {
  const hidden = html`<span class="hidden-text"> ${name}</span>`
  return html`<div class="actions">${
    personId === options.personId
      ? changeForm(options, `${TENANT_PATHS.keys}/rotate`, { id }, button(html`Change over${hidden}`))
      : null
  }${changeForm(options, `${TENANT_PATHS.keys}/revoke`, { id }, button(html`Revoke${hidden}`, { look: 'danger' }))}</div>`
}
