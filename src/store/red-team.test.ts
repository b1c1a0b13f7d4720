import { setTimeout } from 'node:timers/promises'
import type { CompiledQuery, Kysely } from 'kysely'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Principal } from '../access/index.ts'
import { createPseudonym } from '../kernel/index.ts'
import { WITHOUT_PREDICATES } from './store.ts'
import { heartbeatOf, openTestStore, user, type TestStore, type TestTables } from './testing.ts'
import { compile, loose, refusalOf, type Loose } from './testing/refusals.ts'

let context: TestStore
let me: Principal
let mine: Kysely<TestTables>
let notes: Kysely<TestTables>
beforeAll(async () => {
  context = await openTestStore()
  me = user(createPseudonym())
  mine = context.store.as(me).db
  notes = context.store.as(user(me.tenant!, 'administrator')).db
})
afterAll(() => context.close())

const note = (title: string) => ({ teamId: me.tenant!, title, rank: 1 })
const titles = async () =>
  (await notes.selectFrom('notes').select('title').execute()).map(({ title }) => title)
const fail = (db: Kysely<TestTables>) =>
  db.selectFrom('notes').select('id').where('id', '=', 'no-uuid').execute()
const heartbeats = async (db: Kysely<TestTables>, ...rows: Record<string, unknown>[]) =>
  db
    .insertInto('heartbeats')
    .values(rows.map((row) => heartbeatOf(me, row)))
    .execute()

/** Ends the one connection that waits inside a transaction, as its server would in a failover. */
async function endIdleTransaction(): Promise<void> {
  const { server, databaseName } = context.database
  const client = new pg.Client(server.connect('postgres', databaseName))
  await client.connect()
  await client.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where state = 'idle in transaction' and datname = current_database()`,
  )
  await client.end()
}

describe('a compiled query', () => {
  test('does not let its parameters be exchanged for another tenant’s', async () => {
    const stranger = user(createPseudonym())
    const theirs = context.store.as(stranger).db
    await theirs.insertInto('heartbeats').values(heartbeatOf(stranger)).execute()
    const compiled = mine.selectFrom('heartbeats').select('teamId').compile()
    const parameters = compiled.parameters as unknown[]
    for (const [i, value] of [stranger.tenant, stranger.id].entries()) {
      expect(() => (parameters[i] = value)).toThrow(TypeError)
    }
    const rows = await mine.executeQuery(compiled)
    expect(rows.rows.every(({ teamId }) => teamId === me.tenant)).toBe(true)
  })

  test('hands out no slot that another statement would fill with an envelope or an index', () => {
    const insert = mine
      .insertInto('heartbeats')
      .values(heartbeatOf(me, { entity: 'slot-secret' }))
      .compile()
    const select = mine.selectFrom('heartbeats').select('id').where('project', '=', 'slot-secret').compile()
    const parameters = [...insert.parameters, ...select.parameters]
    expect(parameters.every((parameter) => typeof parameter === 'string')).toBe(true)
    expect(parameters.join()).not.toContain('slot-secret')
  })

  test.each<[string, unknown]>([
    ['without a tree', {}],
    ['whose tree is null', { query: null }],
    ['whose tree is of no kind', { query: { kind: { toString: () => 'SelectQueryNode' } } }],
    ['that selects nothing at all', { query: { kind: 'SelectQueryNode', selections: [null] } }],
  ])('%s is refused', async (_what, forged) => {
    await expect(mine.executeQuery(forged as CompiledQuery)).rejects.toMatchObject({
      code: 'ERR_STORE_UNSUPPORTED',
    })
  })
})

describe('a name', () => {
  const sixty = 'x'.repeat(60)
  test.each<[string, () => Loose]>([
    ['an alias that Postgres would cut', () => loose.selectFrom('rates').select(`id as ${sixty}abcd`)],
    ['a table alias that Postgres would cut', () => loose.selectFrom(`rates as ${sixty}abcd`).select('id')],
    [
      'bytes beyond the limit, in fewer characters',
      () => loose.selectFrom(`rates as ${'€'.repeat(22)}`).select('id'),
    ],
    ['an alias that would end the statement early', () => loose.selectFrom('rates').select('id as a\0b')],
    [
      'a CTE that would end the statement early',
      () =>
        loose
          .with('a\0b', (qb: Loose) => qb.selectFrom('rates').select('id'))
          .selectFrom('rates')
          .select('id'),
    ],
  ])('is refused: %s', (_what, build) => {
    expect(refusalOf(() => compile(build()))).toBe('ERR_STORE_NAME')
  })

  test('that the query does not have cannot be locked', () => {
    const build = () => compile(loose.selectFrom('heartbeats').select('id').forUpdate('a\0b'))
    expect(refusalOf(build)).toBe('ERR_STORE_UNKNOWN_TABLE')
  })

  test('of JavaScript’s own objects is a member like any other', async () => {
    const set = JSON.parse('{"__proto__":{"seconds":7},"language":"x"}') as never
    await expect(async () => mine.updateTable('heartbeats').set(set).execute()).rejects.toMatchObject({
      code: 'ERR_VALUE_READONLY',
    })
    const row = heartbeatOf(me, JSON.parse('{"__proto__":{"seconds":7}}') as Record<string, unknown>)
    await expect(async () => mine.insertInto('heartbeats').values(row).execute()).rejects.toThrow()
  })
})

describe('an expression', () => {
  test('of two minus signs does not comment out what follows', async () => {
    const person = user(createPseudonym())
    const db = context.store.as(person).db
    await db
      .insertInto('heartbeats')
      .values(heartbeatOf(person, { seconds: 5 }))
      .execute()
    const rows = await db
      .selectFrom('heartbeats')
      .select((eb) => [eb.neg(eb.lit(-1)).as('one'), eb.neg(eb.neg(eb.ref('seconds'))).as('five')])
      .execute()
    expect(rows).toEqual([{ one: 1, five: 5 }])
  })

  test('knows that nothing is in an empty list', async () => {
    const person = user(createPseudonym())
    const db = context.store.as(person).db
    await db
      .insertInto('heartbeats')
      .values(heartbeatOf(person, { branch: null }))
      .execute()
    for (const column of ['id', 'language', 'project', 'branch'] as const) {
      const found = (operator: 'in' | 'not in') =>
        db.selectFrom('heartbeats').select('id').where(column, operator, []).execute()
      expect(await found('in')).toHaveLength(0)
      expect(await found('not in')).toHaveLength(1)
    }
    const none = await db.deleteFrom('heartbeats').where('id', 'in', []).executeTakeFirst()
    expect(none.numDeletedRows).toBe(0n)
  })

  test('does not ask an empty list about a column that must not be asked about', () => {
    expect(
      refusalOf(() => compile(loose.selectFrom('heartbeats').select('id').where('entity', 'in', []))),
    ).toBe('ERR_STORE_SEALED_EXPRESSION')
    expect(
      refusalOf(() => compile(loose.selectFrom('heartbeats').select('id').where('_envelope', 'in', []))),
    ).toBe('ERR_STORE_UNKNOWN_COLUMN')
  })

  test('nested beyond the stack is refused and leaves the next one alone', async () => {
    const deep = mine
      .selectFrom('heartbeats')
      .select('id')
      .where((eb) => eb.or(Array.from({ length: 50_000 }, (_, i) => eb('seconds', '=', i))))
    expect(refusalOf(() => deep.compile())).toBe('ERR_STORE_TOO_LARGE')
    expect(await mine.selectFrom('heartbeats').select('id').limit(0).execute()).toEqual([])
  })

  test('with a value that cannot be sent says so', async () => {
    const cycle: Record<string, unknown> = {}
    cycle['self'] = cycle
    await expect(
      mine
        .selectFrom('heartbeats')
        .select('id')
        .where('language', '=', cycle as never)
        .execute(),
    ).rejects.toMatchObject({ code: 'ERR_STORE_VALUE' })
  })
})

describe('what is stored', () => {
  test('is what was validated, whatever the caller does to its objects meanwhile', async () => {
    const time = new Date(Date.UTC(2026, 0, 1))
    const seen = new Date(time)
    const proof = Buffer.from([1, 2, 3])
    const extra = { list: ['a'] }
    const stored = heartbeats(mine, { entity: 'changed meanwhile', time, seen, proof, extra })
    time.setUTCFullYear(900)
    seen.setUTCFullYear(900)
    proof.fill(0)
    extra.list.push('x'.repeat(10_000))
    await stored
    const found = await mine
      .selectFrom('heartbeats')
      .select(['time', 'seen', 'proof', 'extra'])
      .where('time', '=', new Date(Date.UTC(2026, 0, 1)))
      .execute()
    const then = new Date(Date.UTC(2026, 0, 1))
    expect(found).toEqual([{ time: then, seen: then, proof: Buffer.from([1, 2, 3]), extra: { list: ['a'] } }])
  })

  test('is the JSON that was measured, not what its toJSON makes of it', async () => {
    const extra = Object.defineProperty({ a: 1 }, 'toJSON', { value: () => 'x'.repeat(10_000) })
    await heartbeats(mine, { language: 'toJSON', extra })
    expect(
      await mine
        .selectFrom('heartbeats')
        .select(['entity', 'extra'])
        .where('language', '=', 'toJSON')
        .execute(),
    ).toEqual([{ entity: '/home/ada/secret.ts', extra: { a: 1 } }])
  })

  test('opens again where the server’s time zone had seconds in its offset', async () => {
    const zone = process.env['TZ']
    process.env['TZ'] = 'Europe/Amsterdam'
    try {
      const time = new Date('1890-01-01T00:00:00.123Z')
      await heartbeats(mine, { language: 'old', time })
      expect(
        await mine
          .selectFrom('heartbeats')
          .select(['entity', 'time'])
          .where('language', '=', 'old')
          .execute(),
      ).toEqual([{ entity: '/home/ada/secret.ts', time }])
    } finally {
      if (zone === undefined) delete process.env['TZ']
      else process.env['TZ'] = zone
    }
  })

  test('keeps its id and time of receipt when an upsert meets it', () => {
    for (const column of ['id', 'createdAt']) {
      const build = () =>
        loose
          .insertInto('notes')
          .values({ title: 'x', rank: 1 })
          .onConflict((oc: Loose) =>
            oc
              .columns(['teamId', 'id'])
              .doUpdateSet((eb: Loose) => ({ [column]: eb.ref(`excluded.${column}`) })),
          )
      expect(refusalOf(() => compile(build()))).toBe('ERR_STORE_UNKNOWN_COLUMN')
    }
  })
})

describe('a transaction', () => {
  test('is not called committed when the database rolled it back', async () => {
    const work = notes.transaction().execute(async (trx) => {
      await trx.insertInto('notes').values(note('lost silently')).execute()
      await fail(trx).catch(() => undefined)
      await expect(trx.selectFrom('notes').select('id').execute()).rejects.toMatchObject({
        code: 'ERR_STORE_ABORTED',
      })
    })
    await expect(work).rejects.toMatchObject({ code: 'ERR_STORE_ABORTED' })
    expect(await titles()).not.toContain('lost silently')
  })

  test('in the caller’s hands gives its connection back when its commit was a rollback', async () => {
    const { app } = context.database
    const trx = await notes.startTransaction().execute()
    await fail(trx).catch(() => undefined)
    await expect(trx.commit().execute()).rejects.toMatchObject({ code: 'ERR_STORE_ABORTED' })
    await expect(trx.rollback().execute()).resolves.toBeUndefined()
    expect(trx.isRolledBack).toBe(true)
    expect(app.idleCount).toBe(app.totalCount)
  })

  test('stores nothing of work that outlives it', async () => {
    let outlived: Promise<unknown> = Promise.resolve()
    const work = notes.transaction().execute(async (trx) => {
      outlived = (async () => {
        await trx.insertInto('notes').values(note('first')).execute()
        await trx.insertInto('notes').values(note('second')).execute()
      })()
      outlived.catch(() => undefined)
      throw new RangeError('the other half failed')
    })
    await expect(work).rejects.toThrow('the other half failed')
    await expect(outlived).rejects.toMatchObject({ code: 'ERR_STORE_NOT_OFFERED' })
    expect(await titles()).not.toEqual(expect.arrayContaining(['second']))
  })

  test('on a held connection leaves that connection fit for use', async () => {
    const seen = await notes.connection().execute(async (held) => {
      await held
        .transaction()
        .execute((trx) => fail(trx))
        .catch(() => undefined)
      await fail(held).catch(() => undefined)
      return held.selectFrom('notes').select('id').limit(0).execute()
    })
    expect(seen).toEqual([])
  })

  test('keeps a row whose deletion was refused while its envelope was opened', async () => {
    const person = user(createPseudonym())
    const { db } = context.store.as(person)
    await db.insertInto('heartbeats').values(heartbeatOf(person)).execute()
    await context.ungoverned('update app.heartbeats set seconds = 61 where "personId" = $1', [person.id])
    await db.transaction().execute(async (trx) => {
      await expect(trx.deleteFrom('heartbeats').returning('entity').execute()).rejects.toMatchObject({
        code: 'ERR_STORE_TAMPERED',
      })
    })
    expect(await db.selectFrom('heartbeats').select('id').execute()).toHaveLength(1)
  })

  test('that loses its connection while a key is fetched fails with a code', async () => {
    let lost: unknown
    const work = mine.transaction().execute(async (trx) => {
      const again = trx.insertInto('heartbeats').values(heartbeatOf(me))
      await again.execute()
      await endIdleTransaction()
      await setTimeout(50)
      // The settings are the transaction's already, so the key tree is the first to notice.
      lost = await again.execute().catch((error: unknown) => error)
    })
    await expect(work).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    expect(lost).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
  })

  test('ends with the statement that was called off, and gives its connection back', async () => {
    const { app } = context.database
    const control = new AbortController()
    const work = notes.transaction().execute(async (trx) => {
      await trx.insertInto('notes').values(note('called off')).execute()
      const read = trx.selectFrom('notes').selectAll().execute({ signal: control.signal })
      control.abort()
      await read
    })
    await expect(work).rejects.toThrow()
    expect(await titles()).not.toContain('called off')
    expect(app.idleCount).toBe(app.totalCount)
  })
})

test('a group bears the value it was grouped by, whatever is updated meanwhile', async () => {
  const person = user(createPseudonym())
  const { db } = context.store.as(person)
  await db.insertInto('heartbeats').values(heartbeatOf(person)).execute()
  let reading = true
  const writing = (async () => {
    for (let i = 0; reading; i++)
      await db
        .updateTable('heartbeats')
        .set({ project: i % 2 ? 'apollo' : 'gemini' })
        .execute()
  })()
  const seen = new Set<string | null>()
  for (let i = 0; i < 300; i++) {
    const groups = db
      .selectFrom('heartbeats')
      .select('project')
      .where('project', '=', 'apollo')
      .groupBy('project')
    for (const { project } of await groups.execute()) seen.add(project)
  }
  reading = false
  await writing
  expect([...seen]).toEqual(['apollo'])
})

test('a tenant’s first questions, asked at once, all find their key', async () => {
  const { db } = context.store.as(user(createPseudonym()))
  const ask = () =>
    db.selectFrom('heartbeats').select('project').where('project', '=', 'x').groupBy('project').execute()
  expect(await Promise.all(Array.from({ length: 8 }, ask))).toEqual(Array.from({ length: 8 }, () => []))
})

test('a listener for dropped members that fails undoes nothing and ends nothing', async () => {
  const atOnce = () => {
    throw new RangeError('at once')
  }
  for (const onDropped of [atOnce, () => Promise.reject(new RangeError('later'))]) {
    const person = user(createPseudonym())
    const { db } = context.reopen({ onDropped }).as(person)
    const row = heartbeatOf(person, { surplus: 1 })
    await db.insertInto('heartbeats').values(row).execute()
    expect(await db.selectFrom('heartbeats').select('id').execute()).toHaveLength(1)
  }
})

test('row-level security keeps an error from telling of foreign rows without the predicates', async () => {
  const stranger = user(createPseudonym())
  const theirs = heartbeatOf(stranger, { seconds: 424_242 })
  await context.store.as(stranger).db.insertInto('heartbeats').values(theirs).execute()
  const { db } = context.reopen({ [WITHOUT_PREDICATES]: true }).as(me)
  // Divides by zero on the stranger's row alone, if it were looked at.
  const divided = (db as Loose)
    .selectFrom('heartbeats')
    .select('id')
    .where((eb: Loose) => eb(eb(eb.lit(1), '/', eb.parens('seconds', '-', 424_242)), '>', 5))
  await expect(divided.execute()).resolves.toEqual([])
})
