import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createPseudonym } from '../kernel/index.ts'
import type { PermissionText } from '../declare/index.ts'
import { openWorld, refusal, textsOf, type World } from './testing/world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

const reader = { name: 'Reader', permissions: ['heartbeats:read:tenant(language)'] as PermissionText[] }

describe('a role that a tenant makes', () => {
  test('binds in the store: its columns and rows, and nothing beyond', async () => {
    const founder = await world.found()
    const role = await world.tenants.roles.create(founder, reader)
    const member = await world.join(founder, [])
    await world.tenants.members.assign(founder, member.id, [role.assignedAs])
    const { db } = world.store.store.as(founder)
    await db
      .insertInto('heartbeats')
      .values({ personId: founder.id, entity: '/x', language: 'Go' } as never)
      .execute()
    const asMember = world.store.store.as(await world.again(member)).db
    expect(await asMember.selectFrom('heartbeats').select('language').execute()).toEqual([{ language: 'Go' }])
    for (const query of [
      asMember.selectFrom('heartbeats').select('entity'),
      asMember.deleteFrom('heartbeats'),
      asMember.selectFrom('rates').selectAll(),
    ])
      expect(() => query.compile()).toThrow(expect.objectContaining({ code: 'ERR_STORE_FORBIDDEN' }) as Error)
  })

  test('binds anew with the next request when it is edited', async () => {
    const founder = await world.found()
    const role = await world.tenants.roles.create(founder, reader)
    const member = await world.join(founder, [])
    await world.tenants.members.assign(founder, member.id, [role.assignedAs])
    const running = await world.again(member)
    await world.tenants.roles.edit(founder, role.id, 1, {
      name: 'Reader',
      permissions: ['heartbeats:delete:own'],
    })
    expect(textsOf(await world.again(member))).toEqual(['heartbeats:delete:own'])
    expect(textsOf(running)).toEqual(['heartbeats:read:tenant(language)'])
  })

  test('holds no more than who makes it: resources, actions, scopes and columns', async () => {
    const founder = await world.found()
    const narrow = await world.tenants.roles.create(founder, reader)
    const beyond: PermissionText[][] = [
      ['invoices:read:tenant'],
      ['heartbeats:read:tenant', 'invoices:write:tenant(total)'],
      ['tenant_members:write:tenant'],
      ['tenant_members:read:tenant'],
    ]
    for (const permissions of beyond) {
      await expect(world.tenants.roles.create(founder, { name: 'More', permissions })).rejects.toMatchObject(
        refusal('BEYOND'),
      )
      await expect(
        world.tenants.roles.edit(founder, narrow.id, 1, { name: 'Reader', permissions }),
      ).rejects.toMatchObject(refusal('BEYOND'))
    }
  })

  test('is made of what can be meant', async () => {
    const founder = await world.found()
    const wrong = [
      'heartbeats:read:any',
      'nothing:read:own',
      'heartbeats:read',
      'heartbeats:read:own(nothing)',
      'rates:read:tenant',
      'invoices:read:own',
      'constructor:read:own',
      'heartbeats:read:own(constructor)',
      '',
    ]
    for (const text of wrong)
      await expect(
        world.tenants.roles.create(founder, { name: 'Odd', permissions: [text as PermissionText] }),
      ).rejects.toMatchObject(refusal('PERMISSION'))
    await expect(
      world.tenants.roles.create(founder, { name: 'Rates', permissions: ['rates:read:any'] }),
    ).resolves.toBeDefined()
  })

  test('cannot be edited by who does not hold what others put into it', async () => {
    const founder = await world.found()
    const treasurer = await world.join(founder, ['administrator', 'treasurer'])
    const role = await world.tenants.roles.create(treasurer, {
      name: 'Books',
      permissions: ['invoices:read:tenant'],
    })
    const both: PermissionText[] = ['invoices:read:tenant', 'heartbeats:read:tenant']
    await expect(
      world.tenants.roles.edit(founder, role.id, 1, { name: 'Books', permissions: both }),
    ).rejects.toMatchObject(refusal('BEYOND'))
    await expect(
      world.tenants.members.assign(founder, founder.id, ['administrator', role.assignedAs]),
    ).rejects.toMatchObject(refusal('BEYOND'))
    await world.tenants.roles.edit(founder, role.id, 1, {
      name: 'Books',
      permissions: ['heartbeats:read:tenant'],
    })
  })

  test('never adds up, when two edit it at once, to more than either may give', async () => {
    for (let round = 0; round < 3; round++) {
      const founder = await world.found()
      const treasurer = await world.join(founder, ['administrator', 'treasurer'])
      const role = await world.tenants.roles.create(founder, reader)
      const outcomes = await Promise.allSettled([
        world.tenants.roles.edit(founder, role.id, 1, { name: 'A', permissions: ['heartbeats:read:tenant'] }),
        world.elsewhere.roles.edit(treasurer, role.id, 1, {
          name: 'B',
          permissions: ['invoices:read:tenant'],
        }),
      ])
      const refused = outcomes.filter((outcome) => outcome.status === 'rejected')
      expect(refused.map(({ reason }) => (reason as { code: string }).code)).toEqual(['ERR_TENANTS_CHANGED'])
      const [now] = await world.tenants.roles.list(founder)
      expect([['heartbeats:read:tenant'], ['invoices:read:tenant']]).toContainEqual(now!.permissions)
    }
  })

  test('cannot be given while it is being widened by somebody with more', async () => {
    const founder = await world.found()
    const treasurer = await world.join(founder, ['administrator', 'treasurer'])
    const role = await world.tenants.roles.create(founder, reader)
    const friend = await world.join(founder, ['member'])
    await Promise.allSettled([
      world.elsewhere.roles.edit(treasurer, role.id, 1, {
        name: 'Books',
        permissions: ['invoices:read:tenant'],
      }),
      world.tenants.members.assign(founder, friend.id, ['member', role.assignedAs]),
    ])
    const told = world.events.filter(({ row, subject }) => row === role.id || subject === friend.id)
    const given = told.findIndex(({ after }) => after?.includes(role.assignedAs))
    const widened = told.findIndex(({ after }) => after?.includes('invoices:read:tenant'))
    // Given first and widened then by who holds it is right; the other way round it must have been refused.
    expect(given === -1 || given < widened).toBe(true)
  })

  test('has a name of its own, as it looks', async () => {
    const founder = await world.found()
    await world.tenants.roles.create(founder, reader)
    for (const name of [
      'reader',
      ' READER ',
      'Ｒeader',
      'Read\u200Ber',
      'Reader\n',
      '',
      ' ',
      '\u202E',
      'x'.repeat(61),
    ])
      await expect(world.tenants.roles.create(founder, { name, permissions: [] })).rejects.toMatchObject(
        refusal('NAME'),
      )
    const other = await world.found()
    await world.tenants.roles.create(other, reader)
  })

  test('is never called like one of the configuration, nor like what only looks so', async () => {
    const founder = await world.found()
    for (const name of [
      'administrator',
      'Administrator',
      'ADMINISTRATOR ',
      'Аdministrator',
      'administratοr',
      'adminıstrator',
      'Adrninistrator',
      'admin1strator',
      'Administrator\u3164',
      'Admínistrator',
      'member',
      'mеmbеr',
      'Treasurer',
      'trеаsurеr',
      'audit0r',
    ])
      await expect(world.tenants.roles.create(founder, { name, permissions: [] })).rejects.toMatchObject(
        refusal('NAME'),
      )
    for (const name of ['Administration', 'Членство', 'Μέλος', '管理者 A', 'Membership', 'Prüfer'])
      expect((await world.tenants.roles.create(founder, { name, permissions: [] })).name).toBe(name)
  })

  test('goes only when nobody has it, and is nobody’s of another tenant', async () => {
    const [founder, other] = [await world.found(), await world.found()]
    const role = await world.tenants.roles.create(founder, reader)
    await world.tenants.members.assign(founder, founder.id, ['administrator', role.assignedAs])
    await expect(world.tenants.roles.remove(founder, role.id)).rejects.toMatchObject(refusal('ROLE_IN_USE'))
    await expect(world.tenants.roles.remove(other, role.id)).rejects.toMatchObject(refusal('MISSING'))
    await expect(world.tenants.roles.edit(other, role.id, 1, reader)).rejects.toMatchObject(
      refusal('MISSING'),
    )
    await expect(world.tenants.roles.edit(founder, createPseudonym(), 1, reader)).rejects.toMatchObject(
      refusal('MISSING'),
    )
    await world.tenants.members.assign(founder, founder.id, ['administrator'])
    await world.tenants.roles.remove(founder, role.id)
    expect(await world.tenants.roles.list(founder)).toEqual([])
  })

  test('is told with the permissions before and after', async () => {
    const founder = await world.found()
    const role = await world.tenants.roles.create(founder, reader)
    await world.tenants.roles.edit(founder, role.id, 1, { name: 'R', permissions: ['heartbeats:read:own'] })
    const told = world.events.filter(({ row }) => row === role.id)
    expect(told.map(({ what, before, after }) => [what, before, after])).toEqual([
      ['role', null, ['heartbeats:read:tenant(language)']],
      ['role', ['heartbeats:read:tenant(language)'], ['heartbeats:read:own']],
    ])
    expect(JSON.stringify(told)).not.toContain('Reader')
  })
})
