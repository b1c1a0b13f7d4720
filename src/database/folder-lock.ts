import { randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../kernel/index.ts'
import { DatabaseError } from './errors.ts'
import { isRunning, processStart } from './process-table.ts'

interface Flag {
  readonly schema: 1
  readonly state: 'asking' | 'held'
  readonly pid: number
  /** When the process started, as the kernel counts it; null where it does not say. */
  readonly started: string | null
  readonly at: string
}

/** One process owns a data folder at a time. */
export interface FolderLock {
  release(): Promise<void>
}

const ATTEMPTS = 20
const BACKOFF_MS = 60

/**
 * Takes the lock of a data folder.
 *
 * Each asking process raises a flag, a file of its own in `<folder>/lock`, and only then looks at
 * the others' flags. Of two that ask at once, the one that looks later sees the other's flag, so
 * never both hold it; they step back for a random while and ask again. The flag of a process that
 * is gone, or whose pid belongs to another process now, counts for nothing and is removed by the
 * holder. Nobody ever has to delete a flag in order to get the lock, which is where lock files race.
 *
 * @throws DatabaseError `ERR_DATABASE_LOCKED` naming the holder's pid, `ERR_DATABASE_FOLDER`
 */
export async function lockFolder(folder: string, clock: Clock): Promise<FolderLock> {
  const flags = join(folder, 'lock')
  const name = randomUUID()
  const flag = {
    schema: 1,
    pid: process.pid,
    started: await processStart(process.pid),
    at: new Date(clock.now()).toISOString(),
  } as const
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    await raise(flags, name, { ...flag, state: 'asking' })
    const others = await standing(flags, name)
    if (others.live.length === 0) {
      await raise(flags, name, { ...flag, state: 'held' })
      await Promise.all(others.dead.map((dead) => rm(join(flags, dead), { force: true })))
      return { release: () => rm(join(flags, name), { force: true }) }
    }
    await rm(join(flags, name), { force: true })
    const holder = others.live.find(({ state }) => state === 'held')
    if (holder)
      throw new DatabaseError(
        'ERR_DATABASE_LOCKED',
        `the data folder ${folder} is in use by process ${holder.pid}`,
      )
    await sleep(Math.random() * BACKOFF_MS)
  }
  throw new DatabaseError('ERR_DATABASE_LOCKED', `many processes ask for the data folder ${folder} at once`)
}

/** Whole or not at all: a flag is never read half-written. */
async function raise(flags: string, name: string, flag: Flag): Promise<void> {
  const draft = join(flags, `${name}.draft`)
  try {
    await mkdir(flags, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
    await writeFile(draft, `${JSON.stringify(flag)}\n`, { mode: 0o600 })
    await rename(draft, join(flags, name))
  } catch (cause) {
    throw new DatabaseError('ERR_DATABASE_FOLDER', `the data folder cannot be locked in ${flags}`, { cause })
  }
}

async function standing(flags: string, own: string): Promise<{ live: Flag[]; dead: string[] }> {
  const live: Flag[] = []
  const dead: string[] = []
  for (const name of await readdir(flags)) {
    if (name === own || name.endsWith('.draft')) continue
    const text = await readFile(join(flags, name), 'utf8').catch(() => null)
    const flag = text === null ? null : parseFlag(text)
    if (flag && (await isAlive(flag))) live.push(flag)
    else dead.push(name)
  }
  return { live, dead }
}

function parseFlag(text: string): Flag | null {
  try {
    const value = JSON.parse(text) as Flag | null
    return value !== null && Number.isInteger(value.pid) && value.pid > 0 ? value : null
  } catch {
    return null
  }
}

async function isAlive(flag: Flag): Promise<boolean> {
  if (!(await isRunning(flag.pid))) return false
  const started = await processStart(flag.pid)
  return started === null || flag.started === null || started === flag.started
}
