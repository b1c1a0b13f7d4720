import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createPseudonym } from '../kernel/index.ts'
import type { Principal } from '../access/index.ts'
import { openTenants } from './index.ts'
import { openWorld, refusal, resources, roles, textsOf, type World } from './testing/world.ts'

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
