import { PermissionSet } from '../../access/index.ts'
import type { ResourceMap } from '../../declare/index.ts'
import { button, buttonLink, card, dataTable, emptyState, html, type Markup } from '../../ui/index.ts'
import type { CustomRole, RoleDraft } from '../custom-roles.ts'
import { grantableOf } from '../rules.ts'
import { permissionMatrix } from './matrix.ts'
import { changeForm, lineField, TENANT_PATHS, tenantPage, type TenantFrame } from './parts.ts'

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
  return html`<div class="actions"><a href="${TENANT_PATHS.roles}?role=${id}#role" class="whole">Change${hidden}</a>${changeForm(
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
  return changeForm(options, `${TENANT_PATHS.roles}/${role ? 'edit' : 'create'}`, about, [
    lineField('Name', 'name', { value: asked?.name ?? role?.name ?? '', max: 60 }),
    beyond
      ? html`<p>This role allows more than you hold. What you do not hold is not offered, and saving takes it away.</p>`
      : null,
    offered.permissions.length === 0
      ? html`<p>You hold nothing that a role could be made of.</p>`
      : permissionMatrix({ caption: 'What the role allows', name: 'allow', resources, offered, now }),
    html`<div class="actions">${button(role ? 'Save' : 'Make the role', { look: 'primary' })}${
      role ? buttonLink(TENANT_PATHS.roles, 'Leave as it is') : null
    }</div>`,
  ])
}
