import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createPseudonym } from '../kernel/index.ts'
import type { Principal } from '../access/index.ts'
import { openTenants } from './index.ts'
import { HOME, openWorld, refusal, resources, roles, textsOf, type World } from './testing/world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

describe('a tenant', () => {
  test('is founded once, with one administrator', async () => {
    const founder = await world.found()
    expect(founder.roles).toEqual(['administrator'])
    expect(textsOf(founder)).toContain('heartbeats:read:tenant')
    await expect(world.tenants.members.found(founder.tenant!, createPseudonym())).rejects.toMatchObject(
      refusal('EXISTS'),
    )
    expect(await world.tenants.tenantsOf(founder.id)).toEqual([founder.tenant])
  })

  test('knows its members and nobody else', async () => {
    const [founder, other] = [await world.found(), await world.found()]
    const member = await world.join(founder, ['member'])
    const ids = (await world.tenants.members.list(founder)).map(({ personId }) => personId)
    expect(ids.toSorted()).toEqual([founder.id, member.id].toSorted())
    expect(await world.tenants.principalOf(member.id, { tenant: other.tenant! })).toBeNull()
    expect(await world.tenants.principalOf(createPseudonym())).toBeNull()
    expect(await world.tenants.principalOf('nobody')).toBeNull()
  })

  test('keeps an administrator, whoever goes', async () => {
    const founder = await world.found()
    const last = refusal('LAST_ADMINISTRATOR')
    await expect(world.tenants.members.remove(founder, founder.id)).rejects.toMatchObject(last)
    await expect(world.tenants.members.assign(founder, founder.id, ['member'])).rejects.toMatchObject(last)
    const second = await world.join(founder, ['administrator'])
    await world.tenants.members.remove(founder, founder.id)
    await expect(world.tenants.members.remove(second, second.id)).rejects.toMatchObject(last)
  })

  test('keeps an administrator when two go at once, in two processes', async () => {
    for (let round = 0; round < 3; round++) {
      const founder = await world.found()
      const second = await world.join(founder, ['administrator'])
      const outcomes = await Promise.allSettled([
        world.tenants.members.assign(founder, founder.id, ['member']),
        world.elsewhere.members.assign(second, second.id, ['member']),
      ])
      expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
      const left = [await world.again(founder), await world.again(second)]
      expect(left.filter((each) => each.roles.includes('administrator'))).toHaveLength(1)
    }
  })

  test('is changed by its administrators, in person, and by nobody else', async () => {
    const founder = await world.found()
    const member = await world.join(founder, ['member'])
    const stranger = await world.found()
    const forbidden = refusal('FORBIDDEN')
    const someone = createPseudonym()
    const { text } = await world.tenants.keys.create(founder, {
      name: 'ci',
      scopes: ['heartbeats:read:tenant'],
    })
    const key = (await world.tenants.keys.principalOf(text))!
    const hostile: Principal[] = [
      member,
      { ...stranger, tenant: founder.tenant },
      { ...member, roles: ['administrator'] },
      { kind: 'operator', id: founder.id, tenant: founder.tenant, roles: ['administrator'] },
      { kind: 'anonymous', id: '', tenant: founder.tenant, roles: ['administrator'] },
      key,
      { ...key },
    ]
    for (const actor of hostile) {
      await expect(world.tenants.members.add(actor, someone, ['member'])).rejects.toMatchObject(forbidden)
      await expect(world.tenants.members.list(actor)).rejects.toMatchObject(forbidden)
      await expect(world.tenants.roles.create(actor, { name: 'x', permissions: [] })).rejects.toMatchObject(
        forbidden,
      )
      await expect(world.tenants.allowList.set(actor, [], null)).rejects.toMatchObject(forbidden)
      await expect(world.tenants.reviews.start(actor)).rejects.toMatchObject(forbidden)
      await expect(world.tenants.members.remove(actor, founder.id)).rejects.toMatchObject({
        code: /FORBIDDEN|LAST_ADMIN/,
      })
    }
  })

  test('takes a demotion into account that the actor has not heard of', async () => {
    const founder = await world.found()
    const second = await world.join(founder, ['administrator'])
    await world.tenants.members.assign(founder, second.id, ['member'])
    await expect(world.tenants.members.add(second, createPseudonym(), [])).rejects.toMatchObject(
      refusal('FORBIDDEN'),
    )
  })
})

describe('an administrator whose account is switched off', () => {
  test('is nobody whom a tenant could be left with', async () => {
    const founder = await world.found()
    const second = await world.join(founder, ['administrator'])
    world.switchedOff.add(second.id)
    const last = refusal('LAST_ADMINISTRATOR')
    await expect(world.tenants.members.remove(founder, founder.id)).rejects.toMatchObject(last)
    await expect(world.tenants.members.assign(founder, founder.id, [])).rejects.toMatchObject(last)
    world.switchedOff.delete(second.id)
    await world.tenants.members.remove(founder, founder.id)
  })

  test('is replaced by a member whom the app appoints, once nobody else is left', async () => {
    const founder = await world.found()
    const member = await world.join(founder, ['member'])
    const appoint = (personId: string) => world.tenants.members.appoint(founder.tenant!, personId)
    await expect(appoint(member.id)).rejects.toMatchObject(refusal('EXISTS'))
    world.switchedOff.add(founder.id)
    await expect(appoint(founder.id)).rejects.toMatchObject(refusal('MEMBER'))
    await expect(appoint(createPseudonym())).rejects.toMatchObject(refusal('MEMBER'))
    await appoint(member.id)
    expect((await world.again(member)).roles).toEqual(['member', 'administrator'])
    expect(world.events.at(-1)).toMatchObject({
      actor: { kind: 'system', id: 'tenants.appoint' },
      subject: member.id,
      before: ['member'],
      after: ['member', 'administrator'],
    })
    await expect(appoint(member.id)).rejects.toMatchObject(refusal('EXISTS'))
  })
})

describe('a request', () => {
  test('never gets from a role what it came to allow after it was taken away', async () => {
    const founder = await world.found()
    const treasurer = await world.join(founder, ['administrator', 'treasurer'])
    const member = await world.join(founder, ['member'])
    const role = await world.tenants.roles.create(founder, {
      name: 'Reader',
      permissions: ['heartbeats:read:own'],
    })
    await world.tenants.members.assign(founder, member.id, ['member', role.assignedAs])
    // Between the two reads of the request: the role is taken from the member, then widened for others.
    const racing = world.interrupted('tenant_roles', async () => {
      await world.tenants.members.assign(founder, member.id, ['member'])
      await world.tenants.roles.edit(treasurer, role.id, 1, {
        name: 'Books',
        permissions: ['invoices:read:tenant'],
      })
    })
    const principal = await racing.principalOf(member.id)
    expect(principal!.roles).toEqual(['member'])
    expect(textsOf(principal!)).not.toContain('invoices:read:tenant')
  })

  test('of somebody who is taken out meanwhile is nobody’s', async () => {
    const founder = await world.found()
    const member = await world.join(founder, ['member'])
    const role = await world.tenants.roles.create(founder, { name: 'Reader', permissions: [] })
    await world.tenants.members.assign(founder, member.id, [role.assignedAs])
    const racing = world.interrupted('tenant_roles', () => world.tenants.members.remove(founder, member.id))
    expect(await racing.principalOf(member.id)).toBeNull()
  })

  test('of another process sees a change at once: nothing is kept in memory', async () => {
    const founder = await world.found()
    const member = await world.join(founder, ['member'])
    const role = await world.tenants.roles.create(founder, {
      name: 'Reader',
      permissions: ['heartbeats:read:tenant'],
    })
    await world.tenants.members.assign(founder, member.id, [role.assignedAs])
    const { text } = await world.tenants.keys.create(member, {
      name: 'ci',
      scopes: ['heartbeats:read:tenant'],
    })
    const elsewhere = async () => ({
      person: textsOf((await world.elsewhere.principalOf(member.id, { address: HOME }))!),
      key: textsOf((await world.elsewhere.keys.principalOf(text, { address: HOME }))!),
    })
    const before = ['heartbeats:read:tenant']
    expect(await elsewhere()).toEqual({ person: before, key: before })
    await world.tenants.roles.edit(founder, role.id, 1, {
      name: 'Reader',
      permissions: ['heartbeats:read:own'],
    })
    const after = ['heartbeats:read:own']
    expect(await elsewhere()).toEqual({ person: after, key: after })
    await world.tenants.allowList.set(founder, ['198.51.100.7'], HOME)
    await expect(world.elsewhere.principalOf(member.id, { address: '198.51.100.8' })).rejects.toMatchObject(
      refusal('ADDRESS'),
    )
  })

  test('is told what a role demands of a person wherever they have it, and from wherever they come', async () => {
    const founder = await world.found()
    await world.tenants.allowList.set(founder, ['198.51.100.7'], HOME)
    const other = await world.found()
    await world.tenants.members.add(other, founder.id, ['member'])
    expect((await world.tenants.rolesOf(founder.id)).toSorted()).toEqual(['administrator', 'member'])
    expect(await world.tenants.rolesOf(createPseudonym())).toEqual([])
  })
})

describe('giving roles', () => {
  test('gives nothing that the giver does not hold', async () => {
    const founder = await world.found()
    const member = await world.join(founder, ['member'])
    for (const role of ['treasurer', 'auditor'])
      await expect(world.tenants.members.assign(founder, member.id, ['member', role])).rejects.toMatchObject(
        refusal('BEYOND'),
      )
    await expect(
      world.tenants.members.assign(founder, founder.id, ['administrator', 'treasurer']),
    ).rejects.toMatchObject(refusal('BEYOND'))
    const treasurer = await world.join(founder, ['administrator', 'treasurer'])
    await world.tenants.members.assign(treasurer, member.id, ['member', 'treasurer'])
    expect(textsOf(await world.again(member))).toContain('invoices:read:tenant')
  })

  test('leaves to a member what somebody else gave them', async () => {
    const founder = await world.found()
    const treasurer = await world.join(founder, ['treasurer'])
    await world.tenants.members.assign(founder, treasurer.id, ['treasurer', 'member'])
    expect((await world.again(treasurer)).roles).toEqual(['treasurer', 'member'])
    await world.tenants.members.assign(founder, treasurer.id, ['member'])
    await expect(world.tenants.members.assign(founder, treasurer.id, ['treasurer'])).rejects.toMatchObject(
      refusal('BEYOND'),
    )
  })

  test('takes roles of the configuration and of the tenant only', async () => {
    const [founder, other] = [await world.found(), await world.found()]
    const foreign = await world.tenants.roles.create(other, {
      name: 'reader',
      permissions: ['heartbeats:read:tenant'],
    })
    const someone = await world.join(founder, ['member'])
    for (const role of [
      'anonymous',
      'nothing',
      'constructor',
      '',
      'custom:',
      `custom:${createPseudonym()}`,
      foreign.assignedAs,
      `custom:${'-'.repeat(36)}`,
    ])
      await expect(world.tenants.members.assign(founder, someone.id, [role])).rejects.toMatchObject(
        refusal('ROLE'),
      )
    await expect(
      world.tenants.members.assign(founder, someone.id, ['member', 'member']),
    ).rejects.toMatchObject(refusal('ROLE'))
    const many = Array.from({ length: 51 }, () => `custom:${createPseudonym()}`)
    await expect(world.tenants.members.assign(founder, someone.id, many)).rejects.toMatchObject(
      refusal('TOO_MANY'),
    )
  })

  test('binds with the next request; what runs already goes on', async () => {
    const founder = await world.found()
    const member = await world.join(founder, ['member'])
    const running = world.store.store.as(await world.again(member)).db
    await world.tenants.members.remove(founder, member.id)
    expect(await world.tenants.principalOf(member.id)).toBeNull()
    expect(await running.selectFrom('heartbeats').select('id').execute()).toEqual([])
  })

  test('is told with before and after, and by whom', async () => {
    const founder = await world.found()
    const member = await world.join(founder, ['member'])
    await world.tenants.members.assign(founder, member.id, ['administrator'])
    await world.tenants.members.remove(founder, member.id)
    const told = world.events.filter(({ subject }) => subject === member.id)
    expect(told.map(({ before, after }) => [before, after])).toEqual([
      [null, ['member']],
      [['member'], ['administrator']],
      [['administrator'], null],
    ])
    expect(told[0]).toMatchObject({
      tenant: founder.tenant,
      actor: { id: founder.id, roles: ['administrator'] },
    })
  })

  test('is undone when it cannot be told', async () => {
    const founder = await world.found()
    const member = await world.join(founder, ['member'])
    const broken = openTenants({
      store: { as: (principal) => ({ db: world.store.store.as(principal).db as never }) },
      audit: { record: () => Promise.reject(new TypeError('the log is full')) },
      resources,
      roles,
      name: 'x',
      clock: world.clock,
      logger: { warn: () => {} } as never,
    })
    await expect(broken.members.assign(founder, member.id, ['administrator'])).rejects.toThrow()
    expect((await world.again(member)).roles).toEqual(['member'])
  })

  test('is refused to the store: only the room writes its tables', () => {
    const config = (text: `${string}:write:tenant`) => ({ ...roles, administrator: [text] })
    const open = () =>
      openTenants({
        store: { as: () => ({ db: {} as never }) },
        audit: { record: async () => {} },
        resources,
        roles: config('tenant_members:write:tenant'),
        name: 'x',
        clock: world.clock,
        logger: { warn: () => {} } as never,
      })
    expect(open).toThrow(expect.objectContaining(refusal('CONFIG') as object) as Error)
  })
})

describe('what is stored', () => {
  test('does not open when somebody gives themselves a role in SQL', async () => {
    const founder = await world.found()
    const member = await world.join(founder, ['member'])
    await world.store.ungoverned(
      `update app.tenant_members m set "_envelope" = a."_envelope" from app.tenant_members a
        where m."personId" = $1 and a."personId" = $2`,
      [member.id, founder.id],
    )
    await expect(world.tenants.principalOf(member.id)).rejects.toMatchObject({ code: 'ERR_STORE_TAMPERED' })
  })

  test('lets nobody in when the tenant’s settings are gone', async () => {
    const founder = await world.found()
    await world.store.ungoverned(`delete from app.tenant_settings where "tenantId" = $1`, [founder.tenant])
    await expect(world.tenants.principalOf(founder.id)).rejects.toMatchObject(refusal('MISSING'))
  })
})
