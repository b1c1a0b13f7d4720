import {
  asConnection,
  assertCannotBypass,
  openDatabase,
  type Database,
  type DatabaseServer,
  type Logger,
} from '../database/index.ts'
import type { SuretyConfig } from '../declare/index.ts'
import type { Clock } from '../kernel/index.ts'
import { migrateOnStart } from './migration.ts'
import { systemName } from './system-name.ts'

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
    if (mode === 'server') await migrateOnStart(config, database, clock)
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
