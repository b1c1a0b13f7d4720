import { constants } from 'node:fs'
import { copyFile, open, readdir, rm, stat, truncate } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { serverLogFile, type Database, type Logger } from '../database/index.ts'
import { parseDuration, type Clock } from '../kernel/index.ts'
import type { LogFileAge } from '../promises/index.ts'
import type { MayDestroy } from './destruction-guard.ts'

/** Where log files lie: those of the app in a folder, and the embedded server's. */
export interface LogFilePlaces {
  readonly folder: string
  /** Null where the database is not ours: its logs are its operator's. */
  readonly serverLog: string | null
}

export interface LogFileOptions {
  readonly places: LogFilePlaces
  readonly retentionMs: number
  readonly clock: Clock
  /** While it says no, files are turned and none is removed. */
  readonly mayDestroy: MayDestroy
  readonly logger: Pick<Logger, 'error'>
}

/** A turned file is removed so long before its oldest line reaches the retention. */
const EARLY_MS = parseDuration('1d')
const EVERY_MS = parseDuration('1h')
const HEAD_BYTES = 4_096

export function logFilesOf(folder: string, { databaseDir }: Pick<Database, 'databaseDir'>): LogFilePlaces {
  return { folder, serverLog: databaseDir === null ? null : serverLogFile(databaseDir) }
}

/** Turns and removes log files now and every hour, until closed. */
export async function keepLogFiles(options: LogFileOptions): Promise<{ close(): void }> {
  const turn = (): Promise<void> =>
    turnLogFiles(options).catch((err: unknown) =>
      options.logger.error({ err }, 'log files could not be turned'),
    )
  await turn()
  const timer = setInterval(() => void turn(), EVERY_MS).unref()
  return { close: () => clearInterval(timer) }
}

/**
 * Begins a file anew when its oldest line is a twelfth of the retention old, and removes what was
 * turned before its oldest line is as old as the retention.
 *
 * The program that writes a file holds it open, so it is copied and emptied in place. LIMIT: a line
 * written between the two is lost.
 */
export async function turnLogFiles(options: Omit<LogFileOptions, 'logger'>): Promise<void> {
  const { places, retentionMs, clock, mayDestroy } = options
  const may = await mayDestroy()
  const now = clock.now()
  for (const path of await pathsOf(places)) {
    const oldestAt = await oldestLineOf(path)
    if (oldestAt === null) continue
    const age = now - oldestAt
    const turned = !path.endsWith('.log')
    if (may && age >= retentionMs - EARLY_MS) {
      // What was turned now would be too old already.
      await (turned ? rm(path, { force: true }) : truncate(path))
    } else if (!turned && age >= retentionMs / 12) {
      await turnFile(path, now)
    }
  }
}

async function turnFile(path: string, now: number): Promise<void> {
  const stamp = new Date(now).toISOString().replaceAll(/[-:]|\.\d+/g, '')
  const copy = `${path}.${stamp}`
  try {
    await copyFile(path, copy, constants.COPYFILE_EXCL)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    // Another process of the same server turned it this second.
    return
  }
  const file = await open(copy, 'r+')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
  await truncate(path)
}

/** The age of each log file within reach. */
export async function readLogFiles(places: LogFilePlaces): Promise<LogFileAge[]> {
  const ages: LogFileAge[] = []
  for (const path of await pathsOf(places)) {
    const oldestAt = await oldestLineOf(path)
    if (oldestAt !== null) ages.push({ name: basename(path), oldestAt })
  }
  return ages
}

const LOG_FILE = /\.log(?:\.\d{8}T\d{6}Z)?$/

async function pathsOf({ folder, serverLog }: LogFilePlaces): Promise<string[]> {
  const own = (await namesIn(folder)).filter((name) => LOG_FILE.test(name)).map((name) => join(folder, name))
  if (serverLog === null) return own
  const beside = (await namesIn(dirname(serverLog))).filter(
    (name) => LOG_FILE.test(name) && name.startsWith(basename(serverLog)),
  )
  return [...own, ...beside.map((name) => join(dirname(serverLog), name))]
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  })
}

/** When the first line was written: as it says itself, or when the file was made. Null for an empty file. */
async function oldestLineOf(path: string): Promise<number | null> {
  const { size, birthtimeMs, mtimeMs } = await stat(path)
  if (size === 0) return null
  const file = await open(path, 'r')
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0)
    const [line = ''] = buffer.toString('utf8', 0, bytesRead).split('\n')
    return timeOfLine(line) ?? (birthtimeMs > 0 ? Math.min(birthtimeMs, mtimeMs) : mtimeMs)
  } finally {
    await file.close()
  }
}

const POSTGRES = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?) (?:UTC|GMT)\b/
const JSON_TIME = /^\{.*?"time":(?:(\d{12,14})|"([^"]{10,40})")/

/** The time that a line of Postgres' or of a JSON log begins with. */
function timeOfLine(line: string): number | null {
  const postgres = POSTGRES.exec(line)
  if (postgres) return parsed(Date.parse(`${postgres[1]}T${postgres[2]}Z`))
  const json = JSON_TIME.exec(line)
  if (!json) return null
  return json[1] === undefined ? parsed(Date.parse(json[2]!)) : Number(json[1])
}

function parsed(ms: number): number | null {
  return Number.isNaN(ms) ? null : ms
}
