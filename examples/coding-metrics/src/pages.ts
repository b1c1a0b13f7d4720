import { Hono, type Context } from 'hono'
import type { Logger } from 'surety'
import { answerFailure, type Service } from './api-request.ts'
import { connectRoutes } from './connect-pages.ts'
import { newestZone, readBeats, readBeatsByPerson } from './heartbeat-store.ts'
import { dayOf, knownZone } from './metrics/calendar.ts'
import { namedRange, OFFERED_DAYS, type DayRange, type OfferedDays } from './metrics/range.ts'
import { neededInstants } from './metrics/reports.ts'
import { ForeignForm, requireFromHere, show, type PageEnv } from './page-request.ts'
import type { Person } from './people.ts'
import { dashboardPage } from './view/dashboard.ts'
import { failurePage, welcomePage } from './view/plain-pages.ts'
import { STYLES } from './view/styles.ts'
import { STAFF_PATH } from './view/staff.ts'
import { teamPage } from './view/team.ts'
import { StaffOnly, visitorOf } from './visitor.ts'
import type { RefusalCode } from './wakatime/refusal.ts'

/** The pages people read; they work without script. */
export function pageRoutes(service: Service, logger: Logger): Hono<PageEnv> {
  const pages = new Hono<PageEnv>()
  pages.get(STYLES.path, (c) => {
    c.header('Cache-Control', 'public, max-age=31536000, immutable')
    return c.body(STYLES.text, 200, { 'Content-Type': 'text/css; charset=utf-8' })
  })
  pages.get('/', async (c) => {
    const person = await visitorOf(service.backend, c.req.raw)
    if (!person) return show(c, welcomePage(c.get('nonce'), service.mail !== null))
    return show(c, await dashboard(c, service, person))
  })
  pages.get('/team', async (c) => {
    const person = await visitorOf(service.backend, c.req.raw)
    if (!person) return c.redirect('/', 303)
    return show(c, await team(c, service, person))
  })
  pages.route('/', connectRoutes(service))
  pages.post('/sign-out', async (c) => {
    requireFromHere(c)
    c.header('Set-Cookie', await service.signIn.end(c.req.raw))
    return c.redirect('/', 303)
  })
  pages.onError((error, c) => {
    if (error instanceof StaffOnly) return c.redirect(STAFF_PATH, 303)
    if (error instanceof ForeignForm) return show(c, failurePage(c.get('nonce'), FOREIGN_FORM), 403)
    const { refusal, cause } = answerFailure(error)
    if (refusal.status >= 500) logger.error({ code: cause }, 'a page failed')
    return show(c, failurePage(c.get('nonce'), FAILURES[refusal.code] ?? FAILED), refusal.status)
  })
  return pages
}

/** Answers what nobody has a page for. */
export function notFoundPage(c: Context<PageEnv>) {
  return show(c, failurePage(c.get('nonce'), NOT_FOUND), 404)
}

const NOT_FOUND = {
  title: 'There is no such page',
  text: 'The address may be mistyped, or what was here is gone.',
}
const FOREIGN_FORM = {
  title: 'That was not sent from here',
  text: 'Another site sent this form. Nothing of yours was changed.',
}
const FAILED = {
  title: 'Something failed here',
  text: 'Nothing of yours was changed. Try again in a moment.',
}
const FAILURES: Readonly<Partial<Record<RefusalCode, typeof FAILED>>> = {
  ERR_WAKATIME_FORBIDDEN: {
    title: 'You may not see this',
    text: 'Your team’s administrators decide who belongs to the team and what each of you may do. Ask one of them. Our own staff see and do what their grant says, and no more.',
  },
  ERR_WAKATIME_NETWORK: {
    title: 'Your team cannot be reached from here',
    text: 'Its administrators let in certain networks only, and you come from another one.',
  },
}

interface Period {
  readonly days: OfferedDays
  readonly range: DayRange
}

function periodOf(c: Context<PageEnv>, now: number, zone: string): Period {
  const days = OFFERED_DAYS.find((offered) => String(offered) === c.req.query('days')) ?? OFFERED_DAYS[0]
  return { days, range: namedRange(`last_${days}_days`, now, zone)! }
}

async function dashboard(c: Context<PageEnv>, { backend, clock }: Service, person: Person) {
  const { db } = backend.as(person.principal)
  const now = clock.now()
  const zone = knownZone(await newestZone(db, person.id))
  const { days, range } = periodOf(c, now, zone)
  const beats = await readBeats(db, person.id, neededInstants(range))
  return dashboardPage({ nonce: c.get('nonce'), person, days, range, today: dayOf(now, zone), beats })
}

async function team(c: Context<PageEnv>, { backend, clock }: Service, person: Person) {
  const { db } = backend.as(person.principal)
  const now = clock.now()
  const zone = knownZone(await newestZone(db, person.id))
  const { days, range } = periodOf(c, now, zone)
  const { from, until } = neededInstants(range)
  const members = await db.selectFrom('people').select(['personId', 'displayName']).execute()
  const beats = await readBeatsByPerson(db, from, until)
  return teamPage({ nonce: c.get('nonce'), person, days, range, members, beats })
}
