import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { keysMigrations } from '../keys/index.ts'
import { logMigrations } from '../log/index.ts'
import { applyPlan, asConnection, describeSchema, openJobs, planResources } from '../database/index.ts'
import { startTestDatabase, type TestDatabase } from '../database/testing.ts'
import { field } from '../declare/index.ts'
import { missingColumns, undeclaredColumns, undeclaredTables } from './live-schema.ts'
import { promisesMigrations } from './migrations.ts'
import type { LiveTable } from './probe-context.ts'
import { config, people } from './testing.ts'

describe('the live schema', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await startTestDatabase({ migrations: [keysMigrations, logMigrations, promisesMigrations] })
    const jobs = await openJobs({ database, logger: database.logger })
    await jobs.close()
    await applyPlan(database.owner, await planResources(asConnection(database.owner), [people]), {
      allow: 'additive',
    })
  })
  afterAll(() => database.close())

  async function live(): Promise<LiveTable[]> {
    const tables = await describeSchema(asConnection(database.owner))
    return tables.map(({ schema, name, columns }) => ({
      schema,
      name,
      columns: columns.map((column) => column.name),
    }))
  }

  test('is declared to its last column, the job queue’s and the library’s own tables included', async () => {
    const tables = await live()
    expect(tables.length).toBeGreaterThan(9)
    expect([
      undeclaredTables(config, tables),
      undeclaredColumns(config, tables),
      missingColumns(config, tables),
    ]).toEqual([[], [], []])
  })

  test('shows a column that somebody added by hand', async () => {
    await database.owner.query('alter table app.people add column nickname text')
    expect(undeclaredColumns(config, await live())).toEqual(['app.people.nickname'])
    await database.owner.query('alter table app.people drop column nickname')
  })

  test('shows a table that somebody added by hand, in any schema', async () => {
    await database.owner.query('create table app.notes (text text)')
    await database.owner.query('create table surety.notes (text text)')
    expect(undeclaredTables(config, await live())).toEqual(['app.notes', 'surety.notes'])
    await database.owner.query('drop table app.notes, surety.notes')
  })

  test('shows a declared column that the database lacks', async () => {
    const wider = {
      ...people,
      fields: { ...people.fields, plan: field.text('the plan', { max: 9, clear: 'counted in SQL' }) },
    }
    expect(missingColumns({ ...config, resources: { people: wider } }, await live())).toEqual(['people.plan'])
  })
})
