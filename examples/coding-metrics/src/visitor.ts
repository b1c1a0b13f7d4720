import type { Principal } from 'surety'
import { RequestRefused } from './api-request.ts'
import type { Backend } from './backend.ts'
import { openPerson, type Person } from './people.ts'

/** Our own people have no time of their own here. */
export class StaffOnly extends Error {}

/**
 * Whose pages a request is shown; null for nobody. A member of our staff who sees the product as somebody
 * else gets that person, under their grant: what it does not open stays closed, and it changes nothing.
 *
 * @throws StaffOnly
 * @throws RequestRefused 403 for who was taken out of their team
 * @throws TenantsError `ERR_TENANTS_ADDRESS`
 */
export async function visitorOf(backend: Backend, request: Request): Promise<Person | null> {
  const principal = await backend.identify(request)
  if (principal.kind === 'operator') return seenByStaff(backend, request, principal)
  if (principal.kind !== 'user') return null
  const { id, tenant } = principal
  // Who comes for the first time has a team only after this.
  const person = await openPerson(backend, id, async () =>
    tenant === null ? backend.identify(request) : principal,
  )
  if (person) return person
  if ((await backend.staff.roleOf(id)) !== null) throw new StaffOnly()
  throw new RequestRefused('ERR_WAKATIME_FORBIDDEN')
}

async function seenByStaff(backend: Backend, request: Request, principal: Principal): Promise<Person> {
  const seen = await backend.impersonation(request)
  // Of a whole team there is no page.
  if (!seen || seen.tenant === null) throw new StaffOnly()
  const displayName =
    (await nameOf(backend, principal, seen.personId)) ?? `Person ${seen.personId.slice(0, 8)}`
  return { id: seen.personId, teamId: seen.tenant, displayName, principal }
}

/** What the person is called, where the grant opens that. */
async function nameOf(backend: Backend, principal: Principal, personId: string): Promise<string | null> {
  const { grant } = await backend.staff.grants.read(principal.grant ?? '')
  const columns = grant.resources['people']
  if (columns === undefined || columns?.includes('displayName') === false) return null
  const { db } = backend.as(principal)
  const row = await db
    .selectFrom('people')
    .select('displayName')
    .where('personId', '=', personId)
    .executeTakeFirst()
  return row?.displayName ?? null
}
