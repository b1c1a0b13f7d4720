import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Principal } from '../../access/index.ts'
import type { PermissionText } from '../../declare/index.ts'
import { openWorld, HOME, textsOf, type World } from '../../tenants/testing/world.ts'
import { FORM, PAGES, siteOf as openSite } from '../testing/tenant-site.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

const siteOf = (person: Principal | null) => openSite(world, person)

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
      allow: ['heartbeats:read:tenant', 'heartbeats:delete:own'],
      'heartbeats:read:tenant': ['language'],
      'heartbeats:write:own': ['language'],
    })
    expect([made.status, made.headers.get('location')]).toEqual([303, '/account/roles'])
    const [role] = await world.tenants.roles.list(founder)
    expect(role!.permissions).toEqual(['heartbeats:read:tenant(language)', 'heartbeats:delete:own'])
    await site.post('/account/members/roles', { person: member.id, role: [role!.assignedAs] })
    expect(textsOf(await world.again(member))).toEqual(role!.permissions)
    const edit = { id: role!.id, revision: '1', name: 'Reader', allow: 'heartbeats:read:own' }
    expect((await site.post('/account/roles/edit', edit)).status).toBe(303)
    expect(textsOf(await world.again(member))).toEqual(['heartbeats:read:own'])
    const again = await site.post('/account/roles/edit', edit)
    expect([again.status, await again.text()]).toEqual([
      409,
      expect.stringContaining('Somebody else changed it'),
    ])
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
    const refused = await outside.text()
    expect([outside.status, refused]).toEqual([409, expect.stringContaining('You would lock yourself out')])
    expect(refused).toMatch(/<textarea[^>]*>\n203\.0\.113\.0\/24<\/textarea>/)
    expect(refused).toContain(`name="own" value="add">Save with ${HOME}/32 added</button>`)
    const mended = await site.post('/account/networks', { ranges: '203.0.113.0/24', own: 'add' })
    expect(mended.status).toBe(303)
    expect(await world.tenants.allowList.get(founder)).toEqual(['203.0.113.0/24', `${HOME}/32`])
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
    // The founder is the only reviewer, and their own role is still open.
    expect(await (await site.get('/account/members')).text()).not.toContain('decision')
    expect(await (await site.get('/account/reviews')).text()).toContain('Nobody can decide one question')
    expect((await site.post('/account/reviews/appoint', { person: member.id })).status).toBe(303)
    const reminded = await (await siteOf(member).get('/account/keys')).text()
    expect(reminded).toContain('One decision waits')
    expect(
      (await siteOf(member).post('/account/reviews/decide', { item: own!.id, decision: 'keep' })).status,
    ).toBe(303)
    const evidence = await (await site.get('/account/reviews')).text()
    expect(evidence).toMatch(/kept by Person [0-9a-f]{8}, \d+ \w+ \d{4}, \d\d:\d\d UTC/)
    expect(evidence).toContain('All reviews')
  })

  test('of a role that says more than one thing of a resource loses none of it', async () => {
    const founder = await world.found()
    const site = siteOf(founder)
    const permissions: PermissionText[] = [
      'heartbeats:read:tenant(language)',
      'heartbeats:read:own',
      'heartbeats:write:own(entity,language)',
      'heartbeats:delete:own',
      'rates:read:any',
    ]
    const role = await world.tenants.roles.create(founder, { name: 'Mixed', permissions })
    const page = await (await site.get(`/account/roles?role=${role.id}`)).text()
    const form = page.slice(page.indexOf('action="/account/roles/edit"'))
    const ticked: Record<string, string[]> = {}
    for (const [, name, value] of form.matchAll(/type="checkbox" name="([^"]+)" value="([^"]+)" checked/g))
      (ticked[name!] ??= []).push(value!)
    const saved = await site.post('/account/roles/edit', {
      ...ticked,
      id: role.id,
      revision: '1',
      name: 'Mixed',
    })
    expect(saved.status).toBe(303)
    const [after] = await world.tenants.roles.list(founder)
    expect([after!.revision, after!.permissions.toSorted()]).toEqual([2, role.permissions.toSorted()])
  })

  test('that is refused keeps what was typed, and never lets anybody overwrite what they have not seen', async () => {
    const founder = await world.found()
    const site = siteOf(founder)
    const taken = await site.post('/account/roles/create', { name: 'Member', allow: 'heartbeats:read:own' })
    const text = await taken.text()
    expect(taken.status).toBe(400)
    expect(text).toContain('value="Member"')
    expect(text).toMatch(/value="heartbeats:read:own" checked/)
    const role = await world.tenants.roles.create(founder, { name: 'Ops', permissions: [] })
    await world.tenants.roles.edit(founder, role.id, 1, { name: 'Ops two', permissions: [] })
    const stale = await site.post('/account/roles/edit', {
      ...{ id: role.id, revision: '1', name: 'Ops three', allow: 'heartbeats:read:own' },
    })
    const now = await stale.text()
    expect(stale.status).toBe(409)
    expect(now).not.toContain('Ops three')
    expect(now).not.toMatch(/value="heartbeats:read:own" checked/)
    const key = await site.post('/account/keys/create', {
      name: '',
      scope: 'heartbeats:read:own',
      term: '365d',
    })
    expect(key.status).toBe(400)
    expect(/value="365d" selected[^]*value="heartbeats:read:own" checked/.test(await key.text())).toBe(true)
  })

  test('is offered for one member or role at a time, however many there are', async () => {
    const founder = await world.found()
    const site = siteOf(founder)
    const joined = await world.crowd(founder, 55)
    const first = await (await site.get('/account/members')).text()
    expect(first.match(/<form/g)).toBeNull()
    expect(first).toContain('Page 1 of 2')
    const second = await (await site.get('/account/members?page=2')).text()
    const listed = (text: string) =>
      new Set([...text.matchAll(/person=([0-9a-f-]{36})/g)].map(([, id]) => id))
    expect([listed(first).size, listed(second).size]).toEqual([50, 6])
    expect(listed(first + second)).toEqual(new Set([founder, ...joined].map(({ id }) => id)))
    const one = await (await site.get(`/account/members?person=${joined[0]!.id}`)).text()
    expect(one.match(/<form/g)).toHaveLength(2)
  }, 120_000)
})
