import { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Principal } from '../../access/index.ts'
import { silentLogger } from '../../database/index.ts'
import { createPseudonym } from '../../kernel/index.ts'
import { openTestStaff, type TestMember, type TestStaff } from '../../staff/testing.ts'
import { securityHeaders } from '../security-headers.ts'
import type { SuretyEnv } from '../context.ts'
import { staffRoutes, type StaffVisitor } from './staff-routes.ts'

const ORIGIN = 'https://codetime.example'
const visitors = new Map<string, StaffVisitor>()
let world: TestStaff
let app: Hono<SuretyEnv>

beforeAll(async () => {
  world = await openTestStaff()
  app = new Hono<SuretyEnv>()
  app.use(securityHeaders())
  app.route(
    '/',
    staffRoutes({
      staff: world.staff,
      name: 'Codetime',
      url: () => ORIGIN,
      visitor: async (request) => visitors.get(request.headers.get('cookie') ?? '') ?? null,
      promises: async () => [{ sentence: 'Builds are kept for 90 days', status: 'broken' }],
      strangers: async () => [{ kind: 'session', role: 'surety_owner', program: 'psql' }],
      clock: world.store.clock,
      logger: silentLogger,
      hasSecurityTxt: false,
    }),
  )
})
afterAll(() => world.close())

/** Signs somebody in; gives their cookie. */
function signIn(personId: string, more: Partial<StaffVisitor> = {}): string {
  visitors.set(personId, {
    personId,
    tenant: null,
    administers: false,
    formToken: `token-of-${personId}`,
    ...more,
  })
  return personId
}
const staffCookie = ({ id }: TestMember): string => signIn(id)
const customerCookie = ({ id, tenant }: Principal, administers = true): string =>
  signIn(id, { tenant, administers })

const get = (path: string, cookie = '') =>
  app.request(`${ORIGIN}${path}`, { headers: { cookie, accept: 'text/html' } })

interface Sent {
  readonly cookie: string
  readonly token?: string
  readonly site?: string
  readonly json?: object
  readonly form?: Record<string, string>
}

function post(
  path: string,
  { cookie, token = `token-of-${cookie}`, site = 'same-origin', json, form }: Sent,
) {
  const headers = { cookie, 'sec-fetch-site': site }
  const body = json
    ? {
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify({ ...json, form: token }),
      }
    : { headers, body: new URLSearchParams({ ...form, form: token }) }
  return app.request(`${ORIGIN}${path}`, { method: 'POST', ...body })
}

const ask = (person: Principal) => ({
  purpose: 'the person asked why a day is empty',
  ticket: 'CASE-7',
  subject: person.id,
  tenant: person.tenant!,
  'resource-heartbeats': 'on',
  hours: '1',
})

async function requested(person: Principal): Promise<string> {
  const cookie = staffCookie(world.supporter)
  const response = await post('/console/grants/new', { cookie, form: ask(person) })
  expect(response.status).toBe(303)
  return response.headers.get('location')!
}

describe('the way of a request over HTTP', () => {
  test('from asking to approval to reading to what the person sees', async () => {
    const person = await world.person()
    const path = await requested(person)
    const cookie = staffCookie(world.first)
    expect(await (await get('/console', cookie)).text()).toContain('asks for access')
    const options = (await (await post(`${path}/challenge`, { cookie, json: {} })).json()) as {
      challenge: string
      credentials: string[]
    }
    const answer = world.first.authenticator.get(Buffer.from(options.challenge, 'base64url'))
    expect(options.credentials).toEqual([answer.credential])
    const approved = await post(`${path}/approve`, { cookie, json: { answer } })
    expect(await approved.json()).toEqual({ location: path })
    const db = await world.operator(world.supporter, path.split('/').at(-1)!)
    expect(await db.selectFrom('heartbeats').select('entity').execute()).toHaveLength(1)
    const shown = await (await get('/account/access', customerCookie(person))).text()
    expect(shown).toContain('the person asked why a day is empty')
    expect(shown).not.toContain(world.supporter.id)
    const again = await post(`${path}/approve`, { cookie, json: { answer } })
    expect([again.status, ((await again.json()) as { code: string }).code]).toEqual([409, 'ERR_STAFF_STATE'])
  })

  test('shows the person every purpose, however many accesses came after it', async () => {
    const person = await world.person()
    const shown = {
      ...{ personId: person.id, tenantId: person.tenant!, grantId: createPseudonym(), role: 'support' },
      ...{ kind: 'support', resource: 'heartbeats', action: 'select', rows: 1 },
      shownFrom: new Date(world.store.clock.now()),
    }
    const purpose = 'what should be pushed out of sight'
    const insert = (rows: object[]) =>
      world.ports
        .data('staff_accesses')
        .insertInto('staff_accesses')
        .values(rows as never)
        .execute()
    await insert([{ ...shown, purpose }])
    world.store.clock.advance(1)
    await insert(Array.from({ length: 501 }, () => ({ ...shown, purpose: 'noise' })))
    const text = await (await get('/account/access', customerCookie(person))).text()
    expect(text).toContain(purpose)
    expect(text).toMatch(/>301</)
  })

  test('tells the person of an access whose record somebody took away', async () => {
    const person = await world.person()
    const db = await world.operator(
      world.supporter,
      await world.approved(world.supporter, world.asking(person)),
    )
    await db.selectFrom('heartbeats').select('id').execute()
    const customer = customerCookie(person)
    const page = async () => (await get('/account/access', customer)).text()
    expect(await page()).not.toContain('Missing from this list')
    await world.store.ungoverned('delete from app.staff_accesses where "personId" = $1', [person.id])
    world.store.clock.advance(600_000)
    expect(await page()).toContain('Missing from this list')
    const other = customerCookie(await world.person())
    expect(await (await get('/account/access', other)).text()).not.toContain('Missing from this list')
  })

  test('waits for consent where the customer asked to be asked, and shows it to them alone', async () => {
    const person = await world.person()
    const customer = customerCookie(person)
    await post('/account/access/ask-first', { cookie: customer, form: { asks: 'on' } })
    const grant = (await requested(person)).split('/').at(-1)!
    expect(await (await get('/account/access', customer)).text()).toContain('Staff ask to see your data')
    const stranger = customerCookie(await world.person())
    expect(await (await get('/account/access', stranger)).text()).not.toContain('Staff ask to see your data')
    expect((await post('/account/access/consent', { cookie: stranger, form: { grant } })).status).toBe(403)
    const colleague = signIn(createPseudonym(), { tenant: person.tenant })
    expect((await post('/account/access/consent', { cookie: colleague, form: { grant } })).status).toBe(403)
    expect((await post('/account/access/consent', { cookie: customer, form: { grant } })).status).toBe(303)
    expect((await world.staff.grants.read(grant)).decisions.map(({ what }) => what)).toEqual(['consented'])
  })

  test('opens at once with broken glass, and asks for a review', async () => {
    const person = await world.person()
    const cookie = staffCookie(world.engineer)
    const begun = await post('/console/break-glass/challenge', { cookie, json: ask(person) })
    const { challenge, keep } = (await begun.json()) as { challenge: string; keep: object }
    const answer = world.engineer.authenticator.get(Buffer.from(challenge, 'base64url'))
    const ended = await post('/console/break-glass', { cookie, json: { ...keep, answer } })
    const { location } = (await ended.json()) as { location: string }
    const reviewer = staffCookie(world.third)
    expect(await (await get('/console', reviewer)).text()).toContain('waits for its review')
    const verdict = { verdict: 'unjustified', note: 'it could have waited' }
    const asked = await post(`${location}/review/challenge`, { cookie: reviewer, json: verdict })
    const signed = world.third.authenticator.get(
      Buffer.from(((await asked.json()) as { challenge: string }).challenge, 'base64url'),
    )
    expect(
      (await post(`${location}/review`, { cookie: reviewer, json: { ...verdict, answer: signed } })).status,
    ).toBe(200)
    expect(await world.staff.standing()).toMatchObject({ unjustified: 1 })
  })
})

describe('a lost passkey', () => {
  test('is replaced from the list of staff, by a link that serves its owner once', async () => {
    const { staff, first, second } = world
    const lost = await world.enrol(
      await staff.members.appoint(first.id, { personId: createPseudonym(), role: 'lead' }),
    )
    const path = `/console/staff/${lost.id}/replacement`
    const cookie = staffCookie(second)
    expect(await (await get('/console/staff', cookie)).text()).toContain(path)
    expect(await (await get('/console/staff', staffCookie(world.supporter))).text()).not.toContain(path)
    const options = (await (await post(`${path}/challenge`, { cookie, json: {} })).json()) as {
      challenge: string
      keep: object
    }
    const answer = second.authenticator.get(Buffer.from(options.challenge, 'base64url'))
    const ended = await post(path, { cookie, json: { ...options.keep, answer } })
    const { tell } = (await ended.json()) as { tell: string }
    const link = new URL(tell.split(' ').at(-1)!)
    expect([link.origin, link.pathname, link.search]).toEqual([ORIGIN, '/console/enrol', ''])
    const again = await post(path, { cookie, json: { ...options.keep, answer } })
    expect(again.status).toBe(409)
    const code = link.hash.slice(1)
    const register = async (who: string) => {
      const begun = await post('/console/enrol/challenge', { cookie: who, json: { code } })
      const { challenge } = (await begun.json()) as { challenge: string }
      const made = lost.authenticator.create(Buffer.from(challenge, 'base64url'))
      return (await post('/console/enrol', { cookie: who, json: { code, answer: made } })).status
    }
    expect([
      await register(cookie),
      await register(staffCookie(lost)),
      await register(staffCookie(lost)),
    ]).toEqual([403, 200, 403])
  })

  test('is not replaced by whom its owner appointed, nor by a customer', async () => {
    const appointee = staffCookie(world.supporter)
    const path = `/console/staff/${world.second.id}/replacement/challenge`
    expect((await post(path, { cookie: appointee, json: {} })).status).toBe(403)
    const customer = customerCookie(await world.person())
    expect((await post(path, { cookie: customer, json: {} })).status).toBe(403)
  })
})

describe('what must not work', () => {
  const POSTS = [
    ...['', '/challenge'].map(
      (act) => `/console/staff/018f3c1e-0000-7000-8000-000000000001/replacement${act}`,
    ),
    '/account/access/ask-first',
    '/account/access/consent',
    '/console/grants/new',
    '/console/break-glass/challenge',
    '/console/break-glass',
    '/console/enrol/challenge',
    '/console/enrol',
    ...['/challenge', '/approve', '/refuse', '/end', '/review/challenge', '/review'].map(
      (act) => `/console/grants/018f3c1e-0000-7000-8000-000000000001${act}`,
    ),
  ]
  test.each(POSTS)('a form from another site or session at %s', async (path) => {
    const cookie = staffCookie(world.first)
    for (const sent of [
      { cookie, site: 'cross-site' },
      { cookie, token: 'another' },
      { cookie, token: '' },
    ]) {
      const response = await post(path, { ...sent, json: {} })
      expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
        403,
        'ERR_HTTP_FOREIGN_FORM',
      ])
    }
    expect((await post(path, { cookie: '', json: {} })).status).toBe(401)
  })

  test('a customer at the console, or nobody anywhere', async () => {
    const customer = customerCookie(await world.person())
    for (const path of ['/console', '/console/grants/new', '/console/enrol', '/console/staff'])
      expect([(await get(path, customer)).status, (await get(path)).status]).toEqual([403, 401])
    expect((await get('/account/access')).status).toBe(401)
  })

  test('a request beyond the role, or that means nothing, is shown again with what was typed', async () => {
    const cookie = staffCookie(world.supporter)
    const person = await world.person()
    const wider = await post('/console/grants/new', {
      cookie,
      form: { ...ask(person), 'resource-notes': 'on' },
    })
    expect([wider.status, await wider.text()]).toEqual([
      422,
      expect.stringContaining('Your role does not ask for that'),
    ])
    const hostile = '"><script>alert(1)</script>'
    const wrong = await post('/console/grants/new', {
      cookie,
      form: { ...ask(person), ticket: '', purpose: hostile },
    })
    const text = await wrong.text()
    expect(wrong.status).toBe(422)
    expect(text).not.toContain(hostile)
    expect(text).toContain('&lt;script&gt;')
  })

  test('an id that is none', async () => {
    const cookie = staffCookie(world.first)
    for (const id of ['1', '../..', "'; drop table staff_grants; --", createPseudonym()])
      expect((await get(`/console/grants/${encodeURIComponent(id)}`, cookie)).status).toBe(404)
  })

  test('a malformed answer of a passkey', async () => {
    const path = await requested(await world.person())
    const cookie = staffCookie(world.first)
    const { credential } = world.first.authenticator.get(new Uint8Array(32))
    for (const answer of [null, 7, {}, { credential }, { credential, signature: [], clientData: {} }]) {
      const response = await post(`${path}/approve`, { cookie, json: { answer } })
      expect(response.status).toBe(403)
    }
  })
})
