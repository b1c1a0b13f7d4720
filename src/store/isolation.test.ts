import type { Kysely } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WITHOUT_PREDICATES } from './store.ts'
import { heartbeatOf, openTestStore, testResources, type TestStore, type TestTables } from './testing.ts'
import { FOREIGN_SECONDS, populate, SECRET, type World } from './testing/world.ts'

/**
 * One attacker tries to see or touch rows of a colleague and of another team in every shape of
 * query, against both guards, against each alone, and against none, which shows that they bite.
 */
type Attack = (db: Kysely<TestTables>, world: World) => Promise<unknown>

/** Each yields something foreign, a row count above one, or true, when it succeeds. */
const ATTACKS: Record<string, Attack> = {
  'select everything': (db) => db.selectFrom('heartbeats').select(['id', 'language']).execute(),
  'select *': (db) => db.selectFrom('heartbeats').select(['id', 'personId', 'teamId', 'language']).execute(),
  'where with a known id': (db, { foreign }) =>
    db.selectFrom('heartbeats').select('language').where('id', 'in', foreign).execute(),
  'where with an or': (db, { stranger }) =>
    db
      .selectFrom('heartbeats')
      .select('id')
      .where('seconds', '<', 0)
      .where((eb) => eb.or([eb('personId', '=', stranger.id), eb.lit(true)]))
      .execute()
      .then((rows) => rows.length > 0)
      .then(
        async (found) =>
          found ||
          (await db
            .selectFrom('heartbeats')
            .select('language')
            .where((eb) => eb.or([eb('personId', '=', stranger.id), eb('seconds', '>', 5)]))
            .execute()),
      ),
  'an inner join': (db) =>
    db
      .selectFrom('heartbeats as a')
      .innerJoin('heartbeats as b', (join) => join.onTrue())
      .select(['b.language', 'b.id'])
      .execute(),
  'a left join': (db) =>
    db
      .selectFrom('heartbeats as a')
      .leftJoin('heartbeats as b', (join) => join.onTrue())
      .select(['b.language', 'b.id'])
      .execute(),
  'a right join': (db) =>
    db
      .selectFrom('heartbeats as a')
      .rightJoin('heartbeats as b', (join) => join.onRef('a.id', '=', 'b.id'))
      .select(['b.language', 'b.id'])
      .execute(),
  'a full join': (db) =>
    db
      .selectFrom('heartbeats as a')
      .fullJoin('heartbeats as b', (join) => join.onRef('a.id', '=', 'b.id'))
      .select(['a.language', 'b.id'])
      .execute(),
  'a cross join': (db) =>
    db.selectFrom('heartbeats as a').crossJoin('heartbeats as b').select('b.language').execute(),
  'a second from': (db) =>
    db.selectFrom(['heartbeats as a', 'heartbeats as b']).select('b.language').execute(),
  'a lateral join': (db) =>
    db
      .selectFrom('heartbeats as a')
      .innerJoinLateral(
        (eb) =>
          eb.selectFrom('heartbeats as b').select('b.language as l').whereRef('b.id', '!=', 'a.id').as('x'),
        (join) => join.onTrue(),
      )
      .select('x.l')
      .execute(),
  'a derived table': (db) =>
    db
      .selectFrom((eb) => eb.selectFrom('heartbeats').select(['language']).as('d'))
      .selectAll()
      .execute(),
  'a nested derived table': (db) =>
    db
      .selectFrom((eb) =>
        eb
          .selectFrom((inner) => inner.selectFrom('heartbeats').selectAll().as('i'))
          .select('i.language')
          .as('o'),
      )
      .selectAll()
      .execute(),
  'a CTE': (db) =>
    db
      .with('c', (qb) => qb.selectFrom('heartbeats').select('language'))
      .selectFrom('c')
      .selectAll()
      .execute(),
  'a CTE that has the table’s name': (db) =>
    db
      .with('heartbeats', (qb) => qb.selectFrom('heartbeats').selectAll())
      .selectFrom('heartbeats')
      .select('heartbeats.language')
      .execute(),
  'a union': (db) =>
    db
      .selectFrom('heartbeats')
      .select('language')
      .where('seconds', '<', 0)
      .union((eb) => eb.selectFrom('heartbeats').select('language'))
      .execute(),
  'an except': (db) =>
    db
      .selectFrom('heartbeats')
      .select('language')
      .except((eb) => eb.selectFrom('heartbeats').select('language').where('seconds', '<', 5))
      .execute(),
  'an existence oracle': async (db, { stranger }) =>
    (await db.selectFrom('rates').selectAll().execute()).length >= 0 &&
    (
      await db
        .selectFrom('heartbeats')
        .select('id')
        .where(({ exists, selectFrom }) =>
          exists(selectFrom('heartbeats as o').select('o.id').where('o.personId', '=', stranger.id)),
        )
        .execute()
    ).length > 0,
  'a scalar subquery': (db) =>
    db
      .selectFrom('heartbeats')
      .select((eb) =>
        eb
          .selectFrom('heartbeats as o')
          .select((e) => e.fn.max('o.seconds').as('m'))
          .as('most'),
      )
      .execute(),
  'a subquery in a case': (db) =>
    db
      .selectFrom('heartbeats')
      .select((eb) =>
        eb
          .case()
          .when(eb.exists(eb.selectFrom('heartbeats as o').select('o.id').where('o.seconds', '>', 5)))
          .then(SECRET)
          .else('no')
          .end()
          .as('x'),
      )
      .execute(),
  'a subquery in order by': (db, { stranger }) =>
    db
      .selectFrom('heartbeats')
      .select('id')
      .orderBy((eb) =>
        eb.selectFrom('heartbeats as o').select('o.seconds').where('o.personId', '=', stranger.id).limit(1),
      )
      .execute()
      .then(() =>
        db
          .selectFrom('heartbeats')
          .select((eb) =>
            eb
              .selectFrom('heartbeats as o')
              .select('o.language')
              .where('o.personId', '=', stranger.id)
              .limit(1)
              .as('l'),
          )
          .execute(),
      ),
  'in a list of a subquery': async (db) =>
    (
      await db
        .selectFrom('heartbeats')
        .select('id')
        .where((eb) =>
          eb(
            eb.val<number | null>(FOREIGN_SECONDS),
            'in',
            eb.selectFrom('heartbeats as o').select('o.seconds'),
          ),
        )
        .execute()
    ).length > 0,
  'an aggregate': (db) =>
    db
      .selectFrom('heartbeats')
      .select(({ fn }) => fn.max('seconds').as('m'))
      .execute(),
  'a count': async (db) =>
    Number(
      (
        await db
          .selectFrom('heartbeats')
          .select(({ fn }) => fn.countAll().as('n'))
          .executeTakeFirstOrThrow()
      ).n,
    ) > 1,
  'a sealed count': async (db) =>
    Number(
      (
        await db
          .selectFrom('heartbeats')
          .select(({ fn }) => fn.count('project').as('n'))
          .executeTakeFirstOrThrow()
      ).n,
    ) > 1,
  'a filtered aggregate': (db) =>
    db
      .selectFrom('heartbeats')
      .select(({ fn }) => fn.max('language').filterWhere('seconds', '>', 5).as('m'))
      .execute(),
  'an array of all': (db) =>
    db
      .selectFrom('heartbeats')
      .select(({ fn }) => fn.agg<string[]>('array_agg', ['language']).as('all'))
      .execute(),
  groups: (db) =>
    db
      .selectFrom('heartbeats')
      .select(['language', ({ fn }) => fn.countAll().as('n')])
      .groupBy('language')
      .execute(),
  'groups with having': (db) =>
    db
      .selectFrom('heartbeats')
      .select('language')
      .groupBy('language')
      .having(({ fn }) => fn.sum('seconds'), '>', 5)
      .execute(),
  'a group of a blind index': async (db) =>
    (
      await db
        .selectFrom('heartbeats')
        .select(['project', ({ fn }) => fn.countAll().as('n')])
        .groupBy('project')
        .execute()
    ).some(({ n }) => Number(n) > 1),
  'distinct on': (db) => db.selectFrom('heartbeats').distinctOn('language').select('language').execute(),
  'a window': (db) =>
    db
      .selectFrom('heartbeats')
      .select(({ fn }) =>
        fn
          .agg<string>('last_value', ['language'])
          .over((ob) => ob.partitionBy('time'))
          .as('l'),
      )
      .execute(),
  'for update': (db) => db.selectFrom('heartbeats').select('language').forUpdate().execute(),
  'limit and offset': (db) =>
    db.selectFrom('heartbeats').select('language').orderBy('seconds', 'desc').limit(1).execute(),
  'an update of everything': (db) =>
    db.updateTable('heartbeats').set({ language: 'x' }).executeTakeFirstOrThrow(),
  'an update with an or': (db) =>
    db
      .updateTable('heartbeats')
      .set({ language: 'x' })
      .where((eb) => eb.or([eb('seconds', '>', 5), eb('seconds', '<', 5)]))
      .executeTakeFirstOrThrow(),
  'an update of a known id': async (db, { foreign }) =>
    (
      await db
        .updateTable('heartbeats')
        .set({ language: 'x' })
        .where('id', 'in', foreign)
        .executeTakeFirstOrThrow()
    ).numUpdatedRows > 0n,
  'an update that returns': (db) =>
    db.updateTable('heartbeats').set({ lines: 1 }).returning(['language']).execute(),
  'an update that computes from foreign rows': (db) =>
    db
      .updateTable('heartbeats')
      .set((eb) => ({
        seconds: eb.selectFrom('heartbeats as o').select((e) => e.fn.max('o.seconds').as('m')),
      }))
      .returning('seconds')
      .execute(),
  'a delete of everything': (db) => db.deleteFrom('heartbeats').executeTakeFirstOrThrow(),
  'a delete with an or': (db) =>
    db
      .deleteFrom('heartbeats')
      .where((eb) => eb.or([eb('seconds', '>', 5), eb('seconds', '<', 5)]))
      .executeTakeFirstOrThrow(),
  'a delete that returns': (db) => db.deleteFrom('heartbeats').returning('language').execute(),
  'a delete using foreign rows': async (db) =>
    (
      await db
        .deleteFrom('heartbeats as h')
        .using('heartbeats as o')
        .where('o.seconds', '>', 5)
        .executeTakeFirstOrThrow()
    ).numDeletedRows > 0n,
  'a returned subquery': (db, { attacker }) =>
    db
      .insertInto('heartbeats')
      .values(heartbeatOf(attacker))
      .returning((eb) =>
        eb
          .selectFrom('heartbeats as o')
          .select((e) => e.fn.max('o.seconds').as('m'))
          .as('most'),
      )
      .execute(),
  'another resource of the tenant': (db) => db.selectFrom('notes').select('title').execute(),
}

function succeeded(result: unknown, { foreign, stranger, colleague }: World): boolean {
  if (result === true) return true
  const text = JSON.stringify(result, (_key, value: unknown) =>
    typeof value === 'bigint' ? { affected: Number(value) } : value,
  )
  const marks = [SECRET, String(FOREIGN_SECONDS), ...foreign, stranger.id, colleague.id, stranger.tenant!]
  return marks.some((mark) => text.includes(mark)) || /"affected":([2-9]|1\d)/.test(text)
}

/** Runs an attack and takes back whatever it did. */
async function attempt(db: Kysely<TestTables>, attack: Attack, world: World): Promise<unknown> {
  const trx = await db.startTransaction().execute()
  try {
    return await attack(trx, world)
  } finally {
    await trx.rollback().execute()
  }
}

const MODES = [
  { guards: 'both guards', predicates: true, rows: true },
  { guards: 'the predicates alone', predicates: true, rows: false },
  { guards: 'row-level security alone', predicates: false, rows: true },
  { guards: 'no guard', predicates: false, rows: false },
]

describe.each(MODES)('against $guards', ({ predicates, rows }) => {
  let context: TestStore
  let world: World
  let db: Kysely<TestTables>
  beforeAll(async () => {
    context = await openTestStore()
    world = await populate(context)
    if (!rows) {
      for (const { name } of Object.values(testResources)) {
        await context.database.owner.query(`alter table app.${name} disable row level security`)
      }
      await context.database.owner.query('alter table surety.data_keys disable row level security')
    }
    const store = predicates ? context.store : context.reopen({ [WITHOUT_PREDICATES]: true })
    db = store.as(world.attacker).db
  })
  afterAll(() => context.close())

  const expected = predicates || rows ? 'fails' : 'succeeds'
  test.each(Object.entries(ATTACKS))(`%s ${expected}`, async (_name, attack) => {
    expect(succeeded(await attempt(db, attack, world), world)).toBe(expected === 'succeeds')
  })

  test('a row for somebody else is refused', async () => {
    for (const other of [world.colleague, world.stranger]) {
      await expect(db.insertInto('heartbeats').values(heartbeatOf(other)).execute()).rejects.toMatchObject({
        code: 'ERR_STORE_FORBIDDEN',
      })
    }
  })

  test('a row does not move to somebody else', async () => {
    for (const changes of [{ teamId: world.stranger.tenant! }, { personId: world.colleague.id }]) {
      await expect(db.updateTable('heartbeats').set(changes).execute()).rejects.toMatchObject({
        code: 'ERR_STORE_OWNER_FIXED',
      })
    }
  })

  test('a row takes no id that the caller chose', async () => {
    const row = heartbeatOf(world.attacker, { id: world.foreign[0] })
    await expect(db.insertInto('heartbeats').values(row).execute()).rejects.toMatchObject({
      code: 'ERR_VALUE_READONLY',
    })
  })
})
