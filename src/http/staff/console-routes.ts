import { Hono } from 'hono'
import type { Grant, PasskeyAssertion } from '../../access/index.ts'
import { toHex } from '../../kernel/index.ts'
import { staffPages, type GrantRequest, type Verdict } from '../../staff/index.ts'
import type { SuretyEnv } from '../context.ts'
import {
  idOf,
  refusalText,
  StaffVisit,
  textIn,
  type Fields,
  type StaffRoutesDeps,
  type StaffVisitor,
} from './staff-visit.ts'

const { CONSOLE_PATHS } = staffPages
const GRANT = '/console/grants/:id'
const HOUR_MS = 3_600_000

/** `/console`: staff ask for access, approve, end and review it. */
export function consoleRoutes(deps: StaffRoutesDeps): Hono<SuretyEnv> {
  const app = new Hono<SuretyEnv>()
  const { staff, clock } = deps
  app.get(CONSOLE_PATHS.home, async (c) => {
    const visit = new StaffVisit(c, deps)
    const visitor = await visit.member()
    return visit.page(
      staffPages.consoleView({
        ...visit.frame(visitor),
        grants: await staff.grants.list(),
        standing: await staff.standing(),
        promises: await deps.promises(),
        strangers: await deps.strangers(),
        now: clock.now(),
      }),
    )
  })
  app.route('/', requestRoutes(deps))
  app.route('/', decisionRoutes(deps))
  app.route('/', reviewRoutes(deps))
  app.route('/', impersonationRoutes(deps))
  return app
}

function requestRoutes(deps: StaffRoutesDeps): Hono<SuretyEnv> {
  const app = new Hono<SuretyEnv>()
  const { staff } = deps
  const view = async (visit: StaffVisit, visitor: StaffVisitor, more: object = {}) => {
    const role = await staff.roleOf(visitor.personId)
    const { reads = [], kinds = ['support'] } = role ?? {}
    return staffPages.requestView({ ...visit.frame(visitor), resources: reads, kinds, ...more })
  }
  app.get(CONSOLE_PATHS.request, async (c) => {
    const visit = new StaffVisit(c, deps)
    return visit.page(await view(visit, await visit.member()))
  })
  app.post(CONSOLE_PATHS.request, async (c) => {
    const visit = new StaffVisit(c, deps)
    const visitor = await visit.member()
    const fields = await visit.fields(visitor)
    try {
      const { id } = await staff.grants.request(visitor.personId, toRequest(fields))
      return visit.goTo(`/console/grants/${id}`)
    } catch (error) {
      const problem = refusalText(error)
      if (problem === null) throw error
      return visit.page(await view(visit, visitor, { values: fields, problem }), 422)
    }
  })
  app.post('/console/break-glass/challenge', async (c) => {
    const visit = new StaffVisit(c, deps)
    const visitor = await visit.member()
    const grant = await staff.grants.prepareBreakGlass(
      visitor.personId,
      toRequest(await visit.fields(visitor)),
    )
    return visit.options(visitor.personId, staff.grants.digestOf(grant), { grant })
  })
  app.post('/console/break-glass', async (c) => {
    const visit = new StaffVisit(c, deps)
    const visitor = await visit.member()
    const { grant, answer } = await visit.fields(visitor)
    const { id } = await staff.grants.breakGlass(visitor.personId, grant as Grant, answer as PasskeyAssertion)
    return c.json({ location: `/console/grants/${id}` })
  })
  return app
}

/** What a form asks for; whatever does not fit is refused with the grant. */
function toRequest(fields: Fields): GrantRequest {
  const text = (name: string): string => textIn(fields, name).trim()
  const chosen = Object.keys(fields).filter((name) => name.startsWith('resource-'))
  return {
    purpose: text('purpose'),
    ticket: text('ticket'),
    scope: { tenant: text('tenant') || null, subject: text('subject') || null },
    resources: Object.fromEntries(chosen.map((name) => [name.slice('resource-'.length), null])),
    kind: text('kind') === 'impersonation' ? 'impersonation' : 'support',
    lastsMs: Number(text('hours') || 1) * HOUR_MS,
  }
}

/** One grant, and what can be decided about it. */
function decisionRoutes(deps: StaffRoutesDeps): Hono<SuretyEnv> {
  const app = new Hono<SuretyEnv>()
  const { staff, clock } = deps
  const { grants } = staff
  app.get(GRANT, async (c) => {
    const visit = new StaffVisit(c, deps)
    const visitor = await visit.member()
    const record = await grants.read(idOf(c.req.param('id')))
    return visit.page(
      staffPages.grantView({
        ...visit.frame(visitor),
        record,
        digest: toHex(grants.digestOf(record.grant)),
        own: record.grant.requester === visitor.personId,
        consentMissing:
          !record.decisions.some(({ what }) => what === 'consented') && (await grants.mustAsk(record.grant)),
        case: (await staff.standing()).glass.find((one) => one.grant === record.id) ?? null,
        accesses: await staff.accesses.ofGrant(record),
        impersonates: deps.impersonations != null,
        now: clock.now(),
      }),
    )
  })
  const post = postsAbout(app, deps)
  post('/challenge', async (visit, { personId }, id) => visit.options(personId, await grants.challenge(id)))
  post('/approve', async (visit, { personId }, id, { answer }) => {
    await grants.approve(personId, id, answer as PasskeyAssertion)
    return visit.c.json({ location: `/console/grants/${id}` })
  })
  post('/refuse', async (visit, { personId }, id) => {
    await grants.refuse(personId, id)
    return visit.goTo(`/console/grants/${id}`)
  })
  post('/end', async (visit, { personId }, id) => {
    await grants.end(personId, id)
    return visit.goTo(`/console/grants/${id}`)
  })
  return app
}

/** What became of broken glass: a review, and what followed where it was not justified. */
function reviewRoutes(deps: StaffRoutesDeps): Hono<SuretyEnv> {
  const app = new Hono<SuretyEnv>()
  const { grants } = deps.staff
  const post = postsAbout(app, deps)
  post('/review/challenge', async (visit, { personId }, id, { verdict }) =>
    visit.options(personId, await grants.reviewChallenge(id, verdictOf(verdict))),
  )
  post('/acknowledge/challenge', async (visit, { personId }, id, fields) =>
    visit.options(personId, await grants.acknowledgeChallenge(id, textIn(fields, 'consequence'))),
  )
  post('/acknowledge', async (visit, { personId }, id, fields) => {
    const { answer } = fields
    await grants.acknowledge(personId, id, textIn(fields, 'consequence'), answer as PasskeyAssertion)
    return visit.c.json({ location: `/console/grants/${id}` })
  })
  post('/review', async (visit, { personId }, id, fields) => {
    const words = textIn(fields, 'note').slice(0, 500)
    await grants.review(
      personId,
      id,
      verdictOf(fields['verdict']),
      words,
      fields['answer'] as PasskeyAssertion,
    )
    return visit.c.json({ location: `/console/grants/${id}` })
  })
  return app
}

type Act = (visit: StaffVisit, visitor: StaffVisitor, id: string, fields: Fields) => Promise<Response>

/** Routes of what a member decides about one grant. */
function postsAbout(app: Hono<SuretyEnv>, deps: StaffRoutesDeps): (path: string, act: Act) => void {
  return (path, act) => {
    app.post(`${GRANT}${path}`, async (c) => {
      const visit = new StaffVisit(c, deps)
      const visitor = await visit.member()
      const fields = await visit.fields(visitor)
      return act(visit, visitor, idOf(c.req.param('id')), fields)
    })
  }
}

/** A staff member sees the product as the person whom a grant names, and stops. */
function impersonationRoutes(deps: StaffRoutesDeps): Hono<SuretyEnv> {
  const app = new Hono<SuretyEnv>()
  const { impersonations } = deps
  const { BANNER_STYLESHEET, END_IMPERSONATION_PATH } = staffPages
  if (!impersonations) return app
  app.get(BANNER_STYLESHEET.path, (c) =>
    c.body(BANNER_STYLESHEET.text, 200, {
      'Content-Type': 'text/css; charset=utf-8',
      'Cache-Control': 'public, max-age=31536000, immutable',
    }),
  )
  app.post(`${GRANT}/impersonate`, async (c) => {
    const visit = new StaffVisit(c, deps)
    const visitor = await visit.member()
    await visit.fields(visitor)
    c.header('Set-Cookie', await impersonations.begin(visitor, idOf(c.req.param('id'))))
    return visit.goTo('/')
  })
  // Whoever is staff no more, or whose grant has ended, stops all the same.
  app.post(END_IMPERSONATION_PATH, async (c) => {
    const visit = new StaffVisit(c, deps)
    await visit.fields(await visit.visitor())
    c.header('Set-Cookie', impersonations.end())
    return visit.goTo(CONSOLE_PATHS.home)
  })
  return app
}

function verdictOf(given: unknown): Verdict {
  return given === 'unjustified' ? 'unjustified' : 'justified'
}
