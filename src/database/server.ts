import { chmod, mkdir } from 'node:fs/promises'
import type { ClientConfig } from 'pg'
import { systemClock, type Clock } from '../kernel/index.ts'
import { ensureCluster, placeCluster, SHARED_BASE, type ClusterPlace } from './cluster.ts'
import { DatabaseError } from './errors.ts'
import { lockFolder } from './folder-lock.ts'
import type { Logger } from './logger.ts'
import { freePort, socketFolder, startPostmaster, stopOrphan, type Postmaster } from './postmaster.ts'
import { isRunning } from './process-table.ts'
import { serverAccount, type Account } from './server-account.ts'
import { findBinaries } from './server-binaries.ts'
import {
  createPasswords,
  readRecord,
  writeRecord,
  type RoleName,
  type ServerRecord,
} from './server-record.ts'

/** Set to true on {@link ServerOptions}, a crash of the machine may lose or corrupt data: for throw-away test servers. */
export const WITHOUT_FSYNC: unique symbol = Symbol('surety.database.withoutFsync')

export interface ServerOptions {
  /** The folder for keys, blobs and logs; the cluster lives inside it where the server can reach it. */
  readonly dataDir: string
  readonly logger: Logger
  /** Default: the system's clock. Used for stamps in files only. */
  readonly clock?: Clock
  readonly [WITHOUT_FSYNC]?: boolean
}

/** An embedded server that runs, started here or by another process. */
export interface DatabaseServer {
  readonly dataDir: string
  readonly databaseDir: string
  /** How to reach `database` as `role`. Holds a password: never log it. */
  connect(role: RoleName, database: string): ClientConfig
  /** Stops the server when it was started here; does nothing when attached. */
  close(): Promise<void>
}

/**
 * Starts the embedded server of a data folder, making the cluster first where there is none.
 *
 * One process owns a data folder. Whatever an earlier process left behind (a lock, a half-made
 * cluster, a running server, a crashed one) is cleared up without a hand.
 *
 * @throws DatabaseError `ERR_DATABASE_LOCKED`, `…_ACCOUNT`, `…_FOLDER`, `…_BINARIES`, `…_RECORD`,
 *   `…_INITIALISE`, `…_SERVER_START`, `…_SERVER_STOP`
 */
export async function startServer(options: ServerOptions): Promise<DatabaseServer> {
  const { dataDir, logger, clock = systemClock } = options
  await makeDataFolder(dataDir)
  const lock = await lockFolder(dataDir, clock)
  try {
    const account = await serverAccount()
    const place = await placeCluster(dataDir, account)
    const binaries = await findBinaries(account, SHARED_BASE)
    const found = await readRecord(dataDir)
    let record = found ?? (await draftRecord(place))
    await stopOrphan(place, logger)
    const keepRecord = (): Promise<void> => writeRecord(dataDir, record)
    await ensureCluster({
      place,
      account,
      binaries,
      clock,
      logger,
      found,
      keepRecord,
      password: record.passwords.postgres,
    })
    record = { ...record, databaseDir: place.databaseDir, socket: socketFolder(place), pid: process.pid }
    const started = await startOnFreePort({ options, place, account, program: binaries.postgres, record })
    await writeRecord(dataDir, started.record)
    return ownedServer(options, started, () => lock.release())
  } catch (error) {
    await lock.release()
    throw error
  }
}

/**
 * Reaches the embedded server that another process runs on this data folder.
 * @throws DatabaseError `ERR_DATABASE_NOT_RUNNING`, `ERR_DATABASE_RECORD`
 */
export async function attachServer(dataDir: string): Promise<DatabaseServer> {
  const record = await readRecord(dataDir)
  if (record === null || record.pid === null || !(await isRunning(record.pid))) {
    throw new DatabaseError('ERR_DATABASE_NOT_RUNNING', `no server runs on the data folder ${dataDir}`)
  }
  return {
    dataDir,
    databaseDir: record.databaseDir,
    connect: (role, database) => clientConfig(record, role, database),
    close: async () => undefined,
  }
}

async function makeDataFolder(dataDir: string): Promise<void> {
  try {
    // Root's server runs as another account, which has to pass through; files in it are 0600.
    const mode = process.getuid?.() === 0 ? 0o755 : 0o700
    if ((await mkdir(dataDir, { recursive: true, mode })) !== undefined) await chmod(dataDir, mode)
  } catch (cause) {
    throw new DatabaseError('ERR_DATABASE_FOLDER', `the data folder ${dataDir} cannot be made`, { cause })
  }
}

async function draftRecord(place: ClusterPlace): Promise<ServerRecord> {
  return {
    schema: 1,
    host: '127.0.0.1',
    port: await freePort(0),
    socket: socketFolder(place),
    databaseDir: place.databaseDir,
    pid: null,
    passwords: createPasswords(),
  }
}

interface Start {
  readonly options: ServerOptions
  readonly place: ClusterPlace
  readonly account: Account | null
  readonly program: string
  readonly record: ServerRecord
}

interface Started {
  readonly postmaster: Postmaster
  readonly record: ServerRecord
}

/** Another program may take the port between our look and the server's, or old backends may still be ending. */
async function startOnFreePort({ options, place, account, program, record }: Start): Promise<Started> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort(attempt === 1 ? record.port : 0)
    const fsync = options[WITHOUT_FSYNC] !== true
    try {
      const { logger } = options
      const postmaster = await startPostmaster({
        program,
        place,
        account,
        port,
        socket: record.socket,
        fsync,
        logger,
      })
      return { postmaster, record: { ...record, port } }
    } catch (error) {
      if (attempt === 3) throw error
      options.logger.warn({ attempt }, 'the database server did not start; trying again')
    }
  }
}

function ownedServer(
  options: ServerOptions,
  { postmaster, record }: Started,
  unlock: () => Promise<void>,
): DatabaseServer {
  let closing: Promise<void> | null = null
  const close = async (): Promise<void> => {
    try {
      await postmaster.stop()
      await writeRecord(options.dataDir, { ...record, pid: null })
    } finally {
      await unlock()
    }
  }
  void postmaster.ended.then(() => {
    if (!closing) options.logger.error({ pid: postmaster.pid }, 'the database server ended by itself')
  })
  return {
    dataDir: options.dataDir,
    databaseDir: record.databaseDir,
    connect: (role, database) => clientConfig(record, role, database),
    close: () => (closing ??= close()),
  }
}

function clientConfig(record: ServerRecord, role: RoleName, database: string): ClientConfig {
  return {
    host: record.socket ?? record.host,
    port: record.port,
    user: role,
    password: record.passwords[role],
    database,
  }
}
