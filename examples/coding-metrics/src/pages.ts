import { Hono, type Context } from 'hono'
import type { Logger } from 'surety'
import { addressOfClient } from 'surety/hono'
import { answerFailure, RequestRefused, type Service } from './api-request.ts'
import { newestZone, readBeats, readBeatsByPerson } from './heartbeat-store.ts'
import { dayOf, knownZone } from './metrics/calendar.ts'
import { namedRange, OFFERED_DAYS, type DayRange, type OfferedDays } from './metrics/range.ts'
import { neededInstants } from './metrics/reports.ts'
import { openPerson, type Person } from './people.ts'
import { dashboardPage } from './view/dashboard.ts'
import { connectPage, failurePage, welcomePage } from './view/plain-pages.ts'
import { STYLES } from './view/styles.ts'
import { STAFF_PATH } from './view/staff.ts'
import { teamPage } from './view/team.ts'
import type { RefusalCode } from './wakatime/refusal.ts'

/** What Surety's middleware puts into a request's context. */
export type PageEnv = { Variables: { nonce: string; requestId: string } }

/** The pages people read; they work without script. */
export function pageRoutes(service: Service, logger: Logger): Hono<PageEnv> {
  const pages = new Hono<PageEnv>()
  pages.get(STYLES.path, (c) => {
    c.header('Cache-Control', 'public, max-age=31536000, immutable')
    return c.body(STYLES.text, 200, { 'Content-Type': 'text/css; charset=utf-8' })
  })
  pages.get('/', async (c) => {
    const person = await signedIn(c, service)
    if (!person) return show(c, welcomePage(c.get('nonce')))
    return show(c, await dashboard(c, service, person))
  })
  pages.get('/team', async (c) => {
    const person = await signedIn(c, service)
    if (!person) return c.redirect('/', 303)
    return show(c, await team(c, service, person))
  })
  pages.get('/connect', async (c) => {
    const person = await signedIn(c, service)
    return show(
      c,
      connectPage({ nonce: c.get('nonce'), person, apiUrl: `${new URL(c.req.url).origin}/api/v1` }),
    )
  })
  pages.post('/sign-out', async (c) => {
    if (!comesFromHere(c)) return show(c, failurePage(c.get('nonce'), FOREIGN_FORM), 403)
    c.header('Set-Cookie', await service.signIn.end(c.req.raw))
    return c.redirect('/', 303)
  })
  pages.onError((error, c) => {
    if (error instanceof StaffOnly) return c.redirect(STAFF_PATH, 303)
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
    text: 'Your team’s administrators decide who belongs to the team and what each of you may do. Ask one of them.',
  },
  ERR_WAKATIME_NETWORK: {
    title: 'Your team cannot be reached from here',
    text: 'Its administrators let in certain networks only, and you come from another one.',
  },
}

type Shown = ReturnType<typeof welcomePage>

function show(
  c: Context<PageEnv>,
  page: Shown,
  status: 200 | 400 | 401 | 403 | 404 | 413 | 415 | 500 | 503 = 200,
) {
  c.header('Cache-Control', 'no-store')
  return c.html(page, status)
}

/** Null for nobody. @throws RequestRefused 403 for who was taken out of their team */
async function signedIn(c: Context<PageEnv>, { backend, signIn }: Service): Promise<Person | null> {
  const personId = await signIn.personIdOf(c.req.raw)
  if (personId === null) return null
  const person = await openPerson(backend, personId, addressOfClient(c.req.raw))
  if (person) return person
  if ((await backend.staff.roleOf(personId)) !== null) throw new StaffOnly()
  throw new RequestRefused('ERR_WAKATIME_FORBIDDEN')
}

/** Our own people have no time of their own here. */
class StaffOnly extends Error {}

/** Browsers say where a form comes from (Fetch Metadata); one that does not names at least the origin. */
function comesFromHere(c: Context<PageEnv>): boolean {
  const site = c.req.header('sec-fetch-site')
  if (site !== undefined) return site === 'same-origin' || site === 'none'
  const origin = c.req.header('origin')
  return origin === undefined || URL.parse(origin)?.host === c.req.header('host')
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
