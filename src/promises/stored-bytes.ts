import { isWithin } from '../database/index.ts'
import { createMarker } from './canaries.ts'
import type { Lane, Measurement } from './definition.ts'
import type { ProbeContext } from './probe-context.ts'
import { textNeedles, type Needle } from './search/needle.ts'
import { createByteSearch } from './search/search-bytes.ts'
import { searchFolder } from './search/search-folder.ts'

export interface StoredSearch {
  /** Where needles lie: a file below the searched folder, or a table. */
  readonly hits: readonly { readonly label: string; readonly encoding: string; readonly place: string }[]
  /** Files or cells that were read. */
  readonly places: number
  readonly bytes: number
  readonly kind: 'files' | 'cells'
  /** The search also found a value that was planted in the clear for it: without that it proves nothing. */
  readonly controlFound: boolean
}

type Found = Omit<StoredSearch, 'kind' | 'controlFound'>

const CONTROL = 'planted control'

/** For probes that search: see {@link searchStored}. */
export const STORED_BYTES: Lane = {
  name: 'stored bytes',
  because: 'there is one place for the planted value: a second search would take it from the first',
}

/** What a probe says whose search did not find its own control. */
export function controlMissed(values: Measurement['values']): Measurement {
  return {
    outcome: 'undecided',
    summary: 'The search did not find the value that was planted for it.',
    values,
  }
}

/**
 * Looks for needles in everything that is stored: the database's own files with its write-ahead log
 * and the data folder where they can be opened, else every cell through SQL. The key folder is left
 * out: keys are there on purpose. A control is planted before each search.
 */
export async function searchStored(context: ProbeContext, needles: readonly Needle[]): Promise<StoredSearch> {
  const control = createMarker()
  await context.database.plant(control)
  const wanted = [...needles, ...textNeedles(CONTROL, control)]
  const found = await searchFolders(context, wanted)
  const reached = context.database.folder !== null
  const { hits, ...rest } = reached ? found : await searchCells(context, wanted, found)
  return {
    ...rest,
    hits: hits.filter(({ label }) => label !== CONTROL),
    kind: reached ? 'files' : 'cells',
    controlFound: hits.some(({ label }) => label === CONTROL),
  }
}

async function searchFolders(context: ProbeContext, needles: readonly Needle[]): Promise<Found> {
  const { database, dataDir, keys } = context
  const except = keys.folder ? [keys.folder] : []
  const folders = [...new Set([database.folder, dataDir].filter((folder) => folder !== null))]
  const outermost = folders.filter((folder) =>
    folders.every((other) => other === folder || !isWithin(other, folder)),
  )
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
  return found
}

async function searchCells(
  { database, progress }: ProbeContext,
  needles: readonly Needle[],
  so: Found,
): Promise<Found> {
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
