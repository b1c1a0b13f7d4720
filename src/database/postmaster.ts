import { spawn, type ChildProcess } from 'node:child_process'
import { open, readFile, rm, stat, truncate } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { giveTo, identity, serverEnvironment, type ClusterPlace } from './cluster.ts'
import { DatabaseError } from './errors.ts'
import type { Logger } from './logger.ts'
import { commandLine, isRunning, someoneWorksIn } from './process-table.ts'
import type { Account } from './server-account.ts'

const START_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 20_000
const POLL_MS = 20
const LOG_MAX_BYTES = 4_000_000
/** Longest path of a Unix socket that every system takes. */
const SOCKET_PATH_MAX_BYTES = 100

export interface PostmasterOptions {
  readonly program: string
  readonly place: ClusterPlace
  readonly account: Account | null
  readonly port: number
  /** The folder of the Unix socket, or null for none. */
  readonly socket: string | null
  /** False only for throw-away test servers. */
  readonly fsync: boolean
  readonly logger: Logger
}

/** A running server process. */
export interface Postmaster {
  readonly pid: number
  /** Resolves when the process ended, for whatever reason. */
  readonly ended: Promise<void>
  /** Fast shutdown: running transactions are rolled back, a checkpoint is written. */
  stop(): Promise<void>
}

/** The socket folder of a place, or null where the socket's path would be too long or there are none. */
export function socketFolder(place: ClusterPlace): string | null {
  const path = join(place.socketDir, '.s.PGSQL.65535')
  return process.platform === 'win32' || Buffer.byteLength(path) > SOCKET_PATH_MAX_BYTES
    ? null
    : place.socketDir
}

/** `preferred` when it is free on the loopback address, else any free port. */
export async function freePort(preferred: number): Promise<number> {
  return listenOnce(preferred).catch(() => listenOnce(0))
}

function listenOnce(port: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const server = createServer()
  server.on('error', reject)
  server.listen(port, '127.0.0.1', () => {
    const { port: taken } = server.address() as AddressInfo
    server.close(() => resolve(taken))
  })
  return promise
}

/**
 * Starts the server and resolves when it takes connections.
 *
 * The server runs in a session of its own (a terminal's Ctrl-C reaches only us), and a tiny shell
 * stops it when this process ends without stopping it, `SIGKILL` included.
 *
 * @throws DatabaseError `ERR_DATABASE_SERVER_START`
 */
export async function startPostmaster(options: PostmasterOptions): Promise<Postmaster> {
  const log = await openLog(options)
  let child: ChildProcess
  try {
    child = spawn(options.program, serverArguments(options), {
      ...identity(options.account),
      env: serverEnvironment(),
      cwd: '/',
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
    })
  } finally {
    setImmediate(() => void log.close())
  }
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  let failure: Error | null = null
  child.on('error', (error) => {
    failure = error
    resolve()
  })
  child.on('exit', () => resolve())
  child.unref()
  if (!(await becomesReady(options.place, child, ended))) {
    child.kill('SIGQUIT')
    throw new DatabaseError(
      'ERR_DATABASE_SERVER_START',
      `the database server does not start; see ${options.place.logFile}`,
      {
        cause: failure ?? (await logTail(options.place)),
      },
    )
  }
  const stopWatching = watchOverUs(child.pid!, options)
  return {
    pid: child.pid!,
    ended: ended.then(stopWatching),
    stop: () => {
      child.ref()
      return stopProcess(child.pid!, ended)
    },
  }
}

async function openLog({ place, account }: PostmasterOptions): Promise<Awaited<ReturnType<typeof open>>> {
  const size = await stat(place.logFile).then(
    (found) => found.size,
    () => 0,
  )
  if (size > LOG_MAX_BYTES) await truncate(place.logFile)
  const log = await open(place.logFile, 'a', 0o600)
  await giveTo(account, place.logFile)
  return log
}

/** Logs hold no statement, no parameter and no error of a statement: those quote people's data. */
function serverArguments({ place, port, socket, fsync }: PostmasterOptions): string[] {
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: socket ?? '',
    unix_socket_permissions: '0700',
    password_encryption: 'scram-sha-256',
    max_connections: '120',
    timezone: 'UTC',
    log_timezone: 'UTC',
    logging_collector: 'off',
    log_min_messages: 'log',
    log_min_error_statement: 'panic',
    log_error_verbosity: 'terse',
    log_statement: 'none',
    log_parameter_max_length: '0',
    log_parameter_max_length_on_error: '0',
    fsync: fsync ? 'on' : 'off',
    full_page_writes: fsync ? 'on' : 'off',
    jit: 'off',
  }
  return [
    '-D',
    place.databaseDir,
    '-p',
    String(port),
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ]
}

/** The server writes its state into line 8 of `postmaster.pid`. */
async function becomesReady(
  place: ClusterPlace,
  child: ChildProcess,
  ended: Promise<void>,
): Promise<boolean> {
  let over = child.pid === undefined
  void ended.then(() => {
    over = true
  })
  const polls = START_TIMEOUT_MS / 10
  for (let poll = 0; poll < polls && !over; poll++) {
    const lines = await pidFile(place)
    if (Number(lines[0]) === child.pid && lines[7]?.trim() === 'ready') return true
    await sleep(10)
  }
  return false
}

async function pidFile(place: ClusterPlace): Promise<string[]> {
  const text = await readFile(join(place.databaseDir, 'postmaster.pid'), 'utf8').catch(() => '')
  return text.split('\n')
}

async function logTail(place: ClusterPlace): Promise<string> {
  const text = await readFile(place.logFile, 'utf8').catch(() => '')
  return text.slice(-2_000)
}

/** A shell that waits for the end of its standard input, which is ours, and then stops the server. */
function watchOverUs(pid: number, { account, logger }: PostmasterOptions): () => void {
  if (process.platform === 'win32') return () => undefined
  const shell = spawn(
    '/bin/sh',
    ['-c', 'read -r line; kill -INT "$1"', 'surety-database-watch', String(pid)],
    {
      ...identity(account),
      env: {},
      cwd: '/',
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    },
  )
  shell.on('error', (error) =>
    logger.warn(
      { code: (error as NodeJS.ErrnoException).code },
      'the database server may outlive this process',
    ),
  )
  shell.stdin.on('error', () => undefined)
  shell.unref()
  // A pipe keeps the event loop alive unless it is unreferenced, which the stream's type does not show.
  ;(shell.stdin as { unref?: () => void }).unref?.()
  return () => {
    shell.kill('SIGKILL')
  }
}

async function stopProcess(pid: number, ended: Promise<void>): Promise<void> {
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    try {
      process.kill(pid, signal)
    } catch {
      return
    }
    const late = Symbol('late')
    const timeout = sleep(STOP_TIMEOUT_MS, late, { ref: false })
    if ((await Promise.race([ended, timeout])) !== late) return
  }
  throw new DatabaseError('ERR_DATABASE_SERVER_STOP', `the database server, process ${pid}, does not stop`)
}

/**
 * Stops a server that an earlier process left behind in this cluster, and removes a pid file that
 * names a process which is not a running server of this cluster (a zombie, a reused pid), because
 * Postgres would take it for one. The caller holds the data folder's lock.
 *
 * @throws DatabaseError `ERR_DATABASE_SERVER_STOP`
 */
export async function stopOrphan(place: ClusterPlace, logger: Logger): Promise<void> {
  const pid = Number((await pidFile(place))[0])
  if (!Number.isInteger(pid) || pid <= 0) return
  if ((await isRunning(pid)) && (await commandLine(pid))?.includes(place.databaseDir)) {
    logger.warn({ pid }, 'stopping a database server that an earlier process left behind')
    const { promise: ended, resolve } = Promise.withResolvers<void>()
    const poll = setInterval(() => void isRunning(pid).then((runs) => runs || resolve()), POLL_MS)
    await stopProcess(pid, ended).finally(() => clearInterval(poll))
  }
  await removePidFile(place)
}

/** Only when no backend of a killed server is left: two generations of them would ruin the cluster. */
async function removePidFile(place: ClusterPlace): Promise<void> {
  for (let poll = 0; poll < STOP_TIMEOUT_MS / POLL_MS; poll++) {
    if (!(await someoneWorksIn(place.databaseDir)))
      return rm(join(place.databaseDir, 'postmaster.pid'), { force: true })
    await sleep(POLL_MS)
  }
  throw new DatabaseError(
    'ERR_DATABASE_SERVER_STOP',
    `processes of an earlier server still work in ${place.databaseDir}`,
  )
}
