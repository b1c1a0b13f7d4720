import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import {
  applyPlan,
  assertCannotBypass,
  asConnection,
  databaseMigrations,
  inTransaction,
  migrateSystem,
  type MigrationPlan,
} from '../database/index.ts'
import { startTestDatabase, type TestDatabase } from '../database/testing.ts'
import { field, resource, type Resource } from '../declare/index.ts'
import { systemClock } from '../kernel/index.ts'
import { keysMigrations } from './index.ts'

const SCHEMA_V1 = new URL('../../test/fixtures/database/schema-v1.sql', import.meta.url)
const clear = { clear: 'added up in SQL' }

/** The resource of the fixture, two optional fields, a blind index and a choice later. */
const heartbeats = resource({
  name: 'heartbeats',
  subject: 'personId',
  tenant: 'teamId',
  purpose: 'show the person how their time is spent',
  basis: 'contract',
  retention: 'account',
  fields: {
    personId: field.id(),
    teamId: field.id(),
    entity: field.text('path of the open file', { max: 4096 }),
    category: field.choice('what was done', ['coding', 'debugging'], clear),
    time: field.timestamp('when the editor reported activity', clear),
    language: field.text('programming language', { max: 64, ...clear, optional: true }),
    project: field.text('project name', { max: 255, optional: true, index: 'blind' }),
  },
}) as Resource

const apply = (database: TestDatabase): Promise<MigrationPlan> =>
  applyPlan(database.owner, { resources: [heartbeats], steps: [] }, { allow: 'additive' })

describe('an older data folder', () => {
  it('is brought up to date twice over without losing a row', async () => {
    const database = await startTestDatabase({ bare: true })
    await database.owner.query(await readFile(SCHEMA_V1, 'utf8'))
    const later = { id: 'later-0001', sql: 'create table surety.later (x integer)' }
    const migrate = (): Promise<readonly string[]> =>
      migrateSystem(database.owner, [databaseMigrations, keysMigrations, [later]], systemClock)
    expect(await migrate()).toEqual(['keys-0002', 'later-0001'])
    expect(await migrate()).toEqual([])
    expect((await apply(database)).steps.length).toBeGreaterThan(0)
    expect((await apply(database)).steps).toEqual([])
    await assertCannotBypass(asConnection(database.app), ['heartbeats'])
    const rows = await inTransaction(database.owner, async (connection) => {
      await connection.query(`set local surety.read_heartbeats = 'any'`)
      return connection.query('select category, language, _envelope from app.heartbeats')
    })
    expect(rows).toEqual([{ category: 'coding', language: null, _envelope: Buffer.of(1, 1) }])
    await database.close()
  })
})
