import { PermissionSet } from '../../access/index.ts'
import { ACTIONS, tenantColumn, type Action, type ResourceMap, type Scope } from '../../declare/index.ts'
import { button, card, dataTable, disclosure, emptyState, html, type Markup } from '../../ui/index.ts'
import type { CustomRole } from '../custom-roles.ts'
import {
  changeForm,
  choiceField,
  lineField,
  TENANT_PATHS,
  tenantPage,
  type Choice,
  type TenantFrame,
} from './parts.ts'

export interface RolesViewOptions extends TenantFrame {
  readonly resources: ResourceMap
  readonly customRoles: readonly CustomRole[]
  /** What the person who looks may give. */
  readonly held: PermissionSet
}

/** One line of the matrix: what can be given of one resource. */
interface MatrixRow {
  readonly resource: string
  readonly scopes: Readonly<Record<Action, readonly Scope[]>>
}

const LABELS: Readonly<Record<Scope, string>> = {
  own: 'their own',
  tenant: 'everybody’s here',
  any: 'all',
}

/** `/account/roles`: the roles that the organisation made, each as a matrix of what it allows. */
export function rolesView(options: RolesViewOptions): Markup {
  const { customRoles } = options
  const lead =
    'Roles of your own, made of what you hold yourself. A change binds with the next request of everybody who has the role.'
  return tenantPage(options, {
    title: 'Roles',
    lead,
    current: TENANT_PATHS.roles,
    content: [
      customRoles.length === 0
        ? emptyState('There are none yet', 'Make the first below, then give it to members.')
        : customRoles.map((role) => roleCard(options, role)),
      card({ title: 'A new role', id: 'new', body: roleForm(options, null) }),
    ],
  })
}

function roleCard(options: RolesViewOptions, role: CustomRole): Markup {
  return card({
    title: role.name,
    id: `role-${role.id}`,
    body: [
      html`<p>${role.permissions.length === 0 ? 'Allows nothing.' : role.permissions.join(' · ')}</p>`,
      disclosure({
        summary: html`Change<span class="hidden-text"> ${role.name}</span>`,
        body: roleForm(options, role),
      }),
      changeForm(
        options,
        `${TENANT_PATHS.roles}/remove`,
        { id: role.id },
        button('Remove', { look: 'danger' }),
      ),
    ],
  })
}

function roleForm(options: RolesViewOptions, role: CustomRole | null): Markup {
  const set = PermissionSet.parse(role?.permissions ?? [])
  const prefix = role?.id ?? 'new'
  const about: Record<string, string> = role ? { id: role.id, revision: String(role.revision) } : {}
  return changeForm(options, `${TENANT_PATHS.roles}/${role ? 'edit' : 'create'}`, about, [
    lineField('Name', `${prefix}-name`, { name: 'name', value: role?.name ?? '', max: 60 }),
    dataTable({
      caption: 'What the role allows',
      rows: matrixOf(options),
      columns: [
        { header: 'Data', cell: ({ resource }) => resource },
        ...ACTIONS.map((action) => ({
          header: action,
          cell: (row: MatrixRow) => cellOf(set, prefix, row, action),
        })),
      ],
    }),
    button(role ? 'Save' : 'Make the role', { look: 'primary' }),
  ])
}

/** Only what could be given is offered; the library refuses the rest in any case. */
function matrixOf({ resources, held }: RolesViewOptions): readonly MatrixRow[] {
  return Object.values(resources)
    .map(({ name }) => {
      const owned = tenantColumn(resources[name]!) !== null
      const scopes = (action: Action): Scope[] =>
        (owned ? (['own', 'tenant'] as const) : (['any'] as const)).filter(
          (scope) =>
            held.columns(name, action, scope) !== undefined &&
            (scope !== 'own' || resources[name]!.subjects.length > 0),
        )
      return {
        resource: name,
        scopes: { read: scopes('read'), write: scopes('write'), delete: scopes('delete') },
      }
    })
    .filter(({ scopes }) => ACTIONS.some((action) => scopes[action].length > 0))
}

function cellOf(
  set: PermissionSet,
  prefix: string,
  { resource, scopes }: MatrixRow,
  action: Action,
): Markup | string {
  if (scopes[action].length === 0) return '–'
  const now = set.permissions.find((one) => one.resource === resource && one.actions.includes(action))
  const choices: Choice[] = [
    { value: '', label: 'nothing' },
    ...scopes[action].map((scope) => ({ value: scope, label: LABELS[scope] })),
  ]
  const id = `${prefix}-${resource}-${action}`
  const field = choiceField(
    `${action} ${resource}`,
    id,
    `${resource}:${action}`,
    choices,
    now?.scope ?? '',
    true,
  )
  if (action === 'delete') return field
  return html`${field}${disclosure({
    summary: html`Only some fields<span class="hidden-text"> of ${resource} to ${action}</span>`,
    open: now?.columns !== null && now !== undefined,
    body: lineField('Fields, with commas', `${id}-columns`, {
      name: `${resource}:${action}:columns`,
      value: now?.columns?.join(', ') ?? '',
      max: 4_096,
      required: false,
    }),
  })}`
}
