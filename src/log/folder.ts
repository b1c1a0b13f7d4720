import { randomBytes } from 'node:crypto'
import { link, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { syncFolder, writeSynced } from '../database/index.ts'

const TEMPORARY = '.tmp-'

/**
 * The folder a log is published from. What `write` and `claim` have acknowledged survives a crash of
 * the process and of the machine; a reader sees a file whole or not at all.
 */
export interface LogFolder {
  /** Bytes of a file; null where there is none. */
  read(path: string): Promise<Uint8Array | null>
  /** Writes or replaces a file. */
  write(path: string, bytes: Uint8Array): Promise<void>
  /** Creates a file that must not exist yet; false where it does. Of two processes one wins. */
  claim(path: string, bytes: Uint8Array): Promise<boolean>
  /** Removes a file or a folder, if it is there. */
  remove(path: string): Promise<void>
  /** Names directly in the folder, or in one below it. */
  names(path?: string): Promise<string[]>
  /** Removes files that a crash left half-written. Only for the one process that writes. */
  tidy(): Promise<void>
}

/** Paths are relative to `root`, in the fixed forms that the log itself makes. */
export function createLogFolder(root: string): LogFolder {
  const place = async (path: string, bytes: Uint8Array, put: (from: string, to: string) => Promise<void>) => {
    const target = join(root, path)
    await makeFolder(dirname(target))
    const temporary = join(dirname(target), TEMPORARY + randomBytes(8).toString('hex'))
    try {
      await writeSynced(temporary, bytes, { flag: 'wx', mode: 0o644 })
      await put(temporary, target)
    } finally {
      await rm(temporary, { force: true })
    }
    await syncFolder(dirname(target))
  }
  return {
    read: (path) => readFile(join(root, path)).catch(nullIfMissing),
    write: (path, bytes) => place(path, bytes, rename),
    async claim(path, bytes) {
      try {
        await place(path, bytes, link)
        return true
      } catch (error) {
        if (codeOf(error) === 'EEXIST') return false
        throw error
      }
    },
    remove: (path) => rm(join(root, path), { recursive: true, force: true }),
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
