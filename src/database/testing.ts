import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { chmod, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import pg from 'pg'
import type { Resource } from '../declare/index.ts'
import { systemClock, type Clock } from '../kernel/index.ts'
import { openDatabase, type Database } from './database.ts'
import { silentLogger, type Logger } from './logger.ts'
import { migrateSystem, type Migration } from './migrate.ts'
import { applyPlan, databaseMigrations } from './plan.ts'
import { quoteIdentifier } from './pools.ts'
import { startServer, WITHOUT_FSYNC, type DatabaseServer } from './server.ts'
import { prepareCluster } from './testing/prepared-cluster.ts'

export interface TestDatabaseOptions {
  /** Default: the system's clock. */
  readonly clock?: Clock
  /** Default: silent. */
  readonly logger?: Logger
  /** Steps of the other rooms to apply after the database's own. Default none. */
  readonly migrations?: readonly (readonly Migration[])[]
  /** Resources whose tables to make. Default none. */
  readonly resources?: readonly Resource[]
  /** True: an empty database, without even the database room's own schema. */
  readonly bare?: boolean
}

/** A fresh database in this process's own embedded server. */
export interface TestDatabase extends Database {
  readonly dataDir: string
  readonly clock: Clock
  readonly logger: Logger
  readonly server: DatabaseServer
  /** Drops the database; the server stops with the last one. */
  close(): Promise<void>
}

interface SharedServer {
  readonly server: DatabaseServer
  users: number
  lingering: NodeJS.Timeout | undefined
}

/** How long an unused server waits for the next test. */
const LINGER_MS = 5_000

let shared: Promise<SharedServer> | null = null

/**
 * A fresh, migrated database for tests. The first call in a process starts a server without fsync
 * in a temporary folder; later calls share it. It stops, and its folders go, when nobody has used
 * it for five seconds or the process exits.
 */
export async function startTestDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const { clock = systemClock, logger = silentLogger, migrations = [], resources = [] } = options
  const { server } = await useServer()
  const name = `test-${randomBytes(6).toString('hex')}`
  const database = await openDatabase({ server, dataDir: server.dataDir, name, clock, logger })
  if (!options.bare) {
    await migrateSystem(database.owner, [databaseMigrations, ...migrations], clock)
    await applyPlan(database.owner, { resources, steps: [] }, { allow: 'additive' })
  }
  let closing: Promise<void> | null = null
  const close = async (): Promise<void> => {
    await database.close()
    await dropDatabase(server, database.databaseName)
    await leaveServer()
  }
  return { ...database, dataDir: server.dataDir, clock, logger, server, close: () => (closing ??= close()) }
}

async function useServer(): Promise<SharedServer> {
  const current = await (shared ??= startShared())
  clearTimeout(current.lingering)
  current.users++
  return current
}

async function startShared(): Promise<SharedServer> {
  const dataDir = await mkdtemp(join(tmpdir(), 'surety-test-'))
  // The server's account has to pass through when the tests run as root.
  if (process.getuid?.() === 0) await chmod(dataDir, 0o755)
  await prepareCluster(dataDir)
  const server = await startServer({ dataDir, logger: silentLogger, [WITHOUT_FSYNC]: true })
  sweepAfterUs(server)
  return { server, users: 0, lingering: undefined }
}

async function leaveServer(): Promise<void> {
  const current = await shared
  if (current === null || --current.users > 0) return
  current.lingering = setTimeout(() => {
    shared = null
    void current.server.close().then(() => removeFolders(current.server))
  }, LINGER_MS).unref()
}

/** A shell that removes the folders when this process is gone: test runners end their workers with SIGKILL. */
function sweepAfterUs(server: DatabaseServer): void {
  const script = 'read -r line; sleep 2; rm -rf "$@"'
  const shell = spawn('/bin/sh', ['-c', script, 'surety-test-sweep', ...foldersOf(server)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  shell.on('error', () => undefined)
  shell.unref()
  ;(shell.stdin as { unref?: () => void }).unref?.()
}

function foldersOf(server: DatabaseServer): string[] {
  return [server.dataDir, dirname(server.databaseDir)]
}

function removeFolders(server: DatabaseServer): void {
  for (const folder of foldersOf(server)) rmSync(folder, { recursive: true, force: true, maxRetries: 10 })
}

async function dropDatabase(server: DatabaseServer, name: string): Promise<void> {
  const client = new pg.Client(server.connect('postgres', 'postgres'))
  await client.connect()
  await client.query(`drop database ${quoteIdentifier(name)} with (force)`)
  await client.end()
}
