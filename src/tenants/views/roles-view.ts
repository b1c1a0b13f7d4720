import { PermissionSet } from '../../access/index.ts'
import { ACTIONS, type Action, type ResourceMap, type Scope } from '../../declare/index.ts'
import {
  button,
  buttonLink,
  card,
  dataTable,
  disclosure,
  emptyState,
  html,
  type Markup,
} from '../../ui/index.ts'
import type { CustomRole, RoleDraft } from '../custom-roles.ts'
import { grantableOf, scopesOf } from '../rules.ts'
import {
  changeForm,
  checkbox,
  fieldset,
  lineField,
  TENANT_PATHS,
  tenantPage,
  type TenantFrame,
} from './parts.ts'

export interface RolesViewOptions extends TenantFrame {
  readonly resources: ResourceMap
  readonly customRoles: readonly CustomRole[]
  /** What the person who looks holds. */
  readonly held: PermissionSet
  /** The role that is being changed; null: a new one is offered. */
  readonly chosen: string | null
  /** What was asked for and refused. */
  readonly asked?: RoleDraft
}

/** One line of the matrix: what can be given of one resource's rows. */
interface MatrixRow {
  readonly resource: string
  readonly scope: Scope
}

const WHOSE: Readonly<Record<Scope, string>> = {
  own: 'their own',
  tenant: 'everybody’s here',
  any: 'all',
}

/** `/account/roles`: the roles that the organisation made, and the matrix in which one is made or changed. */
export function rolesView(options: RolesViewOptions): Markup {
  const { customRoles, chosen } = options
  const role = customRoles.find(({ id }) => id === chosen) ?? null
  return tenantPage(options, {
    title: 'Roles',
    lead: 'Roles of your own, made of what you hold yourself. A change binds with the next request of everybody who has the role.',
    current: TENANT_PATHS.roles,
    content: [
      customRoles.length === 0
        ? emptyState('There are none yet', 'Make the first below, then give it to members.')
        : card({
            body: dataTable({
              caption: `Roles of your own: ${customRoles.length}`,
              rows: customRoles,
              columns: [
                { header: 'Role', cell: ({ name }) => name },
                { header: 'Allows', cell: ({ permissions }) => permissions.join(' · ') || 'nothing' },
                { header: 'Change', cell: (each) => roleActions(options, each) },
              ],
            }),
          }),
      card({
        title: role ? html`Change ${role.name}` : 'A new role',
        id: 'role',
        body: roleForm(options, role),
      }),
    ],
  })
}

function roleActions(options: RolesViewOptions, { id, name }: CustomRole): Markup {
  const hidden = html`<span class="hidden-text"> ${name}</span>`
  return html`<div class="actions"><a href="${TENANT_PATHS.roles}?role=${id}#role">Change${hidden}</a>${changeForm(
    options,
    `${TENANT_PATHS.roles}/remove`,
    { id },
    button(html`Remove${hidden}`, { look: 'danger' }),
  )}</div>`
}

function roleForm(options: RolesViewOptions, role: CustomRole | null): Markup {
  const { asked, resources, held } = options
  const offered = grantableOf(resources, held)
  const now = PermissionSet.parse(asked?.permissions ?? role?.permissions ?? [])
  const beyond = offered.lacks(now).length > 0
  const about: Record<string, string> = role ? { id: role.id, revision: String(role.revision) } : {}
  const rows = matrixRows(options, offered)
  return changeForm(options, `${TENANT_PATHS.roles}/${role ? 'edit' : 'create'}`, about, [
    lineField('Name', 'name', { value: asked?.name ?? role?.name ?? '', max: 60 }),
    beyond
      ? html`<p>This role allows more than you hold. What you do not hold is not offered, and saving takes it away.</p>`
      : null,
    rows.length === 0
      ? html`<p>You hold nothing that a role could be made of.</p>`
      : dataTable({
          caption: 'What the role allows',
          rows,
          columns: [
            {
              header: 'Data',
              cell: ({ resource, scope }) => html`${resource}<br><small>${WHOSE[scope]}</small>`,
            },
            ...ACTIONS.map((action) => ({
              header: action,
              cell: (row: MatrixRow) => cellOf(options, { offered, now }, row, action),
            })),
          ],
        }),
    html`<div class="actions">${button(role ? 'Save' : 'Make the role', { look: 'primary' })}${
      role ? buttonLink(TENANT_PATHS.roles, 'Leave as it is') : null
    }</div>`,
  ])
}

/** Only what could be given is offered; the library refuses the rest in any case. */
function matrixRows({ resources }: RolesViewOptions, offered: PermissionSet): readonly MatrixRow[] {
  return Object.values(resources).flatMap((resource) =>
    scopesOf(resource)
      .filter((scope) =>
        ACTIONS.some((action) => offered.columns(resource.name, action, scope) !== undefined),
      )
      .map((scope) => ({ resource: resource.name, scope })),
  )
}

function cellOf(
  { resources }: RolesViewOptions,
  { offered, now }: { readonly offered: PermissionSet; readonly now: PermissionSet },
  { resource, scope }: MatrixRow,
  action: Action,
): Markup | string {
  const columns = offered.columns(resource, action, scope)
  if (columns === undefined) return '–'
  const text = `${resource}:${action}:${scope}`
  const label = html`<span class="hidden-text">${action} ${resource}, ${WHOSE[scope]}</span>`
  const given = now.columns(resource, action, scope)
  const box = checkbox('allow', text, label, given !== undefined)
  if (action === 'delete') return box
  const fields = columns === null ? Object.keys(resources[resource]!.fields) : [...columns]
  // Who holds only some fields can give no others: all of those are ticked to begin with.
  const ticked = given === undefined || given === null ? columns : given
  return html`${box}${disclosure({
    summary: html`Only some fields<span class="hidden-text"> of ${resource}, ${WHOSE[scope]}, to ${action}</span>`,
    open: Boolean(given) || columns !== null,
    body: fieldset(
      html`<span class="hint">${columns === null ? 'None ticked: all of them' : 'You hold these'}</span>`,
      fields.map((field) => checkbox(text, field, field, ticked?.has(field) ?? false)),
    ),
  })}`
}
