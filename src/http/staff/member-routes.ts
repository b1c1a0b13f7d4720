import { Hono } from 'hono'
import type { PasskeyAssertion, PasskeyRegistration } from '../../access/index.ts'
import { staffPages } from '../../staff/index.ts'
import type { SuretyEnv } from '../context.ts'
import { idOf, StaffVisit, textIn, type StaffRoutesDeps } from './staff-visit.ts'

const { CONSOLE_PATHS } = staffPages
const REPLACEMENT = `${CONSOLE_PATHS.staff}/:id/replacement` as const

/** `/console/staff` and `/console/enrol`: who is staff, and how a member comes by a passkey, or by another. */
export function memberRoutes(deps: StaffRoutesDeps): Hono<SuretyEnv> {
  const app = new Hono<SuretyEnv>()
  app.route('/', replacementRoutes(deps))
  app.route('/', enrolRoutes(deps))
  return app
}

function replacementRoutes(deps: StaffRoutesDeps): Hono<SuretyEnv> {
  const app = new Hono<SuretyEnv>()
  const { members, replacements } = deps.staff
  app.get(CONSOLE_PATHS.staff, async (c) => {
    const visit = new StaffVisit(c, deps)
    const visitor = await visit.member()
    const enrolled = await members.enrolled()
    const open = await replacements.openTo(visitor.personId)
    const listed = [...(await members.all()).values()].map(({ id, role, active }) => ({
      ...{ id, role, active, hasPasskey: enrolled.has(id), replaceable: open.has(id) },
    }))
    const options = { ...visit.frame(visitor), self: visitor.personId, members: listed }
    return visit.page(staffPages.membersView(options))
  })
  app.post(`${REPLACEMENT}/challenge`, async (c) => {
    const visit = new StaffVisit(c, deps)
    const visitor = await visit.member()
    await visit.fields(visitor)
    const asked = await replacements.prepare(visitor.personId, idOf(c.req.param('id')))
    return visit.options(visitor.personId, replacements.challenge(asked), { at: asked.at })
  })
  app.post(REPLACEMENT, async (c) => {
    const visit = new StaffVisit(c, deps)
    const visitor = await visit.member()
    const { at, answer } = await visit.fields(visitor)
    const asked = { member: idOf(c.req.param('id')), by: visitor.personId, at: Number(at) }
    const { code } = await replacements.approve(visitor.personId, asked, answer as PasskeyAssertion)
    const link = new URL(`${CONSOLE_PATHS.enrol}#${code}`, deps.url())
    return c.json({ tell: `Give them this link, within the hour: ${link.href}` }, 200, {
      'Cache-Control': 'no-store',
    })
  })
  return app
}

function enrolRoutes(deps: StaffRoutesDeps): Hono<SuretyEnv> {
  const app = new Hono<SuretyEnv>()
  const { members } = deps.staff
  app.get(CONSOLE_PATHS.enrol, async (c) => {
    const visit = new StaffVisit(c, deps)
    return visit.page(staffPages.enrolView(visit.frame(await visit.member())))
  })
  app.post(`${CONSOLE_PATHS.enrol}/challenge`, async (c) => {
    const visit = new StaffVisit(c, deps)
    const visitor = await visit.member()
    const code = textIn(await visit.fields(visitor), 'code')
    return visit.options(visitor.personId, members.enrolmentChallenge(code))
  })
  app.post(CONSOLE_PATHS.enrol, async (c) => {
    const visit = new StaffVisit(c, deps)
    const visitor = await visit.member()
    const { code, answer } = await visit.fields(visitor)
    await members.enrol({ personId: visitor.personId, code: String(code) }, answer as PasskeyRegistration)
    return c.json({ location: CONSOLE_PATHS.home })
  })
  return app
}
