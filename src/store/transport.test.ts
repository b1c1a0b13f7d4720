import type { Kysely } from 'kysely'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemPrincipal, type Principal } from '../access/index.ts'
import { createPseudonym } from '../kernel/index.ts'
import { Session } from './transport.ts'
import { plainWires } from './wires.ts'
import { heartbeatOf, openTestStore, user, type TestStore, type TestTables } from './testing.ts'

let context: TestStore
let admin: Principal
let db: Kysely<TestTables>
beforeAll(async () => {
  context = await openTestStore()
  admin = user(createPseudonym(), 'administrator')
  db = context.store.as(admin).db
  await context.database.owner.query('create unique index notes_title on app.notes ("teamId", title)')
})
afterAll(() => context.close())

const note = (title: string, rank = 1) => ({ teamId: admin.tenant!, title, rank })

/** As a superuser ends the connections of transactions that wait for their next statement. */
async function endIdleTransactions(): Promise<void> {
  const { server, databaseName } = context.database
  const client = new pg.Client(server.connect('postgres', databaseName))
  await client.connect()
  const { rowCount } = await client.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where state = 'idle in transaction' and datname = current_database()`,
  )
  await client.end()
  expect(rowCount).toBe(1)
}

describe('an error of the database', () => {
  test('names a conflict by its constraint and tells no value', async () => {
    await db.insertInto('notes').values(note('secret title')).execute()
    const error: unknown = await db
      .insertInto('notes')
      .values(note('secret title'))
      .execute()
      .catch((caught: unknown) => caught)
    expect(error).toMatchObject({
      code: 'ERR_STORE_CONFLICT',
      cause: { sqlstate: '23505', constraint: 'notes_title' },
    })
    expect(`${(error as Error).stack}${JSON.stringify((error as Error).cause)}`).not.toContain('secret')
  })

  test('resolves a conflict where asked to', async () => {
    await db.insertInto('notes').values(note('twice', 1)).execute()
    const again = db.insertInto('notes').values(note('twice', 2))
    const nothing = await again
      .onConflict((oc) => oc.columns(['teamId', 'title']).doNothing())
      .executeTakeFirstOrThrow()
    expect(nothing.numInsertedOrUpdatedRows).toBe(0n)
    await again
      .onConflict((oc) =>
        oc.columns(['teamId', 'title']).doUpdateSet({ rank: 7 }).where('notes.rank', '<', 5),
      )
      .execute()
    expect(await db.selectFrom('notes').select('rank').where('title', '=', 'twice').execute()).toEqual([
      { rank: 7 },
    ])
  })

  test('asks to retry what a concurrent transaction came before', async () => {
    await db
      .insertInto('notes')
      .values([note('a'), note('b')])
      .execute()
    const { promise: met, resolve } = Promise.withResolvers<void>()
    let readers = 0
    const racing = async (read: string, write: string) =>
      db
        .transaction()
        .setIsolationLevel('serializable')
        .execute(async (trx) => {
          await trx.selectFrom('notes').select('rank').where('title', '=', read).execute()
          if (++readers === 2) resolve()
          await met
          await trx.updateTable('notes').set({ rank: 2 }).where('title', '=', write).execute()
        })
    const both = [racing('a', 'b'), racing('b', 'a')]
    const failed = (await Promise.allSettled(both)).filter((one) => one.status === 'rejected')
    expect(failed.map(({ reason }) => (reason as { code: string }).code)).toEqual(['ERR_STORE_RETRY'])
  })

  test('refuses a value that Postgres cannot take', async () => {
    await expect(
      db.selectFrom('notes').select('id').where('title', '=', 'a\0b').execute(),
    ).rejects.toMatchObject({ code: 'ERR_STORE_VALUE' })
    await expect(
      db.selectFrom('notes').select('id').where('id', '=', 'no-uuid').execute(),
    ).rejects.toMatchObject({ code: 'ERR_STORE_VALUE' })
  })

  test('survives the loss of its connection, inside a transaction and between statements', async () => {
    const lost = db.transaction().execute(async (trx) => {
      await trx.insertInto('notes').values(note('lost')).execute()
      await endIdleTransactions()
      await trx.selectFrom('notes').select('id').execute()
    })
    await expect(lost).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    expect(await db.selectFrom('notes').select('id').where('title', '=', 'lost').execute()).toEqual([])
  })

  test('leaves no setting behind on a pooled connection', async () => {
    await db.selectFrom('notes').selectAll().execute()
    const client = await context.database.app.connect()
    const { rows } = await client.query(`select count(*)::int as n from app.notes`)
    client.release()
    expect(rows).toEqual([{ n: 0 }])
  })

  test('refuses a savepoint whose name is no name, and an isolation level that is none', async () => {
    const trx = await db.startTransaction().execute()
    await expect(trx.savepoint('a"; drop table x').execute()).rejects.toMatchObject({
      code: 'ERR_STORE_NOT_OFFERED',
    })
    await trx.rollback().execute()
    const level = 'serializable; drop table x' as never
    await expect(
      db
        .transaction()
        .setIsolationLevel(level)
        .execute(async () => {}),
    ).rejects.toThrow()
  })
})

describe('a session', () => {
  const READ = 'surety.read_notes'
  const WRITE = 'surety.write_notes'
  const LOOK = `select current_setting('${READ}', true) as read, current_setting('${WRITE}', true) as write`

  /** What row-level security would read in a statement with these settings. */
  const look = (session: Session, settings: Record<string, string>, atomic = false) =>
    session.statement(new Map(Object.entries(settings)), atomic, {
      run: async ({ run }) => {
        await run('select pg_sleep(0.005)', [])
        return (await run(LOOK, [])).rows[0]
      },
    })

  async function inTransaction(work: (session: Session) => Promise<void>): Promise<void> {
    const session = new Session(await context.database.app.connect(), plainWires())
    await session.begin({})
    await work(session)
    await session.end('rollback')
    await session.release()
  }

  test('gives each statement its own settings and empties the others', () =>
    inTransaction(async (session) => {
      expect(await look(session, { [READ]: 'any', [WRITE]: 'any' })).toEqual({ read: 'any', write: 'any' })
      expect(await look(session, { [READ]: 'own' })).toEqual({ read: 'own', write: '' })
      expect(await look(session, {})).toEqual({ read: '', write: '' })
    }))

  test('runs concurrent statements one after the other, each under its own settings', () =>
    inTransaction(async (session) => {
      const wanted = [{ [READ]: 'any' }, { [WRITE]: 'own' }, {}, { [READ]: 'tenant', [WRITE]: 'tenant' }]
      const seen = await Promise.all(wanted.map((settings, i) => look(session, settings, i % 2 === 0)))
      expect(seen.map((row) => [row!['read'] || '', row!['write'] || ''])).toEqual([
        ['any', ''],
        ['', 'own'],
        ['', ''],
        ['tenant', 'tenant'],
      ])
    }))

  test('sends its settings again after a savepoint took them back', () =>
    inTransaction(async (session) => {
      await session.savepoint('savepoint', 'here')
      await look(session, { [READ]: 'any' })
      await session.savepoint('rollback to savepoint', 'here')
      expect(await look(session, { [READ]: 'any' })).toMatchObject({ read: 'any' })
      await session.savepoint('savepoint', 'wide')
      await look(session, {})
      await session.savepoint('rollback to savepoint', 'wide')
      expect(await look(session, {})).toMatchObject({ read: '' })
    }))

  test('undoes all steps of a statement that fails, and the transaction goes on', () =>
    inTransaction(async (session) => {
      const settings = new Map([
        [READ, 'any'],
        [WRITE, 'any'],
      ])
      const insert = `insert into app.rates (id, "createdAt", currency, value) values ($1, '2026-01-01', 'EUR', 1)`
      const rates = new Map([
        ['surety.read_rates', 'any'],
        ['surety.write_rates', 'any'],
      ])
      const failing = session.statement(rates, true, {
        run: async ({ run }) => {
          await run(insert, [createPseudonym()])
          await run('select 1/0', [])
        },
      })
      await expect(failing).rejects.toMatchObject({ code: 'ERR_STORE_VALUE' })
      const counted = await session.statement(rates, false, {
        run: ({ run }) => run('select id from app.rates where value = 1', []),
      })
      expect(counted.count).toBe(0)
      expect(await session.statement(settings, false, { run: async () => 'still here' })).toBe('still here')
    }))

  test('refuses a transaction inside a transaction', () =>
    inTransaction(async (session) => {
      await expect(session.begin({})).rejects.toMatchObject({ code: 'ERR_STORE_NOT_OFFERED' })
    }))

  test('is given back only after the statements that were begun', async () => {
    const client = await context.database.app.connect()
    const session = new Session(client, plainWires())
    const order: string[] = []
    const statement = look(session, { [READ]: 'any' }).then(() => order.push('statement'))
    const released = session.release().then(() => order.push('released'))
    await Promise.all([statement, released])
    expect(order).toEqual(['statement', 'released'])
  })

  test('leaves no transaction open on a connection that it gives back', async () => {
    const client = await context.database.app.connect()
    const session = new Session(client, plainWires())
    await session.begin({})
    await session.release()
    await expect(client.query('select 1')).rejects.toThrow()
  })
})

describe('a system task', () => {
  test('reads and writes for every tenant on its own tables only', async () => {
    const people = [user(createPseudonym()), user(createPseudonym())]
    const task = context.store.as(systemPrincipal('import', ['heartbeats', 'rates'])).db
    await task
      .insertInto('heartbeats')
      .values(people.map((person) => heartbeatOf(person, { entity: 'imported' })))
      .execute()
    await task.insertInto('rates').values({ currency: 'EUR', value: 1.25 }).execute()
    const rows = await task
      .selectFrom('heartbeats')
      .select(['personId', 'entity'])
      .where(
        'personId',
        'in',
        people.map(({ id }) => id),
      )
      .execute()
    expect(new Set(rows.map(({ personId }) => personId))).toEqual(new Set(people.map(({ id }) => id)))
    expect(rows.every(({ entity }) => entity === 'imported')).toBe(true)
    const [mine] = await context.store
      .as(people[0]!)
      .db.selectFrom('heartbeats')
      .select(['entity', 'project'])
      .where('project', '=', 'apollo')
      .execute()
    expect(mine).toEqual({ entity: 'imported', project: 'apollo' })
    await expect(task.selectFrom('notes').selectAll().execute()).rejects.toMatchObject({
      code: 'ERR_STORE_FORBIDDEN',
    })
  })

  test('finds a person by an index of the installation', async () => {
    const person = user(createPseudonym())
    await context.store
      .as(person)
      .db.insertInto('people')
      .values({ personId: person.id, email: 'grace@example.com', locale: 'en' })
      .execute()
    const signIn = context.store.as(systemPrincipal('sign-in', ['people'])).db
    expect(
      await signIn
        .selectFrom('people')
        .select(['personId', 'email'])
        .where('email', '=', 'grace@example.com')
        .execute(),
    ).toEqual([{ personId: person.id, email: 'grace@example.com' }])
  })
})
