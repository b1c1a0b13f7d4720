import { sql, type Kysely } from 'kysely'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SuretyError, createPseudonym } from '../kernel/index.ts'
import { WITHOUT_PREDICATES } from './store.ts'
import {
  heartbeatOf,
  openTestStore,
  testResources,
  user,
  type TestStore,
  type TestTables,
} from './testing.ts'
import type { Loose } from './testing/refusals.ts'
import { openSharedStore, person } from './testing/shared-rows.ts'
import { FOREIGN_SECONDS, populate, SECRET, type World } from './testing/world.ts'

/** Ways around that end only at the database: what the app role itself may do, plans, errors, conflicts. */
let context: TestStore
let world: World
beforeAll(async () => {
  context = await openTestStore()
  world = await populate(context)
  const { owner } = context.database
  await owner.query('create sequence surety.counter')
  await owner.query('create table app.heartbeats_2026_11 (like app.heartbeats)')
  for (const { name } of Object.values(testResources)) await owner.query(`analyze app.${name}`)
})
afterAll(() => context.close())

/** A statement as the app role, in a transaction whose settings open the attacker's own rows. */
async function asAppRole(statement: string, values: unknown[] = []): Promise<pg.QueryResult> {
  const client = await context.database.app.connect()
  try {
    await client.query('begin')
    await client.query(
      `select set_config('surety.tenant', $1, true), set_config('surety.subject', $2, true),
              set_config('surety.read_heartbeats', 'own', true), set_config('surety.write_heartbeats', 'own', true)`,
      [world.attacker.tenant, world.attacker.id],
    )
    return await client.query(statement, values)
  } finally {
    client.release(true)
  }
}

describe('the app role itself', () => {
  test.each<[string, string]>([
    ['statistics of columns', 'select * from pg_statistic'],
    ['statements of other sessions', 'select query from pg_stat_activity'],
    ['the same by its function', 'select pg_stat_get_activity(null)'],
    ['locks of other sessions', 'select * from pg_locks'],
    ['counters of rows', 'select * from pg_stat_user_tables'],
    ['counters of one table', `select pg_stat_get_live_tuples('app.heartbeats'::regclass)`],
    ['the size of a table', `select pg_total_relation_size('app.heartbeats')`],
    ['passwords', 'select * from pg_authid'],
    ['wrapped bucket keys', 'select * from surety.bucket_keys'],
    ['the notes of migrations', 'select * from surety.resources'],
    ['a sequence', `select nextval('surety.counter')`],
    ['a partition by its name', 'select * from app.heartbeats_2026_11'],
    ['a query from a text', `select query_to_xml('select * from app.heartbeats', true, true, '')`],
    ['a table as XML', `select table_to_xml('app.heartbeats', true, true, '')`],
    ['a query from a text, for words', `select * from ts_stat('select null::tsvector')`],
    ['a large object', `select lo_from_bytea(0, '\\x00')`],
    ['the life of another session', 'select pg_terminate_backend(1)'],
    ['the query of another session', 'select pg_cancel_backend(1)'],
    ['a lock that outlives the transaction', 'select pg_advisory_lock(1)'],
    ['a message to other sessions', `select pg_notify('x', 'y')`],
    ['bytes in the WAL', `select pg_logical_emit_message(true, 'x', 'y')`],
    ['a snapshot for others', 'select pg_export_snapshot()'],
    ['a file of the server', `select pg_read_file('PG_VERSION')`],
    ['a folder of the server', `select pg_ls_dir('.')`],
    ['a copy into a file', `copy app.heartbeats to '/tmp/stolen'`],
    ['a copy into a program', `copy app.heartbeats to program 'cat'`],
    ['a block of code', `do 'begin end'`],
    ['a function of its own', `create function f() returns int language sql as 'select 1'`],
    ['a table of its own', 'create table app.mine (id int)'],
    ['a temporary table', 'create temporary table mine (id int)'],
    ['a view that others run', 'create view app.mine as select 1 as one'],
    ['a schema', 'create schema mine'],
    ['an extension that reaches out', 'create extension dblink'],
    ['emptying a table', 'truncate app.heartbeats'],
    ['a table’s shape', 'alter table app.heartbeats disable row level security'],
    ['a policy', 'create policy mine on app.heartbeats using (true)'],
    ['being the owner', 'set role surety_owner'],
    ['being anybody', 'set session authorization postgres'],
    ['rights of its own', 'alter role surety_app bypassrls'],
    ['settings of another role', `alter role surety_owner set search_path = 'app'`],
    ['reading past the policies', 'set local row_security = off; select * from app.heartbeats'],
  ])('gets nothing of %s', async (_what, statement) => {
    const error: unknown = await asAppRole(statement).catch((caught: unknown) => caught)
    // 0A000: the server does not bring that extension at all.
    expect((error as { code?: string }).code, JSON.stringify(error)).toMatch(/^(42501|0A000|58P01)$/)
  })

  test('sees no planner statistics of governed columns, which hold values', async () => {
    const seen = `select attname from pg_stats where schemaname = 'app' and most_common_vals::text like '%${SECRET}%'`
    const { server, databaseName } = context.database
    const administrator = new pg.Client(server.connect('postgres', databaseName))
    await administrator.connect()
    const { rowCount } = await administrator.query(seen)
    await administrator.end()
    expect(rowCount).toBeGreaterThan(0)
    expect((await asAppRole(seen)).rows).toEqual([])
    expect((await asAppRole(`select * from pg_stats where schemaname in ('app', 'surety')`)).rows).toEqual([])
  })

  test('sets nothing for the whole server', async () => {
    const setting = context.database.app.query('alter system set fsync = off')
    await expect(setting).rejects.toMatchObject({ code: '42501' })
  })

  test('finds no function of an extension that reaches out', async () => {
    await expect(asAppRole(`select dblink('', 'select 1')`)).rejects.toMatchObject({ code: '42883' })
  })

  test('reads its own rows meanwhile, and prepared plans that another tenant’s settings made', async () => {
    const own = await asAppRole('select seconds from app.heartbeats')
    expect(own.rows).toEqual([{ seconds: 1 }])
    const client = await context.database.app.connect()
    try {
      const counted: number[] = []
      for (let i = 0; i < 16; i++) {
        const who = i % 2 ? world.attacker : world.stranger
        await client.query('begin')
        await client.query(
          `select set_config('surety.tenant', $1, true), set_config('surety.subject', $2, true), set_config('surety.read_heartbeats', 'own', true)`,
          [who.tenant, who.id],
        )
        const { rows } = await client.query({ name: 'shared', text: 'select seconds from app.heartbeats' })
        counted.push(...rows.map((row: { seconds: number }) => row.seconds))
        await client.query('commit')
      }
      expect(counted).toEqual(Array.from({ length: 16 }, (_, i) => (i % 2 ? 1 : FOREIGN_SECONDS)))
    } finally {
      client.release(true)
    }
  })
})

const MODES = [
  { guards: 'both guards', predicates: true, rows: true },
  { guards: 'the predicates alone', predicates: true, rows: false },
  { guards: 'row-level security alone', predicates: false, rows: true },
]

describe.each(MODES)('with $guards', ({ predicates, rows }) => {
  let guarded: TestStore
  let there: World
  let attacker: Kysely<TestTables>
  let stranger: Kysely<TestTables>
  beforeAll(async () => {
    guarded = await openTestStore()
    there = await populate(guarded)
    for (const { name } of rows ? [] : Object.values(testResources))
      await guarded.database.owner.query(`alter table app.${name} disable row level security`)
    const store = predicates ? guarded.store : guarded.reopen({ [WITHOUT_PREDICATES]: true })
    attacker = store.as(there.attacker).db
    stranger = store.as(there.stranger).db
  })
  afterAll(() => guarded.close())

  test('one statement asked by two tenants in turn, often enough for a generic plan, stays each one’s', async () => {
    const compiled = stranger.selectFrom('heartbeats').select(['seconds', 'language', 'entity']).compile()
    for (let i = 0; i < 16; i++) {
      const [mine] = (await attacker.executeQuery(compiled)).rows
      const [theirs] = (await stranger.executeQuery(compiled)).rows
      expect(mine).toEqual({ seconds: 1, language: 'TypeScript', entity: '/home/ada/secret.ts' })
      expect(theirs).toEqual({ seconds: FOREIGN_SECONDS, language: SECRET, entity: SECRET })
    }
  })

  test('the same at once, over as many connections as there are', async () => {
    const ask = (db: Kysely<TestTables>) => db.selectFrom('heartbeats').select('seconds').execute()
    const asked = await Promise.all(Array.from({ length: 40 }, (_, i) => ask(i % 2 ? attacker : stranger)))
    expect(asked.flat().map(({ seconds }) => seconds)).toEqual(
      asked.map((_, i) => (i % 2 ? 1 : FOREIGN_SECONDS)),
    )
  })

  test.each<[string, (db: Loose) => Loose]>([
    ['a stream', (db) => db.selectFrom('heartbeats').select('language').stream().next()],
    [
      'a stream without plugins',
      (db) => db.withoutPlugins().selectFrom('heartbeats').select('id').stream(9).next(),
    ],
    [
      'a raw node handed to the executor',
      (db) =>
        db.getExecutor().executeQuery({ query: sql`select language from app.heartbeats`.toOperationNode() }),
    ],
    [
      'text handed to the executor',
      (db) => db.getExecutor().executeQuery({ sql: 'select language from app.heartbeats', parameters: [] }),
    ],
    [
      'text handed to a connection of the executor',
      (db) =>
        db
          .withoutPlugins()
          .getExecutor()
          .provideConnection((c: Loose) =>
            c.executeQuery({ sql: 'select 1', parameters: [], query: { kind: 'RawNode' } }),
          ),
    ],
    [
      'a stream of a connection of the executor',
      (db) =>
        db.getExecutor().provideConnection((c: Loose) => c.streamQuery(sql`select 1`.compile(db), 1).next()),
    ],
    ['text handed to the database', (db) => db.executeQuery({ sql: 'select 1', parameters: [] })],
  ])('%s is refused', async (_what, way) => {
    const outcome: unknown = await Promise.resolve()
      .then(() => way(attacker))
      .catch((error: unknown) => error)
    expect(outcome).toMatchObject({
      code: expect.stringMatching(/^ERR_STORE_(RAW|UNSUPPORTED|NOT_OFFERED)$/),
    })
  })

  /** Each fails on the foreign row alone, if it were looked at. */
  const ORACLES: Record<string, (db: Loose) => Loose> = {
    'a division by zero': (db) =>
      db
        .selectFrom('heartbeats')
        .select('id')
        .where((eb: Loose) => eb(eb(eb.lit(1), '/', eb.parens('seconds', '-', FOREIGN_SECONDS)), '>', 5)),
    'a division by zero in the selection': (db) =>
      db
        .selectFrom('heartbeats')
        .select((eb: Loose) => eb(eb.lit(1), '/', eb.parens('seconds', '-', FOREIGN_SECONDS)).as('x')),
    'a cast of a text': (db) =>
      db
        .selectFrom('heartbeats')
        .select('id')
        .where((eb: Loose) =>
          eb(eb.cast(eb.case().when('language', '=', SECRET).then('x').else('1').end(), 'integer'), '=', 2),
        ),
    'a number out of range': (db) =>
      db
        .selectFrom('heartbeats')
        .select('id')
        .where((eb: Loose) => eb(eb.cast(eb('seconds', '*', 10_000), 'integer'), '<', 0)),
    'a join that divides': (db) =>
      db
        .selectFrom('heartbeats as a')
        .innerJoin('heartbeats as b', (join: Loose) =>
          join.on((eb: Loose) =>
            eb(eb('a.seconds', '/', eb.parens('b.seconds', '-', FOREIGN_SECONDS)), '=', 9),
          ),
        )
        .select('a.id'),
    'an update’s condition': (db) =>
      db
        .updateTable('heartbeats')
        .set({ language: 'x' })
        .where((eb: Loose) => eb(eb(eb.lit(1), '/', eb.parens('seconds', '-', FOREIGN_SECONDS)), '>', 5)),
    'a delete’s condition': (db) =>
      db
        .deleteFrom('heartbeats')
        .where((eb: Loose) => eb(eb(eb.lit(1), '/', eb.parens('seconds', '-', FOREIGN_SECONDS)), '>', 5)),
  }
  // In the predicates alone the order of evaluation is the database's choice; policies are barriers.
  test.runIf(rows).each(Object.entries(ORACLES))(
    '%s does not tell of a foreign row',
    async (_what, build) => {
      await expect(build(attacker).execute()).resolves.toBeInstanceOf(Array)
    },
  )

  /** Each fails on the attacker's own row. */
  const ERRORS: Record<string, (db: Loose) => Loose> = {
    'a cast': (db) =>
      db.selectFrom('heartbeats').select((eb: Loose) => eb.cast('language', 'integer').as('x')),
    'a date': (db) => db.selectFrom('heartbeats').select((eb: Loose) => eb.cast('language', 'date').as('x')),
    JSON: (db) => db.selectFrom('heartbeats').select((eb: Loose) => eb.cast('language', 'jsonb').as('x')),
    'a division': (db) =>
      db
        .selectFrom('heartbeats')
        .select((eb: Loose) => eb('seconds', '/', eb.parens('seconds', '-', 1)).as('x')),
    'a wrong id': (db) => db.selectFrom('heartbeats').select('id').where('id', '=', 'TypeScript'),
    'two rows for one': (db) =>
      db
        .selectFrom('heartbeats')
        .select((eb: Loose) =>
          eb
            .selectFrom('heartbeats as o')
            .select('o.language')
            .unionAll(eb.selectFrom('heartbeats as p').select('p.language'))
            .as('x'),
        ),
  }
  test.each(Object.entries(ERRORS))('the error of %s is a code and tells no value', async (_what, build) => {
    const error: unknown = await build(attacker)
      .execute()
      .catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(SuretyError)
    const { message, stack, cause } = error as SuretyError
    const text = JSON.stringify([message, stack, cause, Object.entries(error as object)])
    expect(text).not.toMatch(new RegExp(`TypeScript|${SECRET}|/home/ada|${FOREIGN_SECONDS}`))
    expect(Object.keys(cause as object).toSorted()).toEqual(['constraint', 'sqlstate'])
  })
})

test('unique values of one tenant do not exist for another one, however they are asked about', async () => {
  const shared = await openSharedStore()
  try {
    const [theirs, mine] = [person(createPseudonym()), person(createPseudonym())]
    const document = (who: typeof mine) => {
      return { personId: who.id, teamId: who.tenant!, slug: 'taken', number: 1, body: 'x', words: 1 }
    }
    await shared.store.as(theirs).db.insertInto('documents').values(document(theirs)).execute()
    for (const store of [shared.store, shared.reopen({ [WITHOUT_PREDICATES]: true })]) {
      const { db } = store.as(mine)
      const insert = db.insertInto('documents').values(document(mine))
      expect((await insert.executeTakeFirst()).numInsertedOrUpdatedRows).toBe(1n)
      const again = insert.onConflict((oc) => oc.column('slug').doNothing())
      expect((await again.executeTakeFirst()).numInsertedOrUpdatedRows).toBe(0n)
      await expect(insert.execute()).rejects.toMatchObject({ code: 'ERR_STORE_CONFLICT' })
      expect((await db.deleteFrom('documents').executeTakeFirst()).numDeletedRows).toBe(1n)
    }
  } finally {
    await shared.close()
  }
})

test('a row that one’s own tenant holds twice is told by a code alone', async () => {
  const who = user(createPseudonym())
  const { db } = context.store.as(who)
  await context.database.owner.query(
    'create unique index one_language on app.heartbeats ("teamId", language)',
  )
  const insert = db.insertInto('heartbeats').values(heartbeatOf(who, { language: 'Brainfuck' }))
  await insert.execute()
  const error: unknown = await insert.execute().catch((caught: unknown) => caught)
  expect(error).toMatchObject({ code: 'ERR_STORE_CONFLICT', cause: { sqlstate: '23505' } })
  expect(JSON.stringify([String(error), (error as Error).cause])).not.toContain('Brainfuck')
})
