import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PermissionSet, principalWith, type Principal } from '../access/index.ts'
import { createPseudonym } from '../kernel/index.ts'
import { heartbeatOf, openTestStore, user, type TestStore, type TestTables } from './testing.ts'
import type { Store } from './store.ts'

const FORBIDDEN = expect.objectContaining({ code: 'ERR_STORE_FORBIDDEN' }) as Error

let context: TestStore
let store: Store<TestTables>
beforeAll(async () => {
  context = await openTestStore()
  store = context.reopen({
    roles: {
      member: ['heartbeats:*:own'],
      lead: ['heartbeats:*:own', 'heartbeats:read:tenant(time,language,seconds)'],
      analyst: ['heartbeats:read:tenant(time,project)'],
      clerk: [
        'notes:read:tenant',
        'notes:write:tenant(title)',
        'heartbeats:read:own(time)',
        'heartbeats:write:own(time,entity)',
      ],
    },
  })
})
afterAll(() => context.close())

const person = (tenant: string, role: string): Principal => ({ ...user(tenant), roles: [role] })

/** A team of two, with one heartbeat each. */
async function team(role: string) {
  const tenant = createPseudonym()
  const [asking, colleague] = [person(tenant, role), person(tenant, 'member')]
  for (const owner of [{ ...asking, roles: ['member'] }, colleague])
    await store.as(owner).db.insertInto('heartbeats').values(heartbeatOf(owner)).execute()
  return { asking, colleague, db: store.as(asking).db }
}

describe('a permission that is limited to columns', () => {
  test('reaches the rows for which every named field is allowed', async () => {
    const { db, asking } = await team('lead')
    const times = await db.selectFrom('heartbeats').select(['id', 'time', 'language']).execute()
    expect(times).toHaveLength(2)
    const entities = await db.selectFrom('heartbeats').select(['id', 'time', 'entity']).execute()
    expect(entities).toHaveLength(1)
    const owners = await db.selectFrom('heartbeats').select(['personId', 'entity']).execute()
    expect(owners).toEqual([{ personId: asking.id, entity: '/home/ada/secret.ts' }])
  })

  test('narrows the statement wherever the field is named', async () => {
    const { db, colleague } = await team('lead')
    const from = db.selectFrom('heartbeats')
    const shapes = {
      where: from.select('time').where('personId', '=', colleague.id),
      blind: from.select('time').where('project', '=', 'apollo'),
      order: from.select('time').orderBy('personId'),
      group: from.select((eb) => eb.fn.countAll().as('n')).groupBy('personId'),
      having: from
        .select((eb) => eb.fn.countAll().as('n'))
        .groupBy('time')
        .having((eb) => eb(eb.fn.max('day'), 'is', null)),
      all: from.selectAll(),
      some: from.selectAll('heartbeats'),
      alias: db.selectFrom('heartbeats as h').select('h.entity as time'),
      derived: db.selectFrom(from.select(['time', 'entity']).as('d')).select('d.time'),
      cte: db
        .with('c', (eb) => eb.selectFrom('heartbeats').select(['time', 'personId']))
        .selectFrom('c')
        .select('time'),
      aggregate: from.select((eb) => eb.fn.max('day').as('day')),
    }
    const found = Object.fromEntries(
      await Promise.all(
        Object.entries(shapes).map(async ([name, query]) => [name, (await query.execute()).length] as const),
      ),
    )
    expect(found).toEqual({
      where: 0,
      blind: 1,
      order: 1,
      group: 1,
      having: 1,
      all: 1,
      some: 1,
      alias: 1,
      derived: 1,
      cte: 1,
      aggregate: 1,
    })
    const count = await from.select((eb) => eb.fn.countAll<string>().as('n')).executeTakeFirstOrThrow()
    expect(Number(count.n)).toBe(2)
  })

  test('refuses a field that no scope allows, however it is named', async () => {
    const { db } = await team('analyst')
    const from = db.selectFrom('heartbeats')
    for (const query of [
      from.select('entity'),
      from.selectAll(),
      from.select('time').where('personId', '=', createPseudonym()),
      from.select('time').orderBy('language'),
      from
        .select('time')
        .where((eb) =>
          eb.exists(
            eb.selectFrom('heartbeats as o').select('o.id').whereRef('o.language', '=', 'heartbeats.project'),
          ),
        ),
    ])
      expect(() => query.compile()).toThrow(FORBIDDEN)
    const rows = await from.select(['id', 'createdAt', 'time', 'project']).execute()
    expect(rows.map(({ project }) => project)).toEqual(['apollo', 'apollo'])
  })

  test('leaves out of the statement what may not be read', async () => {
    const { db } = await team('lead')
    const { sql } = db.selectFrom('heartbeats').select('time').compile()
    expect(sql).toContain('"language"')
    for (const column of ['personId', '_envelope', '_blind_project', 'tags'])
      expect(sql).not.toContain(`"${column}",`)
  })

  test('takes only the allowed fields when writing, and the owner that it is bound to', async () => {
    const { db, asking } = await team('clerk')
    const made = { teamId: asking.tenant!, personId: asking.id, entity: 'x', time: new Date(0) }
    await db.insertInto('heartbeats').values(made).execute()
    expect(() =>
      db
        .insertInto('heartbeats')
        .values({ ...made, seconds: 1 })
        .compile(),
    ).toThrow(FORBIDDEN)
    await db.updateTable('heartbeats').set({ entity: 'y' }).where('time', '=', new Date(0)).execute()
    expect(() => db.updateTable('heartbeats').set({ seconds: 1 }).compile()).toThrow(FORBIDDEN)
    expect(() =>
      db.updateTable('heartbeats').set({ entity: 'z' }).where('entity', 'is', null).compile(),
    ).toThrow(FORBIDDEN)
    expect(() => db.updateTable('heartbeats').set({ entity: 'z' }).returning('language').compile()).toThrow(
      FORBIDDEN,
    )
    expect(() => db.updateTable('notes').set({ title: 'a', rank: 1 }).compile()).toThrow(FORBIDDEN)
    const { rows } = await context.ungoverned<{ n: string }>(
      `select count(*) as n from app.heartbeats where "personId" = $1`,
      [asking.id],
    )
    expect(Number(rows[0]!.n)).toBe(2)
  })

  test('learns of no field by a conflict', async () => {
    const { db, asking } = await team('clerk')
    const made = { teamId: asking.tenant!, entity: 'x', time: new Date(0) } as never
    const insert = db.insertInto('heartbeats').values(made)
    expect(() => insert.onConflict((on) => on.columns(['teamId', 'language']).doNothing()).compile()).toThrow(
      FORBIDDEN,
    )
    expect(() =>
      insert.onConflict((on) => on.columns(['teamId', 'time']).doNothing()).compile(),
    ).not.toThrow()
  })
})

describe('a principal with permissions of its own', () => {
  test('has exactly those, whatever its roles are called', async () => {
    const { asking } = await team('lead')
    const own = principalWith(asking, PermissionSet.parse(['heartbeats:read:tenant(time)']))
    expect(await store.as(own).db.selectFrom('heartbeats').select('time').execute()).toHaveLength(2)
    expect(() => store.as(own).db.selectFrom('heartbeats').select('entity').compile()).toThrow(FORBIDDEN)
    expect(() => store.as(own).db.deleteFrom('heartbeats').compile()).toThrow(FORBIDDEN)
  })

  test('loses them with a copy, and a look-alike has none', async () => {
    const { asking } = await team('member')
    const own = principalWith(
      { ...asking, roles: ['custom:x'] },
      PermissionSet.parse(['heartbeats:read:any']),
    )
    for (const forged of [
      { ...own },
      JSON.parse(JSON.stringify(own)) as Principal,
      Object.create(own) as Principal,
    ])
      expect(() => store.as(forged).db.selectFrom('heartbeats').select('time').compile()).toThrow(FORBIDDEN)
    expect(Reflect.set(own, 'tenant', createPseudonym())).toBe(false)
  })

  test('never meets a plan that was kept for other permissions', async () => {
    const { asking } = await team('member')
    const wide = principalWith(asking, PermissionSet.parse(['heartbeats:read:tenant']))
    const narrow = principalWith(asking, PermissionSet.parse(['heartbeats:read:own']))
    const count = async (who: Principal) =>
      (await store.as(who).db.selectFrom('heartbeats').select('time').execute()).length
    expect([await count(wide), await count(narrow), await count(wide), await count(asking)]).toEqual([
      2, 1, 2, 1,
    ])
  })
})
