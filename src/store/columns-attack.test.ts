import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Kysely } from 'kysely'
import type { Principal } from '../access/index.ts'
import { createPseudonym } from '../kernel/index.ts'
import { heartbeatOf, openTestStore, user, type TestStore } from './testing.ts'

type Loose = any // oxlint-disable-line no-explicit-any -- queries that the types would stop

/** Everything that a hidden field could be drawn through; `x` is the field. */
const WAYS: Record<string, (db: Loose, x: string) => Loose> = {
  'a join of the table with itself': (db, x) =>
    db.selectFrom('heartbeats as a').innerJoin('heartbeats as b', `a.${x}`, `b.${x}`).select('a.time'),
  'the condition of a left join': (db, x) =>
    db
      .selectFrom('heartbeats as a')
      .leftJoin('heartbeats as b', (on: Loose) => on.on(`b.${x}`, '=', 'Go'))
      .select(['a.time', 'b.time as other']),
  'a join with a table of everybody’s': (db, x) =>
    db.selectFrom('rates').innerJoin('heartbeats', 'rates.currency', `heartbeats.${x}`).select('rates.id'),
  'a condition': (db, x) => db.selectFrom('heartbeats').select('time').where(x, '=', 'Go'),
  'a condition of a table of everybody’s': (db, x) =>
    db
      .selectFrom('rates')
      .select('id')
      .where('currency', 'in', (eb: Loose) => eb.selectFrom('heartbeats').select(x)),
  'an order': (db, x) => db.selectFrom('heartbeats').select('time').orderBy(x),
  'an order of a union': (db, x) =>
    db
      .selectFrom('heartbeats')
      .select('time')
      .unionAll(db.selectFrom('heartbeats').select('time').orderBy(x).limit(1)),
  'distinct on': (db, x) => db.selectFrom('heartbeats').distinctOn(x).select('time'),
  'a group': (db, x) =>
    db
      .selectFrom('heartbeats')
      .select((eb: Loose) => eb.fn.countAll().as('n'))
      .groupBy(x),
  'a window': (db, x) =>
    db.selectFrom('heartbeats').select((eb: Loose) =>
      eb.fn
        .agg('rank')
        .over((over: Loose) => over.orderBy(x))
        .as('r'),
    ),
  'an aggregate': (db, x) => db.selectFrom('heartbeats').select((eb: Loose) => eb.fn.max(x).as('time')),
  'a count of what is not null': (db, x) =>
    db.selectFrom('heartbeats').select((eb: Loose) => eb.fn.count(x).as('time')),
  'a filter of an aggregate': (db, x) =>
    db.selectFrom('heartbeats').select((eb: Loose) => eb.fn.countAll().filterWhere(x, '=', 'Go').as('time')),
  'a case': (db, x) =>
    db
      .selectFrom('heartbeats')
      .select((eb: Loose) => eb.case().when(x, '=', 'Go').then(1).else(0).end().as('time')),
  'a tuple': (db, x) =>
    db
      .selectFrom('heartbeats')
      .select('time')
      .where((eb: Loose) => eb(eb.refTuple(x, 'time'), 'in', [eb.tuple('Go', new Date(0))])),
  'a correlated subquery': (db, x) =>
    db
      .selectFrom('heartbeats as a')
      .select((eb: Loose) =>
        eb
          .selectFrom('heartbeats as b')
          .select('b.time')
          .whereRef('b.id', '=', 'a.id')
          .where(`a.${x}`, '=', 'Go')
          .as('time'),
      ),
  'an alias of the table': (db, x) => db.selectFrom('heartbeats as time').select(`time.${x} as time`),
  'a CTE that renames it': (db, x) =>
    db
      .with('c', (eb: Loose) => eb.selectFrom('heartbeats').select(`${x} as time`))
      .selectFrom('c')
      .select('time'),
  'what is returned': (db, x) => db.updateTable('heartbeats').set({ seconds: 1 }).returning(x),
  'what is returned, under another name': (db, x) =>
    db.updateTable('heartbeats').set({ seconds: 1 }).returning(`${x} as seconds`),
  'a copy into a field that may be read': (db, x) =>
    db.updateTable('heartbeats').set((eb: Loose) => ({ seconds: eb.ref(x) })),
  'the condition of a change': (db, x) =>
    db.updateTable('heartbeats').set({ seconds: 1 }).where(x, '=', 'Go'),
  'the condition of a deletion': (db, x) => db.deleteFrom('heartbeats').where(x, '=', 'Go'),
}

describe('a field that no permission names', () => {
  let context: TestStore
  let asking: Kysely<never>
  let everything: Kysely<never>
  beforeAll(async () => {
    context = await openTestStore()
    const limited = ['time', 'seconds', 'project'].join()
    const store = context.reopen({
      roles: {
        limited: [
          `heartbeats:read:tenant(${limited})`,
          'heartbeats:write:tenant(seconds)',
          'heartbeats:delete:tenant',
          'rates:read:any',
        ],
        whole: ['heartbeats:*:tenant', 'rates:read:any'],
      },
    })
    const tenant = createPseudonym()
    const person = (role: string): Principal => ({ ...user(tenant), roles: [role] })
    const whole = person('whole')
    await store.as(whole).db.insertInto('heartbeats').values(heartbeatOf(whole)).execute()
    asking = store.as(person('limited')).db as never
    everything = store.as(whole).db as never
  })
  afterAll(() => context.close())

  for (const [way, query] of Object.entries(WAYS)) {
    test(`is not drawn through ${way}`, () => {
      for (const field of ['language', 'personId', 'entity'])
        expect(() => query(asking, field).compile(), field).toThrow()
      expect(() => query(asking, 'language').compile()).toThrow(
        expect.objectContaining({ code: 'ERR_STORE_FORBIDDEN' }) as Error,
      )
      // The way itself is open, so that it was the field which was refused.
      const clear = way === 'a copy into a field that may be read' ? 'seconds' : 'language'
      expect(() => query(everything, clear).compile()).not.toThrow()
    })
  }
})
