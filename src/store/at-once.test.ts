import type { Kysely } from 'kysely'
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemPrincipal, type Principal } from '../access/index.ts'
import { inTransaction, silentLogger } from '../database/index.ts'
import { createPseudonym } from '../kernel/index.ts'
import { CHUNK_ROWS } from './at-once.ts'
import { sendBatch, type BatchFailure } from './batch.ts'
import { PreparedStatements } from './prepared.ts'
import type { Store } from './store.ts'
import { heartbeatOf, openTestStore, user, type TestStore, type TestTables } from './testing.ts'
import { poolLike, roundTrips } from './testing/round-trips.ts'
import { Session } from './transport.ts'
import { plainWires, probeWires } from './wires.ts'

let context: TestStore
/** A pool of one connection, so that everybody's statements meet on it. */
let single: pg.Pool
let store: Store<TestTables>
beforeAll(async () => {
  context = await openTestStore()
  await context.database.owner.query('create unique index notes_title on app.notes ("teamId", title)')
  single = poolLike(context.database.app, { max: 1 })
  store = context.reopen({ pool: single })
})
afterAll(async () => {
  await single.end()
  await context.close()
})

const erase = ({ id, tenant }: Principal) =>
  inTransaction(context.database.owner, (connection) =>
    context.keys.erase(connection, [{ tenant: tenant!, subject: id }]),
  )

async function countOf(person: Principal): Promise<number> {
  const sql = 'select count(*)::int as n from app.heartbeats where "personId" = $1'
  return (await context.ungoverned<{ n: number }>(sql, [person.id])).rows[0]!.n
}

/** A person whose keys the store has read before. */
async function knownPerson(): Promise<{ person: Principal; db: Kysely<TestTables> }> {
  const person = user(createPseudonym())
  const { db } = store.as(person)
  for (const project of ['apollo', 'gemini']) {
    await db.insertInto('heartbeats').values(heartbeatOf(person, { project })).execute()
  }
  await db.selectFrom('heartbeats').select('project').where('project', '=', 'apollo').execute()
  return { person, db }
}

describe('a statement outside a transaction', () => {
  test('is one round trip where its keys are known', async () => {
    const { person, db } = await knownPerson()
    const reads = db.selectFrom('heartbeats').selectAll().where('project', '=', 'apollo')
    expect(await roundTrips(single, () => reads.execute())).toBe(1)
    const many = Array.from({ length: 2 * CHUNK_ROWS }, () => heartbeatOf(person))
    expect(await roundTrips(single, () => db.insertInto('heartbeats').values(many).execute())).toBe(1)
    expect(
      await roundTrips(single, () => db.deleteFrom('heartbeats').where('project', '=', 'gemini').execute()),
    ).toBe(1)
    expect(await countOf(person)).toBe(1 + 2 * CHUNK_ROWS)
  })

  test('leaves no setting behind', async () => {
    const { db } = await knownPerson()
    await db.selectFrom('heartbeats').selectAll().execute()
    const { rows } = await single.query<{ n: number; left: string }>(
      `select count(*)::int as n, coalesce(current_setting('surety.tenant', true), '') as left from app.heartbeats`,
    )
    expect(rows).toEqual([{ n: 0, left: '' }])
  })

  test('stores all rows of an insert or none', async () => {
    const admin = user(createPseudonym(), 'administrator')
    const { db } = store.as(admin)
    const rows = Array.from({ length: 3 * CHUNK_ROWS }, (_, i) => ({
      teamId: admin.tenant!,
      title: `note ${i === 3 * CHUNK_ROWS - 1 ? 0 : i}`,
      rank: 1,
    }))
    await expect(db.insertInto('notes').values(rows).execute()).rejects.toMatchObject({
      code: 'ERR_STORE_CONFLICT',
    })
    expect(await db.selectFrom('notes').select('id').execute()).toEqual([])
    const stored = await db.insertInto('notes').values(rows.slice(0, -1)).returning(['id', 'title']).execute()
    expect(stored.map(({ title }) => title)).toEqual(rows.slice(0, -1).map(({ title }) => title))
    expect(stored.map(({ id }) => id).toSorted()).toEqual(stored.map(({ id }) => id).toSorted())
  })

  test('tells a failure of the statement as its own, not as a changed key', async () => {
    const { db } = await knownPerson()
    const byZero = db
      .deleteFrom('heartbeats')
      .where('project', '=', 'apollo')
      .where((eb) => eb(eb('seconds', '/', eb.parens(eb('seconds', '-', eb.ref('seconds')))), '=', 1))
    await expect(byZero.execute()).rejects.toMatchObject({ code: 'ERR_STORE_VALUE' })
  })
})

describe('an erased subject', () => {
  test('is neither read nor written with the keys that the store remembers', async () => {
    const { person, db } = await knownPerson()
    await erase(person)
    await expect(db.insertInto('heartbeats').values(heartbeatOf(person)).execute()).rejects.toMatchObject({
      code: 'ERR_KEYS_ERASED',
    })
    expect(await countOf(person)).toBe(2)
    expect(await db.selectFrom('heartbeats').select('entity').execute()).toEqual([])
    const all = store.as(systemPrincipal('tests', ['heartbeats'])).db
    expect(
      await all.selectFrom('heartbeats').select('entity').where('personId', '=', person.id).execute(),
    ).toEqual([])
  })

  test('does not get a row that was sent while the erasure was under way', async () => {
    const { person } = await knownPerson()
    const { db } = context.store.as(person)
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
    const { promise: erased, resolve: commit } = Promise.withResolvers<void>()
    const erasure = inTransaction(context.database.owner, async (connection) => {
      await context.keys.erase(connection, [{ tenant: person.tenant!, subject: person.id }])
      begin()
      await erased
    })
    await begun
    const insert = db.insertInto('heartbeats').values(heartbeatOf(person)).execute()
    setTimeout(commit, 100)
    await expect(insert).rejects.toMatchObject({ code: 'ERR_KEYS_ERASED' })
    await erasure
    expect(await countOf(person)).toBe(2)
  })

  test('cannot be chosen by an index of an erased tenant', async () => {
    const { person, db } = await knownPerson()
    await erase({ ...person, id: person.tenant! })
    for (const query of [
      db.selectFrom('heartbeats').select('seconds').where('project', '=', 'apollo'),
      db.deleteFrom('heartbeats').where('project', '=', 'apollo'),
    ]) {
      await expect(query.execute()).rejects.toMatchObject({ code: 'ERR_KEYS_ERASED' })
    }
    expect(await countOf(person)).toBe(2)
  })
})

describe('a rewrapped data key', () => {
  test('is read anew before anything is sealed with it', async () => {
    const { person, db } = await knownPerson()
    const other = user(createPseudonym())
    await store.as(other).db.insertInto('heartbeats').values(heartbeatOf(other)).execute()
    const wrapped = 'update surety.data_keys set wrapped = set_byte(wrapped, 40, 255 - get_byte(wrapped, 40))'
    await context.database.owner.query(`${wrapped} where subject = $1`, [person.id])
    await expect(db.insertInto('heartbeats').values(heartbeatOf(person)).execute()).rejects.toMatchObject({
      code: 'ERR_KEYS_UNWRAP',
    })
    expect(await countOf(person)).toBe(2)
  })
})

describe('prepared statements', () => {
  test('show each tenant its own rows, under a generic plan too', async () => {
    const people = await Promise.all([1, 2, 3].map(() => knownPerson()))
    const query = (db: Kysely<TestTables>) => db.selectFrom('heartbeats').select(['personId', 'entity'])
    for (let round = 0; round < 10; round++) {
      for (const { person, db } of people) {
        const rows = await query(db).execute()
        expect(rows.map(({ personId }) => personId)).toEqual([person.id, person.id])
      }
    }
    const { rows } = await single.query<{ plans: number }>(
      'select max(generic_plans)::int as plans from pg_prepared_statements',
    )
    expect(rows[0]!.plans).toBeGreaterThan(0)
  })

  test('hold row-level security alone, where no predicate helps', async () => {
    const client = await single.connect()
    const wires = await probeWires(client)
    const steps = [{ sql: 'select "personId" from app.heartbeats', parameters: [], prepare: true }]
    const people = [user(createPseudonym()), user(createPseudonym())]
    for (const person of people) {
      await context.store.as(person).db.insertInto('heartbeats').values(heartbeatOf(person)).execute()
    }
    const session = new Session(client, wires)
    for (let round = 0; round < 8; round++) {
      for (const person of people) {
        const settings = new Map([
          ['surety.tenant', person.tenant!],
          ['surety.subject', person.id],
          ['surety.read_heartbeats', 'own'],
        ])
        const [result] = await session.statement(settings, false, {
          atOnce: (send) => send(() => steps),
          run: () => Promise.reject(new TypeError('the long way')),
        })
        expect(result!.rows).toEqual([{ personId: person.id }])
      }
    }
    await session.release()
  })

  test('are made again where the server has lost them', async () => {
    const { db } = await knownPerson()
    const query = db.selectFrom('heartbeats').select('project').orderBy('id')
    const before = await query.execute()
    await single.query('deallocate all')
    expect(await query.execute()).toEqual(before)
    expect(await query.execute()).toEqual(before)
  })

  test('are made again where a migration changed their columns', async () => {
    const { owner } = context.database
    await owner.query('create table public.changing (a integer); grant select on public.changing to public')
    const client = await owner.connect()
    const session = new Session(client, await probeWires(client))
    const look = () =>
      session.statement(new Map([['surety.tenant', 'x']]), false, {
        atOnce: (send) =>
          send(() => [{ sql: 'select * from public.changing', parameters: [], prepare: true }]),
        run: () => Promise.reject(new TypeError('the long way')),
      })
    await owner.query('insert into public.changing values (1)')
    expect((await look())[0]!.rows).toEqual([{ a: 1 }])
    await owner.query(`alter table public.changing alter a type text using 'one', add b integer default 2`)
    expect((await look())[0]!.rows).toEqual([{ a: 'one', b: 2 }])
    await session.release()
  })

  test('are a bounded number on each connection', async () => {
    const client = await single.connect()
    const statements = new PreparedStatements()
    for (let i = 0; i < 300; i++) {
      await sendBatch(client, [{ sql: `select ${i} as i`, parameters: [], prepare: true }], statements)
    }
    const { rows } = await client.query<{ n: number }>(
      `select count(*)::int as n from pg_prepared_statements where statement ~ '^select [0-9]+ as i$'`,
    )
    client.release()
    expect(rows[0]!.n).toBe(250)
  })
})

describe('a batch', () => {
  const insert = (title: string) => ({
    sql: `insert into app.rates (id, "createdAt", currency, value) values ($1, '2026-01-01', $2, 1)`,
    parameters: [createPseudonym(), title],
  })
  const settings = {
    sql: `select set_config('surety.write_rates', 'any', true), set_config('surety.read_rates', 'any', true)`,
    parameters: [],
  }

  test('undoes every step when making one of them fails', async () => {
    const client = await single.connect()
    function* steps() {
      yield settings
      yield insert('AAA')
      throw new RangeError('made wrongly')
    }
    const failure: unknown = await sendBatch(client, steps(), null).catch((error: unknown) => error)
    expect(failure).toMatchObject({ cause: { message: 'made wrongly' }, fromServer: false, step: 2 })
    const values = [settings, { ...insert('BBB'), parameters: [{ toJSON: () => 1n }, 'x'] }]
    await expect(sendBatch(client, values, null)).rejects.toMatchObject({
      cause: expect.any(TypeError) as TypeError,
    })
    const [, left] = await sendBatch(
      client,
      [settings, { sql: 'select id from app.rates', parameters: [] }],
      null,
    )
    client.release()
    expect(left!.rows).toEqual([])
  })

  test('undoes every step when one of them fails, and says which', async () => {
    const client = await single.connect()
    const steps = [settings, insert('AAA'), { sql: 'select 1 / $1::int', parameters: [0] }, insert('BBB')]
    const failure = (await sendBatch(client, steps, null).catch((error: unknown) => error)) as BatchFailure
    expect(failure).toMatchObject({ step: 2, fromServer: true, cause: { code: '22012' } })
    const [, left] = await sendBatch(
      client,
      [settings, { sql: 'select id from app.rates', parameters: [] }],
      null,
    )
    client.release()
    expect(left!.rows).toEqual([])
  })
})

describe('a driver that takes no batches', () => {
  test('is found out, and everything goes the long way', async () => {
    const told: string[] = []
    const logger = { ...silentLogger, warn: (_: object, message: string) => void told.push(message) }
    const piping = poolLike(context.database.app, { pipeline: true } as pg.PoolConfig)
    const slow = context.reopen({ pool: piping, logger })
    const person = user(createPseudonym())
    const { db } = slow.as(person)
    await db
      .insertInto('heartbeats')
      .values(heartbeatOf(person, { project: 'slow' }))
      .execute()
    const rows = await db.selectFrom('heartbeats').select('project').where('project', '=', 'slow').execute()
    await piping.end()
    expect(rows).toEqual([{ project: 'slow' }])
    expect(told).toEqual([expect.stringMatching(/^statements cannot be sent in batches/)])
  })

  test('runs a statement that offers both ways by the long one', async () => {
    const session = new Session(await single.connect(), plainWires())
    const result = await session.statement(new Map([['surety.tenant', 'x']]), false, {
      atOnce: () => Promise.reject(new TypeError('the short way')),
      run: async ({ run }) => (await run('select 1 as one', [])).rows,
    })
    await session.release()
    expect(result).toEqual([{ one: 1 }])
  })
})
