import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { asConnection } from './pools.ts'
import { listStrangers } from './strangers.ts'
import { startTestDatabase, type TestDatabase } from './testing.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await startTestDatabase()
})
afterAll(() => database.close())

const look = (declared: readonly string[] = []) => listStrangers(asConnection(database.owner), declared)

test('the library’s own connections are no strangers', async () => {
  await database.app.query('select 1')
  expect(await look()).toEqual([])
})

test('a shell under the owner’s role is noticed while it is open', async () => {
  const { options } = database.owner
  const shell = new pg.Client({ ...options, password: options.password!, application_name: 'psql' })
  await shell.connect()
  expect(await look()).toEqual([
    { kind: 'session', role: 'surety_owner', program: 'psql', pid: expect.any(Number) as number },
  ])
  await shell.end()
  await expect.poll(() => look()).toEqual([])
})

test('a role that nobody declared is noticed, and its session; declared it is none', async () => {
  const admin = new pg.Client(database.server.connect('postgres', 'postgres'))
  await admin.connect()
  const name = `leftover_${process.pid}`
  await admin.query(`create role ${name} login password 'x'`)
  try {
    expect(await look()).toEqual([{ kind: 'role', role: name, program: null, pid: null }])
    expect(await look([name])).toEqual([])
  } finally {
    await admin.query(`drop role ${name}`)
    await admin.end()
  }
})
