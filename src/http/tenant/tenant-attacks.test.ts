import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Principal } from '../../access/index.ts'
import { openWorld, type World } from '../../tenants/testing/world.ts'
import { PAGES, siteOf as openSite, URL_BASE } from '../testing/tenant-site.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

const siteOf = (person: Principal) => openSite(world, person)

describe('a change', () => {
  test('with anything but a form is refused with a code', async () => {
    const founder = await world.found()
    for (const type of ['application/json', 'text/plain', 'multipart/form-data; boundary=x'])
      expect((await siteOf(founder).raw('/account/roles/create', '{"name":"X"}', type)).status).toBe(400)
    expect(await world.tenants.roles.list(founder)).toEqual([])
  })

  test('names what is of another organisation in vain, whichever field it stands in', async () => {
    const [founder, other] = [await world.found(), await world.found()]
    const stranger = await world.join(other, ['member'])
    const colleague = await world.join(founder, ['member'])
    const role = await world.tenants.roles.create(other, {
      name: 'Theirs',
      permissions: ['heartbeats:read:own'],
    })
    const { key, text } = await world.tenants.keys.create(stranger, { name: 'theirs', scopes: [] })
    await world.tenants.reviews.start(other)
    await world.tenants.reviews.start(founder)
    const theirs = (await world.tenants.reviews.current(other))!
    const attempts: [string, Record<string, string | string[]>][] = [
      ['members/roles', { person: stranger.id, role: 'administrator' }],
      ['members/roles', { person: colleague.id, role: ['member', role.assignedAs] }],
      ['members/remove', { person: stranger.id }],
      ['roles/edit', { id: role.id, revision: '1', name: 'Mine' }],
      ['roles/remove', { id: role.id }],
      ['keys/rotate', { id: key.id }],
      ['keys/revoke', { id: key.id }],
      ['reviews/appoint', { person: stranger.id }],
      ['reviews/decide', { item: theirs.items[0]!.id, decision: 'revoke' }],
    ]
    const site = siteOf(founder)
    for (const [path, values] of attempts) {
      // What a form must not say is left unread: whose tenant it is, and who acts.
      const more = { tenant: other.tenant!, tenantId: other.tenant!, personId: other.id, actor: other.id }
      const { status } = await site.post(`/account/${path}`, { ...more, ...values })
      expect([path, status]).toEqual([path, expect.toBeOneOf([400, 403, 404])])
    }
    for (const query of [
      `person=${stranger.id}`,
      `role=${role.id}`,
      `review=${theirs.review.id}`,
      'page=-1',
      'page=x',
    ])
      for (const path of PAGES) {
        const response = await site.get(`${path}?${query}`)
        const shown = await response.text()
        expect([path, query, response.status]).toEqual([path, query, 200])
        for (const foreign of ['Theirs', stranger.id.slice(0, 8), other.id.slice(0, 8)])
          expect(shown).not.toContain(foreign)
      }
    expect((await world.again(stranger)).roles).toEqual(['member'])
    expect(await world.tenants.roles.list(other)).toEqual([role])
    expect(await world.tenants.keys.principalOf(text)).not.toBeNull()
    expect((await world.tenants.reviews.current(other))!.items).toEqual(theirs.items)
  }, 120_000)

  test('writes nothing that its page does not offer', async () => {
    const founder = await world.found()
    const member = await world.join(founder, ['member'])
    await siteOf(member).post('/account/keys/create', {
      ...{
        name: 'ci',
        scope: 'heartbeats:read:own',
        term: '90000d',
        expiresAt: '2999-01-01',
        secretHash: '0',
      },
      ...{ personId: founder.id, lastUsedAt: '2000-01-01', id: founder.id },
    })
    const [key] = await world.tenants.keys.list(member)
    expect(key).toMatchObject({ personId: member.id, lastUsedAt: null })
    expect(key!.expiresAt.getTime() - world.clock.now()).toBe(90 * 86_400_000)
    const refused = ['heartbeats:read:tenant', 'rates:read:any) or (1=1', 'heartbeats:read:own(entity):any']
    for (const scope of refused)
      expect((await siteOf(member).post('/account/keys/create', { name: 'x', scope })).status).toBeOneOf([
        400, 403,
      ])
    await siteOf(founder).post('/account/members/roles', {
      person: member.id,
      role: '',
      roles: 'administrator',
    })
    expect((await world.again(member)).roles).toEqual(['member'])
  })

  test('that asks for very much is refused before it costs much', async () => {
    const founder = await world.found()
    const site = siteOf(founder)
    const ranges = Array.from({ length: 20_000 }, (_, i) => `10.${i >> 8}.${i & 255}.0/24`).join('\n')
    expect((await site.post('/account/networks', { ranges })).status).toBe(409)
    const role = Array.from({ length: 10_000 }, (_, i) => `custom:${i}`)
    expect((await site.post('/account/members/roles', { person: founder.id, role })).status).toBe(409)
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
      'reviews/appoint',
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
})
