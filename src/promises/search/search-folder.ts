import type { Dirent } from 'node:fs'
import { open, readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { Needle } from './needle.ts'
import { createByteSearch, type ByteSearch } from './search-bytes.ts'

export interface SearchHit {
  readonly label: string
  readonly encoding: Needle['encoding']
  /** Path from the searched folder. */
  readonly file: string
}

export interface FolderSearch {
  readonly hits: readonly SearchHit[]
  readonly files: number
  readonly bytes: number
  /** Files that vanished or could not be read while the search ran; a live server renames its own. */
  readonly unread: readonly string[]
}

export interface FolderSearchOptions {
  /** Folders to leave out, as absolute paths. */
  readonly except?: readonly string[]
  /** Called after each file. */
  readonly onFile?: (files: number, bytes: number) => void
  /** Most hits to collect before the search ends early. Default 1,000. */
  readonly maxHits?: number
}

const CHUNK_BYTES = 4 * 1024 * 1024

/** Reads every file below `folder`, whatever its kind, and looks for the needles in its raw bytes. */
export async function searchFolder(
  folder: string,
  needles: readonly Needle[],
  { except = [], onFile, maxHits = 1_000 }: FolderSearchOptions = {},
): Promise<FolderSearch> {
  const search = createByteSearch(needles)
  // One buffer for all files: a server has thousands of small ones.
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES)
  const found = { hits: new Map<string, SearchHit>(), files: 0, bytes: 0, unread: [] as string[] }
  for await (const path of filesBelow(folder, except, found.unread)) {
    const file = relative(folder, path)
    try {
      found.bytes += await searchFile(path, buffer, search, ({ label, encoding }) => {
        found.hits.set(`${file}\0${label}\0${encoding}`, { label, encoding, file })
      })
      found.files += 1
    } catch {
      found.unread.push(file)
    }
    onFile?.(found.files, found.bytes)
    if (found.hits.size >= maxHits) break
  }
  return { ...found, hits: [...found.hits.values()] }
}

async function* filesBelow(
  folder: string,
  except: readonly string[],
  unread: string[],
): AsyncGenerator<string> {
  let members: Dirent[]
  try {
    members = await readdir(folder, { withFileTypes: true })
  } catch {
    unread.push(folder)
    return
  }
  for (const member of members) {
    const path = join(folder, member.name)
    if (except.includes(path)) continue
    if (member.isDirectory()) yield* filesBelow(path, except, unread)
    else if (member.isFile()) yield path
  }
}

async function searchFile(
  path: string,
  buffer: Buffer,
  search: ByteSearch,
  hit: (needle: Needle) => void,
): Promise<number> {
  const file = await open(path, 'r')
  try {
    let kept = 0
    let total = 0
    for (;;) {
      const { bytesRead } = await file.read(buffer, kept, CHUNK_BYTES - kept, null)
      if (bytesRead === 0) return total
      total += bytesRead
      const filled = kept + bytesRead
      search.scan(buffer.subarray(0, filled), hit)
      kept = Math.min(search.overlap, filled)
      buffer.copyWithin(0, filled - kept, filled)
    }
  } finally {
    await file.close()
  }
}
