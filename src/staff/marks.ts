import { randomBytes } from 'node:crypto'
import { link, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { syncFolder, writeSynced } from '../database/index.ts'
import { StaffError } from './errors.ts'

/**
 * What must not be undone by whoever writes to the database: `ended` grants, `dismissed` members, who
 * `founded` staff, codes that `enrolled`, passkeys that were `dropped`, signatures that `replaced` one,
 * customers who are asked first (`asks`), `glass` that was broken with its review, and declared counts
 * that were `spent`.
 */
export type MarkKind =
  | 'ended'
  | 'dismissed'
  | 'founded'
  | 'enrolled'
  | 'dropped'
  | 'replaced'
  | 'asks'
  | 'glass'
  | 'spent'

/**
 * Small files outside the database, one for each fact. Rows can be deleted in SQL, or put back as they
 * were before, and open all the same; a mark stays. Names are digests, so a mark tells of nobody who is
 * not known already. Whatever takes something away is marked before its row is changed: after a crash
 * between the two a mark may say more than the rows, never less.
 */
export interface Marks {
  /** Durable when it resolves. False where the mark stands already; it then stays as it was. */
  set(kind: MarkKind, name: string, content?: object): Promise<boolean>
  /** Sets it, or writes it anew. */
  replace(kind: MarkKind, name: string, content: object): Promise<void>
  /** What a mark says; null where there is none. */
  read(kind: MarkKind, name: string): Promise<object | null>
  /** The names of all marks of a kind. */
  names(kind: MarkKind): Promise<string[]>
  remove(kind: MarkKind, name: string): Promise<void>
}

const NAME = /^[0-9a-z-]{1,160}$/

/** Marks in that folder, which is made with the first one. Every call throws StaffError `ERR_STAFF_MARKS`. */
export function createMarks(folder: string): Marks {
  const pathOf = (kind: MarkKind, name: string): string => {
    if (!NAME.test(name)) throw new TypeError('a mark is named by a digest')
    return join(folder, kind, name)
  }
  return {
    set: (kind, name, content = {}) => onDisk(() => writeDurably(pathOf(kind, name), content, linkOnce)),
    replace: async (kind, name, content) => {
      await onDisk(() => writeDurably(pathOf(kind, name), content, renameOver))
    },
    read: (kind, name) => onDisk(() => readMark(pathOf(kind, name))),
    names: (kind) =>
      onDisk(async () => (await namesIn(join(folder, kind))).filter((name) => NAME.test(name))),
    remove: (kind, name) => onDisk(() => rm(pathOf(kind, name), { force: true })),
  }
}

/** Whole or not at all, and on the disk before anybody relies on it. */
async function writeDurably(
  path: string,
  content: object,
  place: (draft: string, path: string) => Promise<boolean>,
): Promise<boolean> {
  const folder = dirname(path)
  const draft = `${path}.${randomBytes(8).toString('hex')}.draft`
  const made = await mkdir(folder, { recursive: true, mode: 0o700 })
  try {
    await writeSynced(draft, JSON.stringify(content), { flag: 'wx', mode: 0o600 })
    const placed = await place(draft, path)
    await syncFolder(folder)
    if (made !== undefined) await syncFolder(dirname(folder))
    return placed
  } finally {
    await rm(draft, { force: true })
  }
}

async function linkOnce(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function renameOver(draft: string, path: string): Promise<boolean> {
  await rename(draft, path)
  return true
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

async function readMark(path: string): Promise<object | null> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as object
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/** A mark that cannot be read or written is an error, never taken for one that is not there. */
async function onDisk<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof TypeError) throw cause
    throw new StaffError('ERR_STAFF_MARKS', 'the marks of staff cannot be read or written', { cause })
  }
}
