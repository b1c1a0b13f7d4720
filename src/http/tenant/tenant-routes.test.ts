import { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Principal } from '../../access/index.ts'
import { silentLogger } from '../../database/index.ts'
import { openWorld, resources, roles, textsOf, HOME, type World } from '../../tenants/testing/world.ts'
import { problemHandler, protection, TENANT_PROBLEMS, tenantRoutes, type SuretyEnv } from '../index.ts'

const URL_BASE = 'https://codetime.example'
const FORM = 'token-of-the-session'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

/** The site as somebody signed in sees it: each request asks who they are now. */
function siteOf(person: Principal | null) {
  const app = new Hono<SuretyEnv>()
  app.use(protection({ clock: world.clock, logger: silentLogger as never }))
  app.onError(
    problemHandler({
      name: 'Codetime',
      hasSecurityTxt: false,
      logger: silentLogger as never,
      problems: TENANT_PROBLEMS,
    }),
  )
  app.route(
    '/',
    tenantRoutes({
      site: { name: 'Codetime', url: URL_BASE },
      config: { resources, roles },
      tenants: world.tenants,
      clock: world.clock,
      signInPath: '/account/sign-in',
      async visit() {
        const principal =
          person && (await world.tenants.principalOf(person.id, { tenant: person.tenant!, address: HOME }))
        return principal && { principal, form: FORM, address: HOME }
      },
    }),
  )
  const own = { 'sec-fetch-site': 'same-origin' }
  return {
    get: async (path: string) => app.request(`${URL_BASE}${path}`, { headers: { accept: 'text/html' } }),
    post: async (
      path: string,
      values: Record<string, string | string[]>,
      headers: Record<string, string> = own,
    ) => {
      const body = new URLSearchParams()
      for (const [name, value] of Object.entries({ form: FORM, ...values }))
        for (const each of [value].flat()) body.append(name, each)
      return app.request(`${URL_BASE}${path}`, { method: 'POST', body, headers })
    },
  }
}

const PAGES = ['/account/members', '/account/roles', '/account/keys', '/account/networks', '/account/reviews']

describe('the pages of an organisation', () => {
  test('show an administrator everything, without a script or a style of their own', async () => {
    const founder = await world.found()
    for (const path of PAGES) {
      const response = await siteOf(founder).get(path)
      const text = await response.text()
      expect([path, response.status]).toEqual([path, 200])
      expect(response.headers.get('cache-control')).toBe('no-store')
      expect(text).not.toMatch(/<script|<style|style=|onclick/)
      expect(text.match(/<form/g)?.length ?? 0).toBe(
        text.match(new RegExp(`name="form" value="${FORM}"`, 'g'))?.length ?? 0,
      )
      const ids = [...text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)
      expect(new Set(ids).size).toBe(ids.length)
      for (const [, target] of text.matchAll(/ for="([^"]+)"/g)) expect(ids).toContain(target)
    }
  })

  test('send to sign-in who is not signed in, and back', async () => {
    for (const path of PAGES) {
      const response = await siteOf(null).get(path)
      expect([response.status, response.headers.get('location')]).toEqual([
        303,
        `/account/sign-in?next=${encodeURIComponent(path)}`,
      ])
    }
    const sent = await siteOf(null).post('/account/networks', {})
    expect(sent.headers.get('location')).toBe('/account/sign-in')
  })

  test('show a member their own keys only', async () => {
    const member = await world.join(await world.found(), ['member'])
    const statuses = await Promise.all(PAGES.map(async (path) => (await siteOf(member).get(path)).status))
    expect(statuses).toEqual([403, 403, 200, 403, 200])
  })

  test('show names as text', async () => {
    const founder = await world.found()
    await siteOf(founder).post('/account/roles/create', { name: '<img src=x onerror=alert(1)>' })
    const text = await (await siteOf(founder).get('/account/roles')).text()
    expect(text).toContain('&lt;img src=x')
    expect(text).not.toContain('<img')
  })
})

describe('a change', () => {
  test('makes a role in the matrix that binds the next request', async () => {
    const founder = await world.found()
    const member = await world.join(founder, ['member'])
    const site = siteOf(founder)
    const made = await site.post('/account/roles/create', {
      name: 'Reader',
      'heartbeats:read': 'tenant',
      'heartbeats:read:columns': 'language',
      'heartbeats:delete': 'own',
      'invoices:read': '',
    })
    expect([made.status, made.headers.get('location')]).toEqual([303, '/account/roles'])
    const [role] = await world.tenants.roles.list(founder)
    expect(role!.permissions).toEqual(['heartbeats:read:tenant(language)', 'heartbeats:delete:own'])
    await site.post('/account/members/roles', { person: member.id, role: [role!.assignedAs] })
    expect(textsOf(await world.again(member))).toEqual(role!.permissions)
    const edit = { id: role!.id, revision: '1', name: 'Reader', 'heartbeats:read': 'own' }
    expect((await site.post('/account/roles/edit', edit)).status).toBe(303)
    expect(textsOf(await world.again(member))).toEqual(['heartbeats:read:own'])
    const again = await site.post('/account/roles/edit', edit)
    expect([again.status, await again.text()]).toEqual([
      409,
      expect.stringContaining('Somebody else changed it'),
    ])
  })

  test('is refused from another site, without the token, or with another session’s', async () => {
    const founder = await world.found()
    const site = siteOf(founder)
    const wrong: [Record<string, string>, Record<string, string>][] = [
      [{}, { 'sec-fetch-site': 'cross-site' }],
      [{}, { 'sec-fetch-site': 'same-site', origin: URL_BASE }],
      [{}, { 'sec-fetch-site': 'none' }],
      [{}, { origin: 'https://evil.example' }],
      [{}, { origin: 'null' }],
      [{}, {}],
      [{ form: '' }, { 'sec-fetch-site': 'same-origin' }],
      [{ form: 'token-of-the-sessioN' }, { 'sec-fetch-site': 'same-origin' }],
    ]
    const actions = [
      'members/roles',
      'members/remove',
      'roles/create',
      'roles/edit',
      'roles/remove',
      'keys/create',
      'keys/rotate',
      'keys/revoke',
      'networks',
      'reviews/start',
      'reviews/decide',
    ]
    for (const action of actions) {
      for (const [values, headers] of wrong) {
        const response = await site.post(`/account/${action}`, { name: 'X', ...values }, headers)
        expect([action, response.status, ((await response.json()) as { code: string }).code]).toEqual([
          action,
          403,
          'ERR_HTTP_FOREIGN_FORM',
        ])
      }
    }
    expect(await world.tenants.roles.list(founder)).toEqual([])
    const own = await site.post('/account/roles/create', { name: 'X' }, { origin: URL_BASE })
    expect(own.status).toBe(303)
  })

  test('of somebody who is no administrator changes nothing', async () => {
    const founder = await world.found()
    const member = await world.join(founder, ['member'])
    const site = siteOf(member)
    for (const [path, values] of [
      ['members/roles', { person: member.id, role: 'administrator' }],
      ['members/remove', { person: founder.id }],
      ['roles/create', { name: 'Mine' }],
      ['networks', { ranges: '' }],
      ['reviews/start', {}],
    ] as const)
      expect((await site.post(`/account/${path}`, values)).status).toBe(403)
    expect((await world.again(member)).roles).toEqual(['member'])
  })

  test('shows a new key once', async () => {
    const founder = await world.found()
    const site = siteOf(founder)
    const response = await site.post('/account/keys/create', {
      name: 'ci',
      scope: ['heartbeats:read:tenant'],
      term: '30d',
    })
    const text = await response.text()
    const [key] = /codetime_[0-9A-Za-z]{71}/.exec(text) ?? []
    expect((await world.tenants.keys.principalOf(key!))!.id).toBe(founder.id)
    expect(await (await site.get('/account/keys')).text()).not.toContain(key)
  })

  test('says on the page what is wrong, and keeps the list', async () => {
    const founder = await world.found()
    const site = siteOf(founder)
    const outside = await site.post('/account/networks', { ranges: '203.0.113.0/24' })
    expect([outside.status, await outside.text()]).toEqual([
      409,
      expect.stringContaining('You would lock yourself out'),
    ])
    const odd = await site.post('/account/networks', { ranges: '<b>' })
    expect([odd.status, await odd.text()]).toEqual([400, expect.not.stringContaining('<b>')])
    expect(
      (await site.post('/account/networks', { ranges: '198.51.100.0/24\r\n2001:db8::/32' })).status,
    ).toBe(303)
    expect(await world.tenants.allowList.get(founder)).toEqual(['198.51.100.0/24', '2001:db8::/32'])
  })

  test('decides a review', async () => {
    const founder = await world.found()
    const member = await world.join(founder, ['member'])
    const site = siteOf(founder)
    expect((await site.post('/account/reviews/start', {})).status).toBe(303)
    const { items } = (await world.tenants.reviews.current(founder))!
    const [own, theirs] = [founder, member].map(({ id }) => items.find(({ personId }) => personId === id)!)
    expect(
      (await site.post('/account/reviews/decide', { item: theirs!.id, decision: 'perhaps' })).status,
    ).toBe(400)
    expect((await site.post('/account/reviews/decide', { item: own!.id, decision: 'keep' })).status).toBe(403)
    expect(
      (await site.post('/account/reviews/decide', { item: theirs!.id, decision: 'revoke' })).status,
    ).toBe(303)
    expect((await world.again(member)).roles).toEqual([])
    expect(await (await site.get('/account/reviews')).text()).toContain('revoked by')
  })
})
