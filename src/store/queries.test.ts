import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createPseudonym } from '../kernel/index.ts'
import { heartbeatOf, openTestStore, user, type TestStore } from './testing.ts'

let context: TestStore
beforeAll(async () => {
  context = await openTestStore()
})
afterAll(() => context.close())

/** A person alone in a new team, with heartbeats stored. */
async function personWith(...rows: Record<string, unknown>[]) {
  const person = user(createPseudonym())
  const { db } = context.store.as(person)
  if (rows.length > 0)
    await db
      .insertInto('heartbeats')
      .values(rows.map((row) => heartbeatOf(person, row)))
      .execute()
  return { db }
}

describe('sealed fields in queries', () => {
  const rows = [
    { project: 'apollo', branch: 'main', seconds: 10, language: 'TypeScript' },
    { project: 'apollo', branch: 'dev', seconds: 20, language: 'Go' },
    { project: 'gemini', branch: 'main', seconds: 40, language: 'Go' },
    { project: null, branch: null, seconds: 80, language: 'Go' },
  ]

  test('finds by equality, lists and null', async () => {
    const { db } = await personWith(...rows)
    const secondsOf = async (query: { execute(): Promise<{ seconds: number | null }[]> }) =>
      (await query.execute()).map(({ seconds }) => seconds).toSorted((a, b) => a! - b!)
    const query = db.selectFrom('heartbeats').select('seconds')
    expect(await secondsOf(query.where('project', '=', 'apollo'))).toEqual([10, 20])
    expect(await secondsOf(query.where('project', '!=', 'apollo'))).toEqual([40])
    expect(await secondsOf(query.where('project', 'in', ['gemini', 'none']))).toEqual([40])
    expect(await secondsOf(query.where('project', 'is', null))).toEqual([80])
    expect(await secondsOf(query.where('project', 'is not', null).where('branch', '=', 'main'))).toEqual([
      10, 40,
    ])
    expect(
      await secondsOf(query.where((eb) => eb.or([eb('project', '=', 'gemini'), eb('seconds', '<', 15)]))),
    ).toEqual([10, 40])
  })

  test('groups, sums and counts by a sealed field', async () => {
    const { db } = await personWith(...rows)
    const grouped = await db
      .selectFrom('heartbeats')
      .select(({ fn }) => ['project', fn.sum('seconds').as('total'), fn.countAll().as('n')])
      .groupBy('project')
      .orderBy('total')
      .execute()
    expect(grouped).toEqual([
      { project: 'apollo', total: '30', n: 2 },
      { project: 'gemini', total: '40', n: 1 },
      { project: null, total: '80', n: 1 },
    ])
    const counted = await db
      .selectFrom('heartbeats')
      .select(({ fn }) => [fn.count('project').distinct().as('projects'), fn.count('project').as('named')])
      .executeTakeFirstOrThrow()
    expect(counted).toEqual({ projects: 2, named: 3 })
  })

  test('groups by two sealed fields, an alias, and a clear one', async () => {
    const { db } = await personWith(...rows)
    const grouped = await db
      .selectFrom('heartbeats as h')
      .select(({ fn }) => ['h.project as p', 'branch', 'language', fn.max('seconds').as('most')])
      .groupBy(['p', 'h.branch', 'language'])
      .having('h.project', '=', 'apollo')
      .orderBy('most', 'desc')
      .execute()
    expect(grouped).toEqual([
      { p: 'apollo', branch: 'dev', language: 'Go', most: 20 },
      { p: 'apollo', branch: 'main', language: 'TypeScript', most: 10 },
    ])
  })

  test('carries sealed fields through derived tables, CTEs, laterals and unions of all rows', async () => {
    const { db } = await personWith(...rows)
    const derived = await db
      .selectFrom((eb) =>
        eb
          .selectFrom('heartbeats')
          .select(['project as p', 'entity', 'seconds'])
          .orderBy('seconds')
          .limit(2)
          .as('d'),
      )
      .select(['d.p', 'd.entity'])
      .where('d.p', '=', 'apollo')
      .execute()
    expect(derived).toEqual([
      { p: 'apollo', entity: '/home/ada/secret.ts' },
      { p: 'apollo', entity: '/home/ada/secret.ts' },
    ])
    const cte = await db
      .with('busy', (qb) =>
        qb.selectFrom('heartbeats').select(['project', 'seconds']).where('seconds', '>=', 20),
      )
      .with('again', (qb) => qb.selectFrom('busy').selectAll())
      .selectFrom('again as a')
      .select(({ fn }) => ['a.project', fn.sum('a.seconds').as('total')])
      .groupBy('a.project')
      .orderBy('total')
      .execute()
    expect(cte).toEqual([
      { project: 'apollo', total: '20' },
      { project: 'gemini', total: '40' },
      { project: null, total: '80' },
    ])
    const lateral = await db
      .selectFrom('heartbeats as h')
      .leftJoinLateral(
        (eb) =>
          eb
            .selectFrom('heartbeats as o')
            .select(['o.project as other'])
            .whereRef('o.seconds', '>', 'h.seconds')
            .orderBy('o.seconds')
            .limit(1)
            .as('next'),
        (join) => join.onTrue(),
      )
      .select(['h.project', 'next.other'])
      .orderBy('h.seconds')
      .execute()
    expect(lateral).toEqual([
      { project: 'apollo', other: 'apollo' },
      { project: 'apollo', other: 'gemini' },
      { project: 'gemini', other: null },
      { project: null, other: null },
    ])
    const union = await db
      .selectFrom('heartbeats')
      .select(['project', 'seconds'])
      .where('seconds', '<', 20)
      .unionAll((eb) => eb.selectFrom('heartbeats').select(['project', 'seconds']).where('seconds', '=', 40))
      .orderBy('seconds')
      .execute()
    expect(union).toEqual([
      { project: 'apollo', seconds: 10 },
      { project: 'gemini', seconds: 40 },
    ])
    const regrouped = await db
      .selectFrom((eb) =>
        eb
          .selectFrom('heartbeats')
          .select(({ fn }) => ['project', 'branch', fn.sum('seconds').as('s')])
          .groupBy(['project', 'branch'])
          .as('g'),
      )
      .select(({ fn }) => ['g.branch', fn.count('g.project').as('n')])
      .groupBy('g.branch')
      .orderBy('n')
      .execute()
    expect(regrouped).toEqual([
      { branch: null, n: 0 },
      { branch: 'dev', n: 1 },
      { branch: 'main', n: 2 },
    ])
  })

  test('joins on the same sealed field and leaves outer rows empty', async () => {
    const { db } = await personWith(...rows)
    const joined = await db
      .selectFrom('heartbeats as a')
      .leftJoin('heartbeats as b', (join) =>
        join.onRef('a.project', '=', 'b.project').onRef('a.id', '!=', 'b.id'),
      )
      .select(['a.seconds', 'b.branch', 'b.entity as entity'])
      .orderBy('a.seconds')
      .execute()
    expect(joined).toEqual([
      { seconds: 10, branch: 'dev', entity: '/home/ada/secret.ts' },
      { seconds: 20, branch: 'main', entity: '/home/ada/secret.ts' },
      { seconds: 40, branch: null, entity: null },
      { seconds: 80, branch: null, entity: null },
    ])
    const right = await db
      .selectFrom('heartbeats as a')
      .rightJoin('heartbeats as b', (join) =>
        join.onRef('a.project', '=', 'b.project').on('a.seconds', '=', 10),
      )
      .select(['a.project as left', 'b.project as right'])
      .orderBy('b.seconds')
      .execute()
    expect(right).toEqual([
      { left: 'apollo', right: 'apollo' },
      { left: 'apollo', right: 'apollo' },
      { left: null, right: 'gemini' },
      { left: null, right: null },
    ])
    const full = await db
      .selectFrom('heartbeats as a')
      .fullJoin('heartbeats as b', (join) => join.onRef('a.id', '=', 'b.id'))
      .select(['a.project as left', 'b.project as right'])
      .execute()
    expect(full.every(({ left, right }) => left === right)).toBe(true)
    await db.selectFrom('heartbeats as a').crossJoin('rates').select('a.entity').execute()
  })

  test('answers windows, subqueries and existence over clear columns', async () => {
    const { db } = await personWith(...rows)
    const ranked = await db
      .selectFrom('heartbeats')
      .select(({ fn }) => [
        'project',
        fn
          .agg<number>('row_number')
          .over((ob) => ob.partitionBy('project').orderBy('seconds'))
          .as('rank'),
      ])
      .orderBy('seconds')
      .execute()
    expect(ranked.map(({ rank }) => rank)).toEqual([1, 2, 1, 1])
    const most = await db
      .selectFrom('heartbeats as h')
      .select([
        'h.project',
        (eb) =>
          eb
            .selectFrom('heartbeats')
            .select(({ fn }) => fn.max('seconds').as('m'))
            .whereRef('project', '=', 'h.project')
            .as('most'),
      ])
      .where(({ exists, selectFrom }) =>
        exists(selectFrom('heartbeats as o').selectAll().whereRef('o.seconds', '>', 'h.seconds')),
      )
      .where('h.id', 'in', (eb) => eb.selectFrom('heartbeats').select('id').where('language', '=', 'Go'))
      .orderBy('h.seconds')
      .execute()
    expect(most).toEqual([
      { project: 'apollo', most: 20 },
      { project: 'gemini', most: 40 },
    ])
  })

  test('groups by a computed column under its alias', async () => {
    const { db } = await personWith(...rows)
    const grouped = await db
      .selectFrom('heartbeats')
      .select(({ fn, val }) => [
        fn<Date>('date_trunc', [val('day'), 'time']).as('on'),
        fn.sum('seconds').as('total'),
        fn
          .max('project' as never)
          .filterWhere('seconds', '<', 0)
          .as('none'),
      ])
      .groupBy('on')
      .execute()
      .catch((error: { code: string }) => error.code)
    expect(grouped).toBe('ERR_STORE_SEALED_EXPRESSION')
    const days = await db
      .selectFrom('heartbeats')
      .select(({ fn, val }) => [
        fn<Date>('date_trunc', [val('day'), 'time']).as('on'),
        fn.sum('seconds').as('total'),
      ])
      .groupBy('on')
      .execute()
    expect(days).toEqual([{ on: new Date(Date.UTC(2026, 9, 31)), total: '150' }])
  })

  test('reads JSON paths and computes over clear columns', async () => {
    const { db } = await personWith({ extra: { a: [{ b: 'deep' }] }, seconds: 7 })
    const found = await db
      .selectFrom('heartbeats')
      .select((eb) => [
        eb
          .ref('extra', '->')
          .key('a' as never)
          .at(0 as never)
          .key('b' as never)
          .as('b'),
        eb('seconds', '*', 2).as('double'),
        eb.case().when('seconds', '>', 5).then('long').else('short').end().as('length'),
        eb.fn.coalesce('language', eb.val('none')).as('language'),
        eb.cast<string>('seconds', 'text').as('text'),
      ])
      .executeTakeFirstOrThrow()
    expect(found).toEqual({ b: 'deep', double: 14, length: 'long', language: 'TypeScript', text: '7' })
  })
})
