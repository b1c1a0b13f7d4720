import { randomBytes } from 'node:crypto'
import { link, mkdir, open, readdir, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { syncFolder, writeSynced } from '../database/index.ts'

const TEMPORARY = '.tmp-'

/**
 * The folder a log is published from. A reader sees a file whole or not at all. What `write`, `claim`
 * and `sync` have acknowledged survives a crash of the process and of the machine.
 */
export interface LogFolder {
  /** Bytes of a file; null where there is none. */
  read(path: string): Promise<Uint8Array | null>
  /** Writes or replaces a file. */
  write(path: string, bytes: Uint8Array): Promise<void>
  /** Writes or replaces a file that a crash of the machine may take back, or tear, until `sync`. */
  put(path: string, bytes: Uint8Array): Promise<void>
  /** Makes files that were put durable. */
  sync(paths: readonly string[]): Promise<void>
  /**
   * Creates a file that must not exist yet; false where it does. Of two processes one wins. A crash of
   * the machine meanwhile can leave the beginning of it.
   */
  claim(path: string, bytes: Uint8Array): Promise<boolean>
  /** Removes a file or a folder, if it is there; a crash of the machine may bring it back. */
  remove(path: string): Promise<void>
  /** Names directly in the folder, or in one below it. */
  names(path?: string): Promise<string[]>
  /** Removes files that a crash left half-written. Only for the one process that writes. */
  tidy(): Promise<void>
}

type Draft = (temporary: string, bytes: Uint8Array) => Promise<void>
type Naming = (temporary: string, target: string) => Promise<void>
const draft: Draft = (path, bytes) => writeFile(path, bytes, { flag: 'wx', mode: 0o644 })
const syncedDraft: Draft = (path, bytes) => writeSynced(path, bytes, { flag: 'wx', mode: 0o644 })

/** Paths are relative to `root`, in the fixed forms that the log itself makes. */
export function createLogFolder(root: string): LogFolder {
  const place = async (path: string, bytes: Uint8Array, write: Draft, put: Naming) => {
    const target = join(root, path)
    const temporary = join(dirname(target), TEMPORARY + randomBytes(8).toString('hex'))
    try {
      await write(temporary, bytes).catch(async (error: unknown) => {
        if (codeOf(error) !== 'ENOENT') throw error
        await makeFolder(dirname(target))
        await write(temporary, bytes)
      })
      await put(temporary, target)
    } catch (error) {
      await rm(temporary, { force: true })
      throw error
    }
  }
  return {
    read: (path) => readFile(join(root, path)).catch(nullIfMissing),
    async write(path, bytes) {
      await place(path, bytes, syncedDraft, rename)
      await syncFolder(dirname(join(root, path)))
    },
    put: (path, bytes) => place(path, bytes, draft, rename),
    async sync(paths) {
      const files = paths.map((path) => join(root, path))
      await Promise.all(files.map(syncFile))
      await Promise.all([...new Set(files.map(dirname))].map(syncFolder))
    },
    async claim(path, bytes) {
      try {
        await place(path, bytes, draft, linkOnly)
        const target = join(root, path)
        // Together they are one wait for the disk; content before name would be two.
        await Promise.all([syncFile(target), syncFolder(dirname(target))])
        return true
      } catch (error) {
        if (codeOf(error) === 'EEXIST') return false
        throw error
      }
    },
    remove: (path) => rm(join(root, path), { recursive: true, force: true, maxRetries: 3 }),
    async names(path = '') {
      return (await readdir(join(root, path)).catch(nullIfMissing)) ?? []
    },
    async tidy() {
      const files = (await readdir(root, { recursive: true, withFileTypes: true }).catch(nullIfMissing)) ?? []
      const left = files.filter((file) => file.isFile() && file.name.startsWith(TEMPORARY))
      await Promise.all(left.map((file) => rm(join(file.parentPath, file.name), { force: true })))
    },
  }
}

/** Gives a file its name, which must be free, and takes the other away. */
async function linkOnly(temporary: string, target: string): Promise<void> {
  await link(temporary, target)
  await unlink(temporary)
}

/** Resolves once a file's content is on the disk, whoever wrote it. */
async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Makes a folder durably: every folder that gained a child is synced. */
async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true })
  if (first === undefined) return
  for (let at = path; at.length >= first.length; at = dirname(at)) await syncFolder(dirname(at))
}

function nullIfMissing(error: unknown): null {
  if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return null
  throw error
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
