import { mkdtemp, chmod, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock as clock } from '../kernel/index.ts'
import { requireVersion } from './database.ts'
import {
  asConnection,
  assertCannotBypass,
  databaseNameOf,
  inTransaction,
  migrateSystem,
  openDatabase,
  silentLogger as logger,
  startServer,
  WITHOUT_FSYNC,
  type Database,
  type DatabaseOptions,
  type DatabaseServer,
} from './index.ts'
import { prepareCluster } from './testing/prepared-cluster.ts'

let server: DatabaseServer
let admin: pg.Client
const open: Database[] = []

beforeAll(async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'surety-database-'))
  await chmod(dataDir, 0o755)
  await prepareCluster(dataDir)
  server = await startServer({ dataDir, logger, [WITHOUT_FSYNC]: true })
  admin = new pg.Client(server.connect('postgres', 'postgres'))
  await admin.connect()
})
afterAll(async () => {
  await Promise.all(open.map((database) => database.close()))
  await admin?.end()
  await server?.close()
  await rm(dirname(server.databaseDir), { recursive: true, force: true })
  await rm(server.dataDir, { recursive: true, force: true })
})

async function opened(options: Partial<DatabaseOptions>): Promise<Database> {
  const database = await openDatabase({
    dataDir: server.dataDir,
    name: 'codetime',
    clock,
    logger,
    ...options,
  })
  open.push(database)
  return database
}

/** A connection string for `role` in `database` of the test's server, as for a server somewhere else. */
function urlFor(role: string, password: string, database: string): string {
  const { port } = server.connect('postgres', 'postgres')
  return `postgres://${role}:${password}@127.0.0.1:${port}/${database}`
}

async function createOwner(role: string, attributes: string): Promise<string> {
  await admin.query(`create role ${role} login password 'owner-secret' ${attributes}`)
  await admin.query(`create database ${role} owner ${role}`)
  return urlFor(role, 'owner-secret', role)
}

// Before any system is opened the cluster has no roles of ours: it stands for a server somewhere else.
describe('an external database', () => {
  it('refuses an owner that may not create the app role, with the statements to run', async () => {
    const url = await createOwner('plain_owner', '')
    const refused = opened({ url })
    await expect(refused).rejects.toMatchObject({ code: 'ERR_DATABASE_ROLES' })
    await expect(refused).rejects.toThrow(/create role surety_app login .*set search_path = app/)
  })

  it('sets itself up where the owner may create roles, and again on another node', async () => {
    const url = await createOwner('rich_owner', 'createrole')
    const database = await opened({ url })
    expect(database).toMatchObject({ kind: 'external', databaseDir: null, databaseName: 'rich_owner' })
    await migrateSystem(database.owner, [], clock)
    const [row] = await asConnection(database.app).query(
      `select current_user as role, current_setting('search_path') as path`,
    )
    expect(row).toEqual({ role: 'surety_app', path: 'app' })
    await assertCannotBypass(asConnection(database.app), [])
    const node = await opened({ url })
    expect((await node.app.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  })

  it('refuses an app role whose password it does not know', async () => {
    const url = await createOwner('other_owner', 'createrole')
    const refused = opened({ url })
    await expect(refused).rejects.toMatchObject({ code: 'ERR_DATABASE_ROLES' })
  })

  it('is refused with a code when it does not answer, without its password', async () => {
    const url = urlFor('nobody_here', 'owner-secret', 'nowhere')
    const refused: unknown = await opened({ url }).catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'ERR_DATABASE_CONNECT' })
    expect(JSON.stringify(refused)).not.toContain('owner-secret')
  })

  it.each(['mysql://root@localhost/x', 'not a url', ''])('refuses the connection string %j', async (url) => {
    await expect(opened({ url })).rejects.toMatchObject({ code: 'ERR_DATABASE_CONNECT' })
  })
})

describe('a system’s database', () => {
  it('is made once and shared by later openings; the app role owns nothing', async () => {
    // The external tests left an app role behind, with a password derived from theirs.
    await admin.query(
      `alter role surety_app password '${String(server.connect('surety_app', 'x').password)}'`,
    )
    const first = await opened({ server })
    expect(first.kind).toBe('embedded')
    expect(first.serverVersion).toBeGreaterThan(180_000)
    await migrateSystem(first.owner, [], clock)
    await first.close()
    const second = await opened({ server })
    await assertCannotBypass(asConnection(second.app), [])
    const [row] = await asConnection(second.app).query('select current_user as role, session_user as login')
    expect(row).toEqual({ role: 'surety_app', login: 'surety_app' })
  })

  it('gives the app role no place to create anything', async () => {
    const { app } = await opened({ server })
    for (const schema of ['app', 'surety', 'public']) {
      await expect(app.query(`create table ${schema}.mine (a integer)`)).rejects.toMatchObject({
        code: '42501',
      })
    }
    await expect(app.query('create temporary table mine (a integer)')).rejects.toMatchObject({
      code: '42501',
    })
    await expect(app.query('create schema mine')).rejects.toMatchObject({ code: '42501' })
  })

  it('has a name of its own for every system', async () => {
    const other = await opened({ server, name: 'build-catalog' })
    expect(other.databaseName).toBe('surety_build_catalog')
  })

  it('can be attached to while the server runs', async () => {
    const attached = await opened({ attach: true })
    expect((await attached.owner.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    await attached.close()
    expect((await admin.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  })

  it('loses connections without losing the process', async () => {
    const database = await opened({ server })
    await database.app.query('select 1')
    await admin.query(`select pg_terminate_backend(pid) from pg_stat_activity where usename = 'surety_app'`)
    const asked = () => database.app.query('select 1 as one').catch(() => null)
    await expect.poll(async () => (await asked())?.rows).toEqual([{ one: 1 }])
  })
})

describe('values and transactions', () => {
  it('reads integers as numbers, and refuses what a number cannot hold', async () => {
    const { owner } = await opened({ server })
    const [row] = await asConnection(owner).query(
      `select 9007199254740991::bigint as most, count(*) as count, '2026-02-03'::date as day`,
    )
    expect(row).toEqual({ most: Number.MAX_SAFE_INTEGER, count: 1, day: '2026-02-03' })
    await expect(owner.query('select 9007199254740992::bigint')).rejects.toMatchObject({
      code: 'ERR_DATABASE_INTEGER',
    })
    expect((await owner.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  })

  it('commits what resolves and rolls back what rejects', async () => {
    const { owner } = await opened({ server })
    await owner.query('create table surety.things (a integer)')
    await inTransaction(owner, (connection) => connection.query('insert into surety.things values (1)'))
    const failed = inTransaction(owner, async (connection) => {
      await connection.query('insert into surety.things values (2)')
      throw new TypeError('no')
    })
    await expect(failed).rejects.toThrow('no')
    expect((await owner.query('select a from surety.things')).rows).toEqual([{ a: 1 }])
    expect(owner.idleCount).toBe(owner.totalCount)
  })
})

describe('names and versions', () => {
  it.each(['', 'Codetime', '1st', 'a b', `a"; drop`, 'a'.repeat(51)])(
    'refuses a database for the system %j',
    (name) => {
      expect(() => databaseNameOf(name)).toThrow(
        expect.objectContaining({ code: 'ERR_DATABASE_NAME' }) as Error,
      )
    },
  )

  it('takes Postgres 15 and refuses 14', () => {
    expect(() => requireVersion(150_000)).not.toThrow()
    expect(() => requireVersion(149_999)).toThrow(
      expect.objectContaining({ code: 'ERR_DATABASE_VERSION' }) as Error,
    )
  })
})
