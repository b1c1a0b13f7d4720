import { Hono } from 'hono'
import { staffPages } from '../../staff/index.ts'
import type { SuretyEnv } from '../context.ts'
import { StaffVisit, textIn, type StaffRoutesDeps, type StaffVisitor } from './staff-visit.ts'

const { ACCESS_PATH } = staffPages

/** `/account/access`: what people are shown of staff's accesses, and what they decide about them. */
export function accessRoutes(deps: StaffRoutesDeps): Hono<SuretyEnv> {
  const app = new Hono<SuretyEnv>()
  const { staff, clock } = deps
  app.get(ACCESS_PATH, async (c) => {
    const visit = new StaffVisit(c, deps)
    const visitor = await visit.visitor()
    const { personId, tenant, administers } = visitor
    const owner = ownerOf(visitor)
    const team = administers && tenant !== null ? await staff.accesses.ofTenant(tenant) : null
    const options = {
      own: await staff.accesses.ofPerson(personId),
      missing: await missingFor(visitor),
      team,
      asksFirst: owner === null ? null : await staff.grants.asksFirst(owner),
      waiting: await waitingFor(visitor),
    }
    return visit.page(staffPages.accessView({ ...visit.frame(visitor), ...options }))
  })
  app.post(`${ACCESS_PATH}/ask-first`, async (c) => {
    const visit = new StaffVisit(c, deps)
    const visitor = await visit.visitor()
    const { asks } = await visit.fields(visitor)
    const owner = ownerOf(visitor)
    if (owner !== null) await staff.grants.setAsksFirst(visitor.personId, owner, asks === 'on')
    return visit.goTo(ACCESS_PATH)
  })
  app.post(`${ACCESS_PATH}/consent`, async (c) => {
    const visit = new StaffVisit(c, deps)
    const visitor = await visit.visitor()
    const grant = textIn(await visit.fields(visitor), 'grant')
    const { personId, tenant, administers } = visitor
    await staff.grants.consent({ personId, tenant: administers ? tenant : null }, grant)
    return visit.goTo(ACCESS_PATH)
  })
  const missingFor = async ({ personId, tenant, administers }: StaffVisitor) => {
    const owners = administers && tenant !== null && tenant !== personId ? [personId, tenant] : [personId]
    const each = await Promise.all(owners.map((owner) => staff.accesses.missingOf(owner)))
    return each.includes(null) ? null : each.flatMap((missing) => missing ?? [])
  }
  /** Requests that this visitor's consent would let go on. */
  const waitingFor = async (visitor: StaffVisitor) => {
    const { personId, tenant, administers } = visitor
    const records = await staff.grants.list()
    const theirs = records.filter(({ state, decisions, grant }) => {
      const live =
        (state === 'waiting' || state === 'open') && grant.kind !== 'break-glass' && grant.until > clock.now()
      const { scope } = grant
      const own = scope.tenant === null ? scope.subject === personId : administers && scope.tenant === tenant
      return live && own && !decisions.some(({ what }) => what === 'consented')
    })
    const asked = await Promise.all(theirs.map(({ grant }) => staff.grants.mustAsk(grant)))
    return theirs.filter((_, i) => asked[i])
  }
  return app
}

/** For whom the visitor decides: their tenant as its administrator, themselves without one, else nobody. */
function ownerOf({ personId, tenant, administers }: StaffVisitor): string | null {
  if (tenant === null) return personId
  return administers ? tenant : null
}
