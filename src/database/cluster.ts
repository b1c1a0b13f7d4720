import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmod, chown, mkdir, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Clock } from '../kernel/index.ts'
import { DatabaseError } from './errors.ts'
import type { Logger } from './logger.ts'
import { canEnter, type Account } from './server-account.ts'
import type { Binaries } from './server-binaries.ts'
import type { ServerRecord } from './server-record.ts'

/** Where root keeps clusters and programs that the server's account could not reach otherwise. */
export const SHARED_BASE = '/var/lib/surety'

/** The folders of one cluster. */
export interface ClusterPlace {
  readonly base: string
  /** PGDATA. */
  readonly databaseDir: string
  /** Where initdb works; renamed to `databaseDir` when it is done. */
  readonly initialising: string
  readonly socketDir: string
  readonly logFile: string
}

/**
 * Where the cluster of a data folder lives: inside it, or, when the server's account cannot enter
 * the data folder, under a root-made base, named after the data folder's real path.
 *
 * @throws DatabaseError `ERR_DATABASE_FOLDER`
 */
export async function placeCluster(dataDir: string, account: Account | null): Promise<ClusterPlace> {
  try {
    const real = await realpath(dataDir)
    const inside = account === null || (await canEnter(account, real))
    const base = inside
      ? join(real, 'postgres')
      : join(SHARED_BASE, createHash('sha256').update(real).digest('hex').slice(0, 16))
    const socketDir = join(base, 'run')
    await mkdir(base, { recursive: true, mode: 0o755 })
    await chmod(base, 0o755)
    if (!inside) await chmod(SHARED_BASE, 0o755)
    await mkdir(socketDir, { recursive: true, mode: 0o700 })
    await giveTo(account, socketDir)
    return {
      base,
      databaseDir: join(base, 'data'),
      initialising: join(base, 'initialising'),
      socketDir,
      logFile: serverLogFile(join(base, 'data')),
    }
  } catch (cause) {
    throw new DatabaseError('ERR_DATABASE_FOLDER', `no database can be kept for the data folder ${dataDir}`, {
      cause,
    })
  }
}

/** The embedded server's own log, beside the cluster. */
export function serverLogFile(databaseDir: string): string {
  return join(dirname(databaseDir), 'server.log')
}

export async function giveTo(account: Account | null, path: string): Promise<void> {
  if (account) await chown(path, account.uid, account.gid)
}

export interface Initialisation {
  readonly place: ClusterPlace
  readonly account: Account | null
  readonly binaries: Binaries
  readonly clock: Clock
  readonly logger: Logger
  /** The record found in the data folder. */
  readonly found: ServerRecord | null
  /** Makes the record durable; called when initdb is done and before its folder gets its final name. */
  readonly keepRecord: () => Promise<void>
  /** Password of the administrator role `postgres`. */
  readonly password: string
}

/**
 * Makes sure that the cluster exists. Killed at any line, the next call finishes or starts over:
 * the record is written between initdb's end and the rename, so a record without `databaseDir`
 * but with `initialising` means initdb was done; `initialising` without a record means it was not.
 *
 * @throws DatabaseError `ERR_DATABASE_INITIALISE`, `ERR_DATABASE_RECORD`
 */
export async function ensureCluster(start: Initialisation): Promise<void> {
  const { place, found } = start
  const exists = await isFolder(place.databaseDir)
  if (exists && found) return
  if (found) {
    if (await isFolder(place.initialising)) return rename(place.initialising, place.databaseDir)
    throw new DatabaseError(
      'ERR_DATABASE_RECORD',
      `the cluster of this data folder is missing: expected ${place.databaseDir}, recorded ${found.databaseDir}`,
    )
  }
  if (exists) await setAside(start)
  await rm(place.initialising, { recursive: true, force: true })
  await initialise(start)
  await start.keepRecord()
  await rename(place.initialising, place.databaseDir)
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
}

/** A cluster without its record cannot be opened by anyone: keep it, say so, start a new one. */
async function setAside({ place, clock, logger }: Initialisation): Promise<void> {
  const aside = join(place.base, `orphan-${new Date(clock.now()).toISOString().replaceAll(/[:.]/g, '-')}`)
  await rename(place.databaseDir, aside)
  logger.warn(
    { folder: aside },
    'a database without its database.json was set aside; delete the folder if it is not needed',
  )
}

async function initialise({ place, account, binaries, password }: Initialisation): Promise<void> {
  const passwordFile = join(place.socketDir, 'initial-password')
  try {
    await mkdir(place.initialising, { mode: 0o700 })
    await giveTo(account, place.initialising)
    await writeFile(passwordFile, `${password}\n`, { mode: 0o600 })
    await giveTo(account, passwordFile)
    await runInitdb(binaries.initdb, account, [
      `--pgdata=${place.initialising}`,
      '--username=postgres',
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--no-locale',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--data-checksums',
    ])
  } catch (cause) {
    throw new DatabaseError('ERR_DATABASE_INITIALISE', `a database cannot be made in ${place.initialising}`, {
      cause,
    })
  } finally {
    await rm(passwordFile, { force: true })
  }
}

function runInitdb(program: string, account: Account | null, args: readonly string[]): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const child = spawn(program, args, {
    ...identity(account),
    env: serverEnvironment(),
    cwd: '/',
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4_000)
  })
  child.on('error', reject)
  child.on('close', (code, signal) => {
    if (code === 0) resolve()
    else
      reject(
        new DatabaseError('ERR_DATABASE_INITIALISE', `initdb ended with ${code ?? signal}: ${said.trim()}`),
      )
  })
  return promise
}

export function identity(account: Account | null): { uid?: number; gid?: number } {
  return account ? { uid: account.uid, gid: account.gid } : {}
}

/** Nothing of ours but what a program needs to run: no PG* variable may redirect the server. */
export function serverEnvironment(): NodeJS.ProcessEnv {
  const kept = ['PATH', 'SystemRoot', 'SystemDrive', 'LD_LIBRARY_PATH'].flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value]]
  })
  const temporary = process.platform === 'win32' ? { TEMP: process.env['TEMP'] } : { TMPDIR: '/tmp' }
  return { ...Object.fromEntries(kept), ...temporary, LC_ALL: 'C', TZ: 'UTC' }
}
