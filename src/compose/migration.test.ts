import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { asConnection, describeSchema } from '../database/index.ts'
import { startTestDatabase, type TestDatabase } from '../database/testing.ts'
import { field, resource, type Resource, type SuretyConfig } from '../declare/index.ts'
import { manualClock } from '../kernel/index.ts'
import { migrateOnStart } from './migration.ts'

const base = { name: 'plans', purpose: 'to test', basis: 'contract', retention: '1y' } as const
const plans = resource({ ...base, fields: { title: field.text('a title', { max: 9 }) } })
const wider = resource({
  ...base,
  fields: { ...plans.fields, note: field.text('a note', { max: 9, optional: true }) },
})
const narrower = resource({ ...base, fields: { note: field.text('a note', { max: 9, optional: true }) } })

function configOf(declared: Resource): SuretyConfig {
  return {
    name: 'Plans',
    origin: 'plans.example',
    page: 'security.md',
    resources: { plans: declared },
    roles: {},
  }
}

describe('migrateOnStart', () => {
  const clock = manualClock(0)
  let database: TestDatabase
  beforeEach(async () => {
    database = await startTestDatabase({ bare: true })
  })
  afterEach(async () => {
    vi.unstubAllEnvs()
    await database.close()
  })

  async function columns(): Promise<string[]> {
    const tables = await describeSchema(asConnection(database.owner))
    return tables
      .filter(({ schema }) => schema === 'app')
      .flatMap((table) => table.columns.map(({ name }) => name))
  }

  test('brings an empty database to the data map, and has nothing to do the second time', async () => {
    await migrateOnStart(configOf(plans), database, clock)
    await migrateOnStart(configOf(plans), database, clock)
    expect(await columns()).toEqual(['id', 'createdAt', 'title'])
  })

  test('adds an optional field by itself in development', async () => {
    await migrateOnStart(configOf(plans), database, clock)
    await migrateOnStart(configOf(wider), database, clock)
    expect(await columns()).toContain('note')
  })

  test('refuses to start in production while anything is left to do, and changes nothing', async () => {
    vi.stubEnv('NODE_ENV', 'production')
    const refused = expect.objectContaining({
      code: 'ERR_START_MIGRATE',
      mend: expect.stringContaining('surety migrate'),
    })
    await expect(migrateOnStart(configOf(plans), database, clock)).rejects.toEqual(refused)
    expect(await describeSchema(asConnection(database.owner))).toEqual([])
  })

  test('starts in production once everything is applied', async () => {
    await migrateOnStart(configOf(plans), database, clock)
    vi.stubEnv('NODE_ENV', 'production')
    await expect(migrateOnStart(configOf(plans), database, clock)).resolves.toBeUndefined()
  })

  test('refuses a destructive change, names the statement, and keeps the data', async () => {
    await migrateOnStart(configOf(plans), database, clock)
    const refused = expect.objectContaining({
      code: 'ERR_DATABASE_DESTRUCTIVE',
      message: expect.stringContaining('drop column "title"'),
    })
    await expect(migrateOnStart(configOf(narrower), database, clock)).rejects.toEqual(refused)
    expect(await columns()).toEqual(['id', 'createdAt', 'title'])
  })
})
