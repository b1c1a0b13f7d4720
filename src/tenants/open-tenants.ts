import { parseRoles, principalWith, type Principal } from '../access/index.ts'
import { createAllowList, requireAddress, type AllowList } from './allow-list.ts'
import { createApiKeys, type ApiKeys } from './api-keys.ts'
import { createCustomRoles, type CustomRoles } from './custom-roles.ts'
import { createInvitations, type Invitations } from './invitations.ts'
import { keyPrefix } from './key-text.ts'
import { noteUse } from './last-use.ts'
import { createMembers, type Members } from './members.ts'
import { membershipsOf } from './memberships.ts'
import { openOffice, type Office, type TenantsOptions } from './office.ts'
import { createProvisioning, type Provisioning } from './provisioning.ts'
import { createReviews, type Reviews } from './reviews.ts'
import { checkRoles, givenRoles } from './rules.ts'
import { standingNow } from './standing.ts'

/** From where a person asks, and in which of their tenants. */
export interface TenantRequest {
  /** Default: the one they have belonged to longest. */
  readonly tenant?: string
  /** The client's network address, as the server sees it. Default unknown, which no allow-list lets in. */
  readonly address?: string | null
}

/** Tenants: who belongs to one, and what they may do there. */
export interface Tenants {
  /**
   * A person as a principal, with all that their roles in the tenant allow at this moment, those that the
   * tenant made among them. Null for who is no member. Call it for each request: it reads the store, so a
   * change binds the next one, and what runs already goes on as it began.
   *
   * @throws TenantsError `ERR_TENANTS_ADDRESS` from outside the tenant's allow-list
   */
  principalOf(personId: string, request?: TenantRequest): Promise<Principal | null>
  /**
   * The roles that a person has in any of their tenants, from wherever they ask: for what follows from
   * having a role, such as a second factor, and never for what a role allows.
   */
  rolesOf(personId: string): Promise<readonly string[]>
  /** The tenants of a person, the oldest membership first. */
  tenantsOf(personId: string): Promise<readonly string[]>
  readonly members: Members
  readonly provisioning: Provisioning
  readonly roles: CustomRoles
  readonly keys: ApiKeys
  readonly allowList: AllowList
  readonly reviews: Reviews
  /** Null where no mail is configured. */
  readonly invitations: Invitations | null
}

/**
 * Opens the room over a store whose data map holds `tenantResources`.
 * @throws TenantsError `ERR_TENANTS_CONFIG`
 */
export function openTenants(options: TenantsOptions): Tenants {
  checkRoles(options.roles)
  const office = openOffice(options, {
    roles: parseRoles(options.roles),
    givenRoles: givenRoles(options.roles),
    keyPrefix: keyPrefix(options.name),
  })
  return {
    principalOf: (personId, request) => principalOf(office, personId, request),
    tenantsOf: async (personId) => (await membershipsOf(office.db, personId)).map(({ tenantId }) => tenantId),
    rolesOf: async (personId) => [
      ...new Set((await membershipsOf(office.db, personId)).flatMap(({ roles }) => roles)),
    ],
    members: createMembers(office),
    provisioning: createProvisioning(office),
    roles: createCustomRoles(office),
    keys: createApiKeys(office),
    allowList: createAllowList(office),
    reviews: createReviews(office),
    invitations: options.invitations ? createInvitations(office, options.invitations) : null,
  }
}

async function principalOf(
  office: Office,
  personId: string,
  { tenant, address = null }: TenantRequest = {},
): Promise<Principal | null> {
  const memberships = await membershipsOf(office.db, personId)
  const member = memberships.find(({ tenantId }) => tenant === undefined || tenantId === tenant)
  if (!member) return null
  await requireAddress(office, member.tenantId, address)
  const standing = await standingNow(office, member)
  if (!standing) return null
  await noteUse(office, 'tenant_members', member)
  const { roles } = standing.member
  return principalWith({ id: personId, tenant: member.tenantId, roles }, standing.permissions)
}
