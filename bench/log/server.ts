import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import {
  databaseMigrations,
  migrateSystem,
  openDatabase,
  silentLogger,
  startServer,
  type Database,
} from '../../src/database/index.ts'
import { systemClock } from '../../src/kernel/index.ts'
import { keysMigrations } from '../../src/keys/index.ts'
import { logMigrations } from '../../src/log/index.ts'

/** A fresh database in a server of its own, as durable as in production (with fsync). */
export interface BenchDatabase extends Database {
  /** An empty folder that goes with the database. */
  readonly folder: string
}

/** Starts a server, runs `work` on a migrated database in it, and leaves nothing behind. */
export async function withDatabase<Result>(
  work: (database: BenchDatabase) => Promise<Result>,
): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'surety-bench-'))
  const shared = { dataDir: folder, clock: systemClock, logger: silentLogger }
  // The server's account has to pass through when the bench runs as root.
  if (process.getuid?.() === 0) await chmod(folder, 0o755)
  const server = await startServer(shared)
  try {
    const database = await openDatabase({ ...shared, server, name: 'bench', maxConnections: 12 })
    try {
      await migrateSystem(database.owner, [databaseMigrations, keysMigrations, logMigrations], systemClock)
      return await work({ ...database, folder })
    } finally {
      await database.close()
    }
  } finally {
    await server.close()
    await rm(dirname(server.databaseDir), { recursive: true, force: true })
    await rm(folder, { recursive: true, force: true })
  }
}
