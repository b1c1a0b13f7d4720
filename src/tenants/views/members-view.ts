import {
  absoluteDate,
  button,
  buttonLink,
  card,
  dataTable,
  html,
  type Child,
  type Markup,
} from '../../ui/index.ts'
import type { CustomRole } from '../custom-roles.ts'
import type { Member } from '../memberships.ts'
import {
  changeForm,
  checkbox,
  fieldset,
  pageOf,
  TENANT_PATHS,
  tenantPage,
  type TenantFrame,
  whole,
} from './parts.ts'

export interface MembersViewOptions extends TenantFrame {
  readonly members: readonly Member[]
  /** Roles of the configuration that can be given. */
  readonly roles: readonly string[]
  readonly customRoles: readonly CustomRole[]
  /** Which part of the list is shown, from 1. */
  readonly page: number
  /** The member whose roles are being changed. */
  readonly chosen: string | null
  /** The roles that were asked for and refused. */
  readonly asked?: readonly string[]
  /** What stands below the members. */
  readonly below?: Child
}

/** `/account/members`: who belongs to the organisation, and with which roles. */
export function membersView(options: MembersViewOptions): Markup {
  const { members, nameOf, page, chosen } = options
  const names = roleNames(options)
  const member = members.find(({ personId }) => personId === chosen)
  const { rows, pager } = pageOf(members, page, TENANT_PATHS.members)
  return tenantPage(options, {
    title: 'Members',
    lead: 'Who belongs to your organisation. A change binds with the member’s next request.',
    current: TENANT_PATHS.members,
    content: [
      member ? memberCard(options, names, member) : null,
      card({
        body: [
          dataTable({
            caption: `Members: ${members.length}`,
            rows,
            columns: [
              { header: 'Member', cell: ({ personId }) => nameOf(personId) },
              {
                header: 'Roles',
                cell: ({ roles }) => roles.map((role) => names.get(role) ?? role).join(', ') || 'none',
              },
              {
                header: 'Last here',
                cell: ({ lastUsedAt }) => (lastUsedAt ? whole(absoluteDate(lastUsedAt.getTime())) : 'never'),
              },
              {
                header: 'Change',
                cell: ({ personId }) =>
                  html`<a href="${TENANT_PATHS.members}?person=${personId}&amp;page=${page}#member" class="whole">Change<span class="hidden-text"> ${nameOf(personId)}</span></a>`,
              },
            ],
          }),
          pager,
        ],
      }),
      options.below ?? null,
    ],
  })
}

/** The members of whom the page shows something, for their names. */
export function shownMembers({
  members,
  page,
  chosen,
}: Pick<MembersViewOptions, 'members' | 'page' | 'chosen'>): string[] {
  const { rows } = pageOf(members, page, TENANT_PATHS.members)
  return [...rows.map(({ personId }) => personId), ...(chosen === null ? [] : [chosen])]
}

function roleNames({ roles, customRoles }: MembersViewOptions): ReadonlyMap<string, string> {
  return new Map([
    ...roles.map((role) => [role, role] as const),
    ...customRoles.map(({ assignedAs, name }) => [assignedAs, name] as const),
  ])
}

function memberCard(options: MembersViewOptions, names: ReadonlyMap<string, string>, member: Member): Markup {
  const about = { person: member.personId }
  const on = options.asked ?? member.roles
  // What the member has and the list does not show would be taken away unseen.
  const all = new Map([
    ...names,
    ...member.roles.filter((role) => !names.has(role)).map((role) => [role, role] as const),
  ])
  return card({
    title: options.nameOf(member.personId),
    id: 'member',
    body: [
      changeForm(options, `${TENANT_PATHS.members}/roles`, about, [
        fieldset(
          'Roles',
          [...all].map(([role, name]) => checkbox('role', role, name, on.includes(role))),
        ),
        html`<div class="actions">${button('Save roles', { look: 'primary' })}${buttonLink(TENANT_PATHS.members, 'Leave as it is')}</div>`,
      ]),
      changeForm(
        options,
        `${TENANT_PATHS.members}/remove`,
        about,
        button('Remove from the organisation', { look: 'danger' }),
      ),
    ],
  })
}
