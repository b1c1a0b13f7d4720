import { isInside, parseRange, type Principal } from '../access/index.ts'
import { TenantsError } from './errors.ts'
import { missing, type Office } from './office.ts'
import { actorOf, requireAdministrator, tenantOfActor } from './standing.ts'

/** From where a tenant can be reached. */
export interface AllowList {
  /** The ranges as they hold; none: from anywhere. @throws TenantsError `ERR_TENANTS_FORBIDDEN` */
  get(actor: Principal): Promise<readonly string[]>
  /**
   * Holds for every member and key from the next request on.
   *
   * @param ranges CIDR, IPv4 or IPv6, at most 100; none lifts the limit
   * @param address the actor's own, as the server sees it: it must lie inside, or they would lock
   *   themselves out
   * @throws TenantsError `ERR_TENANTS_FORBIDDEN`, `ERR_TENANTS_LOCK_OUT`, `ERR_TENANTS_TOO_MANY`
   * @throws AccessError `ERR_ACCESS_RANGE`
   */
  set(actor: Principal, ranges: readonly string[], address: string | null): Promise<readonly string[]>
}

const MOST_RANGES = 100

export function createAllowList(office: Office): AllowList {
  const { change, look } = office
  return {
    get: (actor) =>
      look(tenantOfActor(actor), async (open) => {
        await requireAdministrator(office, open, actor)
        return (await readAllowList(open.db, open.tenant)).list
      }),
    set: (actor, ranges, address) =>
      change(tenantOfActor(actor), async (open) => {
        const standing = await requireAdministrator(office, open, actor)
        if (ranges.length > MOST_RANGES)
          throw new TenantsError('ERR_TENANTS_TOO_MANY', `an allow-list has at most ${MOST_RANGES} ranges`)
        const parsed = ranges.map(parseRange)
        const list = [...new Set(parsed.map(({ text }) => text))]
        if (list.length > 0 && (address === null || !isInside(parsed, address)))
          throw new TenantsError('ERR_TENANTS_LOCK_OUT', 'the list leaves out the address of who sets it')
        const { id, list: before } = await readAllowList(open.db, open.tenant)
        await open.db.updateTable('tenant_settings').set({ allowList: list }).where('id', '=', id).execute()
        // Addresses are left out of the audit log: it tells that there is a list, and how long it is.
        const told = (ranges: readonly string[]): string[] => [`${ranges.length} ranges`]
        const about = { what: 'allow-list', subject: null, row: id } as const
        open.tell({ ...about, actor: actorOf(standing), before: told(before), after: told(list) })
        return list
      }),
  }
}

async function readAllowList(
  db: Office['db'],
  tenant: string,
): Promise<{ readonly id: string; readonly list: readonly string[] }> {
  const row = await db
    .selectFrom('tenant_settings')
    .select(['id', 'allowList'])
    .where('tenantId', '=', tenant)
    .executeTakeFirst()
  if (!row) throw missing('the tenant’s settings are gone: nobody is let in until they are back')
  return { id: row.id, list: row.allowList }
}

/**
 * Refuses who comes from outside a tenant's allow-list, and everybody where it cannot be read. An
 * address that is not known is outside.
 *
 * @throws TenantsError `ERR_TENANTS_ADDRESS`, `ERR_TENANTS_MISSING`
 */
export async function requireAddress(office: Office, tenant: string, address: string | null): Promise<void> {
  const { list } = await readAllowList(office.db, tenant)
  if (list.length === 0 || (address !== null && isInside(list.map(parseRange), address))) return
  throw new TenantsError('ERR_TENANTS_ADDRESS', 'the tenant cannot be reached from this address')
}
