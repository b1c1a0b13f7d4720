import {
  applyPlan,
  databaseMigrations,
  migrateSystem,
  openDatabase,
  planResources,
  previewMigration,
  silentLogger,
  type Database,
  type MigrationPlan,
  type MigrationStep,
} from '../database/index.ts'
import type { SuretyConfig } from '../declare/index.ts'
import { identityMigrations } from '../identity/index.ts'
import { keysMigrations } from '../keys/index.ts'
import { hasCode, systemClock, type Clock } from '../kernel/index.ts'
import { logMigrations } from '../log/index.ts'
import { promisesMigrations } from '../promises/index.ts'
import { SuretyStartError } from './errors.ts'
import { systemName } from './system-name.ts'

/** The tables of the library's own, room by room. */
const SYSTEM_MIGRATIONS = [
  databaseMigrations,
  keysMigrations,
  logMigrations,
  identityMigrations,
  promisesMigrations,
]

/** One thing that a migration would do. */
export type PlannedStep = Pick<MigrationStep, 'kind' | 'statement' | 'why'>

/**
 * Brings a starting system's database to the library's tables and to the data map: by itself in
 * development; in production it only looks, and refuses to start when anything is left to do.
 *
 * @throws SuretyStartError `ERR_START_MIGRATE`; DatabaseError `ERR_DATABASE_DESTRUCTIVE`
 */
export async function migrateOnStart(config: SuretyConfig, database: Database, clock: Clock): Promise<void> {
  if (process.env['NODE_ENV'] !== 'production') return apply(config, database, clock)
  const steps = await plan(config, database, clock)
  if (steps.length === 0) return
  throw new SuretyStartError(
    'ERR_START_MIGRATE',
    `the database lacks ${steps.length} steps of this version or its data map`,
  )
}

/** Everything that is to be done, the library's own steps first; nothing is changed. */
async function plan(config: SuretyConfig, { owner }: Database, clock: Clock): Promise<PlannedStep[]> {
  const { pending, seen } = await previewMigration(owner, SYSTEM_MIGRATIONS, clock, (connection) =>
    planResources(connection, Object.values(config.resources)),
  )
  const own = pending.map(({ id, sql }): PlannedStep => ({
    kind: 'additive',
    statement: sql.trim().replace(/;$/, ''),
    why: `the library's own tables: ${id}`,
  }))
  return [...own, ...seen.steps]
}

async function apply(config: SuretyConfig, { owner }: Database, clock: Clock): Promise<void> {
  await migrateSystem(owner, SYSTEM_MIGRATIONS, clock)
  const wanted: MigrationPlan = { resources: Object.values(config.resources), steps: [] }
  await applyPlan(owner, wanted, { allow: 'additive' })
}

/** A plan that is open to be applied. */
export interface OpenMigration {
  readonly steps: readonly PlannedStep[]
  /** @throws DatabaseError `ERR_DATABASE_DESTRUCTIVE` */
  apply(): Promise<void>
  close(): Promise<void>
}

/** Plans for a system that may not be running, on the database that its server would use. */
export async function openMigration(config: SuretyConfig, dataDir: string): Promise<OpenMigration> {
  const database = await openReachable(config, dataDir)
  try {
    const steps = await plan(config, database, systemClock)
    return { steps, apply: () => apply(config, database, systemClock), close: () => database.close() }
  } catch (error) {
    await database.close()
    throw error
  }
}

async function openReachable(config: SuretyConfig, dataDir: string): Promise<Database> {
  const reach = { dataDir, name: systemName(config), clock: systemClock, logger: silentLogger }
  const url = process.env['DATABASE_URL']
  if (url) return openDatabase({ ...reach, url })
  try {
    return await openDatabase({ ...reach, attach: true })
  } catch (error) {
    if (!hasCode(error, 'ERR_DATABASE_NOT_RUNNING')) throw error
    return openDatabase(reach)
  }
}
