import { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Principal } from '../../access/index.ts'
import { silentLogger } from '../../database/index.ts'
import { openTestStaff, type TestMember, type TestStaff } from '../../staff/testing.ts'
import { renderMarkup } from '../../ui/index.ts'
import type { SuretyEnv } from '../context.ts'
import { protection } from '../protection.ts'
import { createImpersonations, withBanner } from './impersonation.ts'
import { staffRoutes, type StaffVisitor } from './staff-routes.ts'

const ORIGIN = 'https://codetime.example'
const BANNER = 'You see this product as somebody else does'
const visitors = new Map<string, StaffVisitor>()
let world: TestStaff
let app: Hono<SuretyEnv>

beforeAll(async () => {
  world = await openTestStaff()
  const { clock } = world.store
  const url = () => ORIGIN
  const visitor = async (request: Request) =>
    visitors.get(/who=([^;]+)/.exec(request.headers.get('cookie') ?? '')?.[1] ?? '') ?? null
  const impersonations = createImpersonations({
    ...{ staff: world.staff, system: 'codetime', url, visitor, secret: 's'.repeat(43), clock },
  })
  app = new Hono<SuretyEnv>()
  app.use('*', withBanner(protection({ clock, logger: silentLogger }), impersonations))
  app.route(
    '/',
    staffRoutes({
      ...{ staff: world.staff, name: 'Codetime', url, visitor, impersonations, clock },
      promises: async () => [],
      strangers: async () => [],
      logger: silentLogger,
      hasSecurityTxt: false,
    }),
  )
  /** Pages of an app that knows nothing of impersonation but whom it serves. */
  app.get('/', async (c) => {
    const seen = await impersonations.of(c.req.raw)
    if (!seen) return c.html('<!doctype html><html><body class="app"><p>Welcome</p></body></html>')
    const db = await world.operator({ id: seen.principal.id } as TestMember, seen.principal.grant!)
    const rows = await db.selectFrom('heartbeats').select('entity').execute()
    return c.html(`<!doctype html><html><body class="app"><p>${rows[0]?.entity}</p></body></html>`)
  })
  app.post('/wipe', async (c) => {
    const seen = await impersonations.of(c.req.raw)
    const db = await world.operator({ id: seen!.principal.id } as TestMember, seen!.principal.grant!)
    await db.deleteFrom('heartbeats').execute()
    return c.text('done')
  })
  app.get('/own-banner', async (c) => {
    const seen = await impersonations.of(c.req.raw)
    return c.html(`<!doctype html><html><body>${seen ? renderMarkup(seen.banner) : ''}</body></html>`)
  })
  app.get('/data.json', (c) => c.json({ fine: true }))
  app.get('/large', (c) =>
    c.body('<p>in parts</p>', 200, { 'Content-Type': 'text/html', ETag: '"a"', 'Content-Length': '15' }),
  )
  app.onError((error, c) => c.text((error as { code?: string }).code ?? 'unknown', 500))
}, 120_000)
afterAll(() => world?.close())

/** Signs somebody in, in a session of its own. */
function signIn(id: string, session = 'one'): string {
  const name = `${id}.${session}`
  visitors.set(name, { personId: id, tenant: null, administers: false, formToken: `token-of-${name}` })
  return `who=${name}`
}

const get = async (path: string, cookie: string) => {
  const response = await app.request(`${ORIGIN}${path}`, { headers: { cookie, accept: 'text/html' } })
  return { response, text: await response.text() }
}
const post = (path: string, cookie: string, form = `token-of-${cookie.split(';')[0]!.slice(4)}`) =>
  app.request(`${ORIGIN}${path}`, {
    method: 'POST',
    headers: { cookie, 'sec-fetch-site': 'same-origin' },
    body: new URLSearchParams({ form }),
  })

async function granted(person: Principal, kind: 'impersonation' | 'support' = 'impersonation') {
  return world.approved(world.supporter, world.asking(person, { kind }))
}

/** The cookies of a supporter who has begun to see the product as that person. */
async function begun(person: Principal): Promise<{ cookie: string; grant: string; set: string }> {
  const cookie = signIn(world.supporter.id)
  const grant = await granted(person)
  const response = await post(`/console/grants/${grant}/impersonate`, cookie)
  expect([response.status, response.headers.get('location')]).toEqual([303, '/'])
  const set = response.headers.get('set-cookie')!
  return { cookie: `${cookie}; ${set.split(';')[0]}`, grant, set }
}

describe('while a staff member sees the product as somebody else', () => {
  test('every page bears a banner with its end and the way out, the app’s and ours', async () => {
    const { cookie, set } = await begun(await world.person())
    expect(set).toMatch(/^__Host-codetime-as=.+; Max-Age=3600; Path=\/; HttpOnly; SameSite=Lax; Secure$/)
    for (const path of ['/', '/account/access', '/console', '/large', '/nowhere/at/all']) {
      const { response, text } = await get(path, cookie)
      if (!(response.headers.get('content-type') ?? '').startsWith('text/html')) continue
      expect([path, text.split(BANNER).length]).toEqual([path, 2])
      expect(text).toMatch(/until <time datetime="2026-/)
      expect(text).toContain('action="/console/impersonation/end"')
    }
    expect((await get('/', cookie)).text).toMatch(/<body class="app"><aside class="surety-impersonation"/)
    expect((await get('/own-banner', cookie)).text.split(BANNER)).toHaveLength(2)
    expect((await get('/data.json', cookie)).text).toBe('{"fine":true}')
    const { response } = await get('/large', cookie)
    expect([response.headers.get('etag'), response.headers.get('content-length')]).toEqual([null, null])
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'")
    const sheet = /href="([^"]+impersonation[^"]+\.css)"/.exec((await get('/', cookie)).text)![1]!
    expect((await get(sheet, '')).response.headers.get('content-type')).toContain('text/css')
  })

  test('it shows the person’s data, changes nothing, and tells the person and the log of both', async () => {
    const person = await world.person()
    const { cookie, grant } = await begun(person)
    expect((await get('/', cookie)).text).toContain('/home/ada/secret.ts')
    expect(await (await post('/wipe', cookie)).text()).toBe('ERR_STORE_FORBIDDEN')
    const shown = await world.staff.accesses.ofPerson(person.id)
    expect(shown).toMatchObject([{ kind: 'impersonation', rows: 1, action: 'select' }])
    const told = (await world.entries()).filter(
      (one) => one.kind === 'staff.access' && one.actor.grant === grant,
    )
    expect(told).toMatchObject([{ actor: { id: world.supporter.id, impersonates: person.id } }])
    const customer = signIn(person.id)
    expect((await get('/account/access', customer)).text).toContain('Saw the product as you see it.')
  })

  test('it ends when they stop, when the grant ends, and with its time', async () => {
    const person = await world.person()
    const one = await begun(person)
    const stopped = await post('/console/impersonation/end', one.cookie)
    expect(stopped.headers.get('set-cookie')).toMatch(/^__Host-codetime-as=; Max-Age=0/)
    await world.staff.grants.end(world.supporter.id, one.grant)
    expect((await get('/', one.cookie)).text).toContain('Welcome')
    const two = await begun(person)
    expect((await get('/', two.cookie)).text).toContain(BANNER)
    world.store.clock.advance(3_600_000)
    expect((await get('/', two.cookie)).text).not.toContain(BANNER)
  })

  test('it ends with the account of the staff member', async () => {
    const { cookie } = await begun(await world.person())
    world.disabled.add(world.supporter.id)
    expect((await get('/', cookie)).text).toContain('Welcome')
    world.disabled.delete(world.supporter.id)
    expect((await get('/', cookie)).text).toContain(BANNER)
  })
})

describe('nobody sees the product as somebody else', () => {
  const begin = async (path: string, cookie: string) => {
    const response = await post(path, cookie)
    return [response.status, response.headers.get('set-cookie')?.includes('Max-Age=0') ?? null]
  }

  test('with another kind of grant, another’s, one that waits, or none', async () => {
    const person = await world.person()
    const cookie = signIn(world.supporter.id)
    expect(await begin(`/console/grants/${await granted(person, 'support')}/impersonate`, cookie)).toEqual([
      303,
      true,
    ])
    const waiting = await world.staff.grants.request(
      world.supporter.id,
      world.asking(person, { kind: 'impersonation' }),
    )
    expect(await begin(`/console/grants/${waiting.id}/impersonate`, cookie)).toEqual([409, null])
    const others = signIn(world.engineer.id)
    expect(await begin(`/console/grants/${await granted(person)}/impersonate`, others)).toEqual([404, null])
    expect(await begin('/console/grants/none/impersonate', cookie)).toEqual([404, null])
  })

  test('by a form from elsewhere', async () => {
    const cookie = signIn(world.supporter.id)
    const grant = await granted(await world.person())
    expect((await post(`/console/grants/${grant}/impersonate`, cookie, 'another')).status).toBe(403)
    expect((await post('/console/impersonation/end', cookie, 'another')).status).toBe(403)
  })

  test('with a cookie of another session, of another member, for another grant, twice, or forged', async () => {
    const person = await world.person()
    const { cookie, grant } = await begun(person)
    const value = cookie.split('; ')[1]!
    const other = await granted(person)
    const signature = value.split('.')[1]!
    for (const stolen of [
      `${signIn(world.supporter.id, 'two')}; ${value}`,
      `${signIn(world.engineer.id)}; ${value}`,
      `${signIn(world.supporter.id)}; __Host-codetime-as=${other}.${signature}`,
      `${signIn(world.supporter.id)}; __Host-codetime-as=${grant}`,
      `${signIn(world.supporter.id)}; __Host-codetime-as=${grant}.`,
      `${cookie}; ${value}`,
      value,
    ])
      expect([stolen, (await get('/', stolen)).text]).toEqual([stolen, expect.stringContaining('Welcome')])
  })
})
