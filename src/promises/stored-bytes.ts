import type { ProbeContext } from './probe-context.ts'
import type { Needle } from './search/needle.ts'
import { createByteSearch } from './search/search-bytes.ts'
import { searchFolder } from './search/search-folder.ts'

export interface StoredSearch {
  /** Where needles lie: a file below the searched folder, or a table. */
  readonly hits: readonly { readonly label: string; readonly encoding: string; readonly place: string }[]
  /** Files or cells that were read. */
  readonly places: number
  readonly bytes: number
  readonly kind: 'files' | 'cells'
}

/**
 * Looks for needles in everything that is stored: the database's own files with its write-ahead log
 * and the data folder where they can be opened, else every cell through SQL. The key folder is left
 * out: keys are there on purpose.
 */
export async function searchStored(context: ProbeContext, needles: readonly Needle[]): Promise<StoredSearch> {
  const { database, dataDir, keys } = context
  const except = keys.folder ? [keys.folder] : []
  const folders = [...new Set([database.folder, dataDir].filter((folder) => folder !== null))]
  const outermost = folders.filter((folder) => !folders.some((other) => folder.startsWith(`${other}/`)))
  const found = { hits: [] as StoredSearch['hits'][number][], places: 0, bytes: 0 }
  for (const folder of outermost) {
    const before = found.places
    const search = await searchFolder(folder, needles, {
      except,
      onFile: (files, bytes) =>
        context.progress(before + files, null, `files read, ${Math.round(bytes / 1e6)} MB`),
    })
    found.hits.push(...search.hits.map(({ label, encoding, file }) => ({ label, encoding, place: file })))
    found.places += search.files
    found.bytes += search.bytes
  }
  if (database.folder !== null) return { ...found, kind: 'files' }
  return { ...(await searchCells(context, needles, found)), kind: 'cells' }
}

async function searchCells(
  { database, progress }: ProbeContext,
  needles: readonly Needle[],
  so: Omit<StoredSearch, 'kind'>,
): Promise<Omit<StoredSearch, 'kind'>> {
  const search = createByteSearch(needles)
  const hits = [...so.hits]
  let { places, bytes } = so
  for await (const { table, text } of database.cells()) {
    const cell = Buffer.from(text)
    search.scan(cell, ({ label, encoding }) => hits.push({ label, encoding, place: table }))
    places += 1
    bytes += cell.length
    if (places % 1_000 === 0) progress(places, null, 'cells read')
  }
  return { hits, places, bytes }
}
