import type pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Principal } from '../access/index.ts'
import { createPseudonym } from '../kernel/index.ts'
import { CHUNK_ROWS } from './at-once.ts'
import type { AuditedChange, AuditTrail } from './audit-trail.ts'
import type { Store } from './store.ts'
import { heartbeatOf, openTestStore, user, type TestStore, type TestTables } from './testing.ts'
import { poolLike, roundTrips } from './testing/round-trips.ts'

let world: TestStore
let store: Store<TestTables>
let failing: 'not' | 'in code' | 'in the database'
let committed: number
let refusals: string[]

/** Keeps each change as a row of a table, so that what is recorded shares the fate of the transaction. */
const trail: AuditTrail = {
  async statement(changes) {
    if (failing === 'in code') throw new TypeError('the trail cannot seal')
    const sql =
      failing === 'in the database' ? 'select surety.nothing($1)' : 'insert into app.trail values ($1)'
    return { sql, parameters: [JSON.stringify(changes)] }
  },
  committed: () => (committed += 1),
  refused: (actor, code) => refusals.push(`${actor.kind} ${code}`),
}

beforeAll(async () => {
  world = await openTestStore()
  await world.database.owner.query('create table app.trail (changes jsonb not null)')
  await world.database.owner.query('grant insert on app.trail to surety_app')
  store = world.reopen({ trail })
})
afterAll(() => world.close())
beforeEach(async () => {
  failing = 'not'
  committed = 0
  refusals = []
  await world.database.owner.query('truncate app.trail')
})

async function recorded(): Promise<AuditedChange[]> {
  const { rows } = await world.database.owner.query<{ changes: AuditedChange[] }>(
    'select changes from app.trail',
  )
  return rows.flatMap(({ changes }) => changes)
}

describe('a committed write', () => {
  test('has its record: who, which rows, whose, which columns, and no value', async () => {
    const principal = user(createPseudonym())
    const { db } = store.as(principal)
    const { id } = await db
      .insertInto('heartbeats')
      .values(heartbeatOf(principal))
      .returning('id')
      .executeTakeFirstOrThrow()
    await db.updateTable('heartbeats').set({ entity: '/home/ada/other.ts' }).where('id', '=', id).execute()
    const deleted = await db.deleteFrom('heartbeats').where('id', '=', id).executeTakeFirstOrThrow()
    expect(deleted.numDeletedRows).toBe(1n)
    const rows = [{ id, tenant: principal.tenant, subjects: [principal.id] }]
    const about = { actor: JSON.parse(JSON.stringify(principal)), resource: 'heartbeats', count: 1, rows }
    expect(await recorded()).toEqual([
      { ...about, action: 'insert', columns: expect.arrayContaining(['entity', 'project', 'time']) },
      { ...about, action: 'update', columns: ['entity'] },
      { ...about, action: 'delete', columns: [] },
    ])
    expect(JSON.stringify(await recorded())).not.toMatch(/ada|apollo|TypeScript/)
    expect(committed).toBe(3)
  })

  test('of a plain table has it too, with the rows that it found', async () => {
    const leader = user(createPseudonym(), 'administrator')
    const { db } = store.as(leader)
    await db
      .insertInto('notes')
      .values([
        { teamId: leader.tenant!, title: 'a', rank: 1 },
        { teamId: leader.tenant!, title: 'b', rank: 2 },
      ])
      .execute()
    const result = await db.updateTable('notes').set({ rank: 3 }).returning(['title']).execute()
    expect(result.toSorted((a, b) => a.title.localeCompare(b.title))).toEqual([
      { title: 'a' },
      { title: 'b' },
    ])
    const [, update] = await recorded()
    expect(update).toMatchObject({ action: 'update', columns: ['rank'], count: 2 })
    expect(update!.rows!.map(({ tenant }) => tenant)).toEqual([leader.tenant, leader.tenant])
    expect(await db.deleteFrom('notes').returning('rank').execute()).toEqual([{ rank: 3 }, { rank: 3 }])
  })

  test('that met a conflict names the rows that it wrote, as far as it can know them', async () => {
    const principal = user(createPseudonym(), 'administrator')
    const { db } = store.as(principal)
    const row = { teamId: principal.tenant!, title: 'a', rank: 1 }
    const { id } = await db.insertInto('notes').values(row).returning('id').executeTakeFirstOrThrow()
    const upsert = db.insertInto('notes').values({ ...row, title: 'b' })
    await upsert.onConflict((conflict) => conflict.doNothing()).execute()
    await upsert
      .onConflict((conflict) => conflict.columns(['teamId', 'id']).doUpdateSet({ rank: 5 }))
      .execute()
    const [first, blind, told] = await recorded()
    expect(first!.rows).toEqual([{ id, tenant: principal.tenant, subjects: [] }])
    expect(blind).toMatchObject({ count: 1, rows: null })
    expect(told).toMatchObject({ count: 1, rows: [{ tenant: principal.tenant }] })
  })

  test('that changes no row, and a read, have none', async () => {
    const { db } = store.as(user(createPseudonym()))
    await db.deleteFrom('heartbeats').where('id', '=', createPseudonym()).execute()
    await db.selectFrom('heartbeats').select('id').execute()
    expect(await recorded()).toEqual([])
  })
})

describe('no record', () => {
  test('is left by a caller’s transaction that is rolled back', async () => {
    const principal = user(createPseudonym())
    const undone = store
      .as(principal)
      .db.transaction()
      .execute(async (db) => {
        await db.insertInto('heartbeats').values(heartbeatOf(principal)).execute()
        throw new Error('changed my mind')
      })
    await expect(undone).rejects.toThrow('changed my mind')
    expect(await recorded()).toEqual([])
  })

  test.each(['in code', 'in the database'] as const)('means no write, when it fails %s', async (where) => {
    const principal = user(createPseudonym())
    const { db } = store.as(principal)
    failing = where
    await expect(db.insertInto('heartbeats').values(heartbeatOf(principal)).execute()).rejects.toThrow()
    // A caller who goes on after the failure commits the rest, never the change without its record.
    await db.transaction().execute(async (within) => {
      await within
        .insertInto('heartbeats')
        .values(heartbeatOf(principal))
        .execute()
        .catch(() => undefined)
    })
    failing = 'not'
    expect(await db.selectFrom('heartbeats').select('id').execute()).toEqual([])
    expect(await recorded()).toEqual([])
  })
})

describe('a write in one round trip', () => {
  let single: pg.Pool
  let person: Principal
  const insert = (rows: number) =>
    store
      .as(person)
      .db.insertInto('heartbeats')
      .values(Array.from({ length: rows }, () => heartbeatOf(person)))
  beforeAll(() => {
    single = poolLike(world.database.app, { max: 1 })
    store = world.reopen({ trail, pool: single })
  })
  afterAll(async () => {
    store = world.reopen({ trail })
    await single.end()
  })
  /** The keys of somebody who wrote before are known. */
  beforeEach(async () => {
    person = user(createPseudonym())
    await insert(1).execute()
    await world.database.owner.query('truncate app.trail')
    committed = 0
  })

  test('has one record of all its rows, and tells it once it is committed', async () => {
    let stored: { id: string }[] = []
    const trips = await roundTrips(single, async () => {
      stored = await insert(2 * CHUNK_ROWS + 1)
        .returning('id')
        .execute()
    })
    expect(trips).toBe(1)
    expect(stored.map((row) => Object.keys(row))).toEqual(stored.map(() => ['id']))
    const ids = stored.map(({ id }) => id).toSorted()
    const [record, ...more] = await recorded()
    expect(more).toEqual([])
    expect(record).toMatchObject({ action: 'insert', resource: 'heartbeats', count: 2 * CHUNK_ROWS + 1 })
    expect(record!.rows!.map(({ id }) => id).toSorted()).toEqual(ids)
    const whose = record!.rows!.map(({ tenant, subjects }) => JSON.stringify([tenant, subjects]))
    expect(new Set(whose)).toEqual(new Set([JSON.stringify([person.tenant, [person.id]])]))
    expect(JSON.stringify(record)).not.toMatch(/secret\.ts|apollo|TypeScript/)
    expect(committed).toBe(1)
  })

  test.each([
    ['in code', 0],
    ['in the database', 1],
  ] as const)('is undone when its record fails %s', async (where, trips) => {
    failing = where
    const failed = () => expect(insert(2 * CHUNK_ROWS).execute()).rejects.toThrow()
    expect(await roundTrips(single, failed)).toBe(trips)
    failing = 'not'
    expect(await store.as(person).db.selectFrom('heartbeats').select('id').execute()).toHaveLength(1)
    expect(await recorded()).toEqual([])
    expect(committed).toBe(0)
  })

  test('has no record of its own when a key had changed and it went the long way', async () => {
    const wrapped = 'update surety.data_keys set wrapped = set_byte(wrapped, 40, 255 - get_byte(wrapped, 40))'
    await world.database.owner.query(`${wrapped} where subject = $1`, [person.id])
    await expect(insert(1).execute()).rejects.toMatchObject({ code: 'ERR_KEYS_UNWRAP' })
    expect(await recorded()).toEqual([])
  })

  test('is not what a change gets whose rows are known only afterwards', async () => {
    const { db } = store.as(person)
    const remove = db.deleteFrom('heartbeats').where('personId', '=', person.id)
    expect(await roundTrips(single, () => remove.execute())).toBeGreaterThan(1)
    expect(await recorded()).toMatchObject([
      { action: 'delete', count: 1, rows: [{ tenant: person.tenant }] },
    ])
  })
})

test('a refusal for want of a permission is told to the trail', async () => {
  const { db } = store.as(user(createPseudonym(), 'reader'))
  await expect(db.deleteFrom('heartbeats').execute()).rejects.toMatchObject({ code: 'ERR_STORE_FORBIDDEN' })
  expect(refusals).toEqual(['user ERR_STORE_FORBIDDEN'])
})

test('a refusal is told each time, also where a plan of that shape is kept', async () => {
  const person = user(createPseudonym())
  const remove = (principal: Principal) => store.as(principal).db.deleteFrom('heartbeats').execute()
  await remove(person)
  for (let i = 0; i < 2; i++) {
    const reader = { ...person, roles: ['reader'] }
    await expect(remove(reader)).rejects.toMatchObject({ code: 'ERR_STORE_FORBIDDEN' })
  }
  expect(refusals).toEqual(['user ERR_STORE_FORBIDDEN', 'user ERR_STORE_FORBIDDEN'])
})
