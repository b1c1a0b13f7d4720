import type { Navigation, StaffVisitor } from '../http/index.ts'
import { accountPages } from '../identity/index.ts'
import { staffPages } from '../staff/index.ts'
import { TENANT_LINKS, TENANT_PATHS, type Tenants } from '../tenants/index.ts'
import type { NavLink } from '../ui/index.ts'
import type { SystemStaff } from './system-staff.ts'

export interface NavigationParts {
  /** True where the library signs people in: then it has pages of their accounts and organisations. */
  readonly hasAccounts: boolean
  /** Null where there are no organisations. */
  readonly tenants: Pick<Tenants, 'reviews'> | null
  /** Null where there is no staff. */
  readonly staff: Pick<SystemStaff, 'room'> | null
  readonly visitor: ((request: Request) => Promise<StaffVisitor | null>) | undefined
}

/** What stands in the bar of a visitor's own pages: nothing that they would be refused. Null for nobody. */
export function navigationFor(parts: NavigationParts): (request: Request) => Promise<Navigation | null> {
  const { hasAccounts, tenants, staff, visitor } = parts
  return async (request) => {
    // A page that needs to know who visits says itself why it cannot.
    const who = await visitor?.(request).catch(() => null)
    if (!who) return null
    const isStaff = (await staff?.room.roleOf(who.personId)) != null
    return {
      links: [
        ...(hasAccounts ? accountPages.ACCOUNT_LINKS : []),
        ...(staff ? staffPages.ACCESS_LINKS : []),
        ...(hasAccounts && tenants ? await tenantLinks(tenants, who) : []),
        ...(isStaff ? staffPages.CONSOLE_LINKS.slice(0, 1) : []),
      ],
      end: hasAccounts ? accountPages.signOutForm(who.formToken) : null,
    }
  }
}

/** An administrator opens them all; a member their own keys, and the review that waits for them. */
async function tenantLinks(
  { reviews }: Pick<Tenants, 'reviews'>,
  { personId, tenant, administers }: StaffVisitor,
): Promise<readonly NavLink[]> {
  if (tenant === null) return []
  if (administers) return TENANT_LINKS
  const waits = await reviews.waiting({ kind: 'user', id: personId, tenant, roles: [] })
  const open: readonly string[] = [TENANT_PATHS.keys, ...(waits ? [TENANT_PATHS.reviews] : [])]
  return TENANT_LINKS.filter(({ href }) => open.includes(href))
}
