import type { SuretyConfig } from '../declare/index.ts'
import {
  applyPlan,
  asConnection,
  assertCannotBypass,
  databaseMigrations,
  migrateSystem,
  openDatabase,
  planResources,
  silentLogger,
  type Database,
  type DatabaseServer,
  type Logger,
  type MigrationPlan,
} from '../database/index.ts'
import { keysMigrations } from '../keys/index.ts'
import { hasCode, systemClock, type Clock } from '../kernel/index.ts'
import { logMigrations } from '../log/index.ts'
import { promisesMigrations } from '../promises/index.ts'
import { SuretyStartError } from './errors.ts'

/** The tables of the library's own, room by room. */
export const SYSTEM_MIGRATIONS = [databaseMigrations, keysMigrations, logMigrations, promisesMigrations]

export interface SystemDatabaseOptions {
  readonly dataDir: string
  readonly name?: string
  readonly databaseUrl?: string
  readonly server?: DatabaseServer
  /** A tool joins a server that runs, and changes nothing. */
  readonly mode: 'server' | 'tool'
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * Opens a system's database and brings its schema to the data map: by itself in development, and
 * only after `surety migrate` in production.
 *
 * @throws SuretyStartError `ERR_START_MIGRATE`; the coded errors of the database room
 */
export async function openSystemDatabase(
  config: SuretyConfig,
  options: SystemDatabaseOptions,
): Promise<Database> {
  const { clock, logger, mode, dataDir } = options
  const url = options.databaseUrl ?? (process.env['DATABASE_URL'] || undefined)
  const database = await openDatabase({
    dataDir,
    name: options.name ?? systemName(config),
    clock,
    logger,
    ...(url === undefined ? {} : { url }),
    ...appUrl(),
    ...(options.server ? { server: options.server } : {}),
    ...(mode === 'tool' && url === undefined ? { attach: true } : {}),
  })
  try {
    if (mode === 'server') await migrate(config, database, clock)
    await assertCannotBypass(asConnection(database.app), Object.keys(config.resources))
    return database
  } catch (error) {
    await database.close()
    throw error
  }
}

/** How the app's role reaches an external database, where its password cannot be derived from the owner's. */
function appUrl(): { appUrl?: string } {
  const url = process.env['SURETY_APP_DATABASE_URL']
  return url ? { appUrl: url } : {}
}

/** The default name of a system's database. */
export function systemName(config: SuretyConfig): string {
  return (
    config.name
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .replaceAll(/^[-0-9]+|-+$/g, '')
      .slice(0, 50) || 'surety'
  )
}

/** What the live schema lacks of the data map, after the library's own tables are up to date. */
export async function planSystem(
  config: SuretyConfig,
  database: Database,
  clock: Clock,
): Promise<MigrationPlan> {
  await migrateSystem(database.owner, SYSTEM_MIGRATIONS, clock)
  return planResources(asConnection(database.owner), Object.values(config.resources))
}

async function migrate(config: SuretyConfig, database: Database, clock: Clock): Promise<void> {
  const plan = await planSystem(config, database, clock)
  if (plan.steps.length === 0) return
  if (process.env['NODE_ENV'] === 'production') {
    throw new SuretyStartError(
      'ERR_START_MIGRATE',
      `the database lacks ${plan.steps.length} changes of the data map`,
    )
  }
  await applyPlan(database.owner, plan, { allow: 'additive' })
}

/** A plan that is open to be applied. */
export interface OpenMigration {
  readonly plan: MigrationPlan
  apply(): Promise<void>
  close(): Promise<void>
}

/** Plans for a system that may not be running, in the folder where its server keeps its data. */
export async function openMigration(config: SuretyConfig, dataDir: string): Promise<OpenMigration> {
  const url = process.env['DATABASE_URL'] || undefined
  const reach = { dataDir, name: systemName(config), clock: systemClock, logger: silentLogger }
  const database = await (url === undefined
    ? openDatabase({ ...reach, attach: true }).catch((error: unknown) => {
        if (hasCode(error, 'ERR_DATABASE_NOT_RUNNING')) return openDatabase(reach)
        throw error
      })
    : openDatabase({ ...reach, url }))
  try {
    const plan = await planSystem(config, database, systemClock)
    return {
      plan,
      apply: async () => void (await applyPlan(database.owner, plan, { allow: 'additive' })),
      close: () => database.close(),
    }
  } catch (error) {
    await database.close()
    throw error
  }
}
