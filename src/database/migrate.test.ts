import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { manualClock } from '../kernel/index.ts'
import { databaseMigrations, migrateSystem, type Migration } from './index.ts'
import { startTestDatabase, type TestDatabase } from './testing.ts'

let database: TestDatabase
const clock = manualClock(Date.UTC(2026, 0, 2))
const keys: Migration[] = [{ id: 'keys-0001', sql: 'create table surety.a (x integer)' }]
const log: Migration[] = [
  { id: 'log-0001', sql: 'create table surety.b (x integer); insert into surety.b values (1)' },
]

const migrate = (...rooms: Migration[][]): Promise<readonly string[]> =>
  migrateSystem(database.owner, [databaseMigrations, ...rooms], clock)

beforeAll(async () => {
  database = await startTestDatabase()
})
afterAll(() => database?.close())

describe('system migrations', () => {
  it('apply once, in order, with the clock’s time', async () => {
    expect(await migrate(keys, log)).toEqual(['keys-0001', 'log-0001'])
    expect(await migrate(keys, log)).toEqual([])
    const { rows } = await database.owner.query(
      `select id, applied_at from surety.migrations where id <> 'database-0001' order by id`,
    )
    expect(rows).toEqual([
      { id: 'keys-0001', applied_at: new Date(clock.now()) },
      { id: 'log-0001', applied_at: new Date(clock.now()) },
    ])
  })

  it('let each room add steps of its own later', async () => {
    const more = [...keys, { id: 'keys-0002', sql: 'alter table surety.a add column y integer' }]
    expect(await migrate(more, log)).toEqual(['keys-0002'])
    await database.owner.query(`delete from surety.migrations where id = 'keys-0002'`)
    await database.owner.query('alter table surety.a drop column y')
  })

  it('leave nothing behind when one of them fails', async () => {
    const broken = [
      ...log,
      { id: 'log-0002', sql: 'create table surety.c (x integer)' },
      { id: 'log-0003', sql: 'create nonsense' },
    ]
    await expect(migrate(keys, broken)).rejects.toMatchObject({ code: '42601' })
    const { rows } = await database.owner.query(`select to_regclass('surety.c') as made`)
    expect(rows).toEqual([{ made: null }])
  })

  it('refuse an applied step that was edited, but not its line ends', async () => {
    const edited = [{ id: 'keys-0001', sql: 'create table surety.a (x bigint)' }]
    await expect(migrate(edited, log)).rejects.toMatchObject({ code: 'ERR_DATABASE_MIGRATION_CHANGED' })
    const windows = [{ id: 'keys-0001', sql: `\r\n${keys[0]!.sql}\r\n` }]
    expect(await migrate(windows, log)).toEqual([])
  })

  it('refuse a step put before applied ones', async () => {
    const inserted = [{ id: 'keys-0000', sql: 'select 1' }, ...keys]
    await expect(migrate(inserted, log)).rejects.toMatchObject({ code: 'ERR_DATABASE_MIGRATION_CHANGED' })
  })

  it('refuse a database that is newer than the code', async () => {
    await expect(migrate(keys)).rejects.toMatchObject({ code: 'ERR_DATABASE_NEWER' })
  })

  it('are applied once when several processes start together', async () => {
    const later = [...log, { id: 'log-0002', sql: 'create table surety.d (x integer)' }]
    const applied = await Promise.all([migrate(keys, later), migrate(keys, later), migrate(keys, later)])
    expect(applied.flat()).toEqual(['log-0002'])
  })

  it('refuse two steps of one name', async () => {
    await expect(migrate(keys, keys)).rejects.toThrow(TypeError)
  })
})
