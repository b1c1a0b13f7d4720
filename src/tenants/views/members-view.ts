import { button, card, dataTable, disclosure, html, type Child, type Markup } from '../../ui/index.ts'
import type { Member } from '../change.ts'
import type { CustomRole } from '../custom-roles.ts'
import { changeForm, checkbox, fieldset, TENANT_PATHS, tenantPage, type TenantFrame } from './parts.ts'

export interface MembersViewOptions extends TenantFrame {
  readonly members: readonly Member[]
  /** Roles of the configuration that can be given. */
  readonly roles: readonly string[]
  readonly customRoles: readonly CustomRole[]
  /** What stands below the members: who is invited. */
  readonly below?: Child
}

/** `/account/members`: who belongs to the organisation, and with which roles. */
export function membersView(options: MembersViewOptions): Markup {
  const { members, nameOf } = options
  const names = roleNames(options)
  return tenantPage(options, {
    title: 'Members',
    lead: 'Who belongs to your organisation. A change binds with the member’s next request.',
    current: TENANT_PATHS.members,
    content: [
      card({
        body: dataTable({
          caption: `Members: ${members.length}`,
          rows: members,
          columns: [
            { header: 'Member', cell: ({ personId }) => nameOf(personId) },
            {
              header: 'Roles',
              cell: ({ roles }) => roles.map((role) => names.get(role) ?? role).join(', ') || 'none',
            },
            {
              header: 'Last here',
              cell: ({ lastUsedAt }) => lastUsedAt?.toISOString().slice(0, 10) ?? 'never',
            },
            { header: 'Change', cell: (member) => memberForms(options, names, member) },
          ],
        }),
      }),
      options.below ?? null,
    ],
  })
}

function roleNames({ roles, customRoles }: MembersViewOptions): ReadonlyMap<string, string> {
  return new Map([
    ...roles.map((role) => [role, role] as const),
    ...customRoles.map(({ assignedAs, name }) => [assignedAs, name] as const),
  ])
}

function memberForms(
  options: MembersViewOptions,
  names: ReadonlyMap<string, string>,
  member: Member,
): Markup {
  const who = options.nameOf(member.personId)
  const about = { person: member.personId }
  // What the member has and the list does not show would be taken away unseen.
  const all = new Map([
    ...names,
    ...member.roles.filter((role) => !names.has(role)).map((role) => [role, role] as const),
  ])
  return disclosure({
    summary: html`Change<span class="hidden-text"> ${who}</span>`,
    body: [
      changeForm(options, `${TENANT_PATHS.members}/roles`, about, [
        fieldset(
          `Roles of ${who}`,
          [...all].map(([role, name]) => checkbox('role', role, name, member.roles.includes(role))),
        ),
        button('Save roles', { look: 'primary' }),
      ]),
      changeForm(options, `${TENANT_PATHS.members}/remove`, about, button('Remove', { look: 'danger' })),
    ],
  })
}
