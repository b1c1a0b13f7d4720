import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { heartbeats } from '../../test/fixtures/database/resources.ts'
import { asConnection, assertCannotBypass } from './index.ts'
import { startTestDatabase, type TestDatabase } from './testing.ts'

let database: TestDatabase
let admin: pg.Client
const undo: string[] = []

beforeAll(async () => {
  database = await startTestDatabase({ resources: [heartbeats] })
  admin = new pg.Client(database.server.connect('postgres', database.databaseName))
  await admin.connect()
})
afterEach(async () => {
  for (const statement of undo.splice(0).toReversed()) await admin.query(statement)
})
afterAll(async () => {
  await admin?.end()
  await database?.close()
})

async function weaken(statement: string, restore: string): Promise<void> {
  await admin.query(statement)
  undo.push(restore)
}

const check = (tables = ['heartbeats']): Promise<void> =>
  assertCannotBypass(asConnection(database.app), tables)

describe('a start', () => {
  it('accepts the role it made', async () => {
    await check()
  })

  it.each([
    ['superuser', 'nosuperuser', 'is a superuser'],
    ['bypassrls', 'nobypassrls', 'has BYPASSRLS'],
    ['createrole', 'nocreaterole', 'may create roles'],
    ['createdb', 'nocreatedb', 'may create databases'],
    ['replication', 'noreplication', 'may replicate'],
  ])('refuses an app role with %s', async (attribute, without, way) => {
    await weaken(`alter role surety_app ${attribute}`, `alter role surety_app ${without}`)
    await expect(check()).rejects.toMatchObject({
      code: 'ERR_DATABASE_BYPASS',
      message: expect.stringContaining(way) as string,
    })
  })

  it.each([
    'surety_owner',
    'pg_read_all_data',
    'pg_write_all_data',
    'pg_execute_server_program',
    'pg_read_server_files',
  ])('refuses an app role that is a member of %s', async (role) => {
    await weaken(`grant ${role} to surety_app`, `revoke ${role} from surety_app`)
    await expect(check()).rejects.toMatchObject({
      code: 'ERR_DATABASE_BYPASS',
      message: expect.stringContaining(role) as string,
    })
  })

  it('refuses a membership that only becomes one through another role and is not inherited', async () => {
    await weaken('create role step_stone noinherit', 'drop role step_stone')
    await weaken('grant surety_owner to step_stone', 'revoke surety_owner from step_stone')
    await weaken('grant step_stone to surety_app', 'revoke step_stone from surety_app')
    await expect(check()).rejects.toMatchObject({
      code: 'ERR_DATABASE_BYPASS',
      message: expect.stringContaining('surety_owner') as string,
    })
  })

  it('refuses an app role that owns a governed table', async () => {
    await weaken(
      'alter table app.heartbeats owner to surety_app',
      'alter table app.heartbeats owner to surety_owner',
    )
    await expect(check()).rejects.toMatchObject({
      message: expect.stringContaining('owns table heartbeats') as string,
    })
  })

  it.each([
    [
      'alter table app.heartbeats disable row level security',
      'alter table app.heartbeats enable row level security',
      'lacks forced row-level security',
    ],
    [
      'alter table app.heartbeats no force row level security',
      'alter table app.heartbeats force row level security',
      'lacks forced row-level security',
    ],
    [
      'grant truncate on app.heartbeats to surety_app',
      'revoke truncate on app.heartbeats from surety_app',
      'may truncate',
    ],
    [
      'create policy wide on app.heartbeats using (true)',
      'drop policy wide on app.heartbeats',
      'foreign policy wide',
    ],
    [
      'grant create on schema app to surety_app',
      'revoke create on schema app from surety_app',
      'may create in schema app',
    ],
    [
      'alter schema surety owner to surety_app',
      'alter schema surety owner to surety_owner',
      'owns schema surety',
    ],
  ])('refuses after: %s', async (statement, restore, way) => {
    await weaken(statement, restore)
    await expect(check()).rejects.toMatchObject({
      code: 'ERR_DATABASE_BYPASS',
      message: expect.stringContaining(way) as string,
    })
  })

  it('refuses when a governed table is missing', async () => {
    await expect(check(['heartbeats', 'people'])).rejects.toMatchObject({
      message: expect.stringContaining('table people is missing') as string,
    })
  })
})
