import { z } from 'zod'
import type { EpochStanding } from '../keys/index.ts'
import { definePromise } from './definition.ts'
import { bytesNeedles } from './search/needle.ts'
import { controlMissed, searchStored, STORED_BYTES } from './stored-bytes.ts'

/** Most data keys whose bytes are searched for in one run, beside all provider and bucket keys. */
const MOST_DATA_KEYS = 200

/** Keys are kept apart from the data they open, and none lives longer than declared. */
export const encryptionKeysApart = definePromise({
  id: 'encryption.keys-apart',
  evidence: 'measured',
  checkedBy: 'self',
  version: 2,
  cadence: '6h',
  lane: STORED_BYTES,
  takes: '2s',
  parameters: z.strictObject({}),
  check: () => [],
  cannotProve: () => [
    'That no administrator can reach both.',
    'Keys in the memory of the running app, and memory that the system swaps out.',
  ],

  async probe(context) {
    const placement = await context.keys.placement()
    const material = await context.keys.material(MOST_DATA_KEYS)
    const needles = material.flatMap(({ label, bytes }) => bytesNeedles(label, bytes))
    const overdue = overdueOf(await context.keys.epochs())
    const { hits, places, bytes, controlFound } = await searchStored(context, needles)
    const values = {
      provider: context.keys.provider,
      keys: material.length,
      found: hits.length,
      placesSearched: places,
      megabytesSearched: Math.round(bytes / 1e6),
      placementProblems: placement.length,
      overdueLadders: overdue.length,
      plantedFound: controlFound,
    }
    if (placement[0]) return { outcome: 'broken', summary: `${placement[0]}.`, values }
    if (overdue[0]) return { outcome: 'broken', summary: overdue[0], values }
    const [hit] = hits
    if (hit)
      return {
        outcome: 'broken',
        summary: `The bytes of a ${hit.label} were found (${hit.encoding}) in ${hit.place}.`,
        values,
      }
    if (!controlFound) return controlMissed(values)
    if (material.length === 0)
      return { outcome: 'undecided', summary: 'There was no key to search for yet.', values }
    const summary = `None of ${material.length} keys was found in ${places} stored files or cells (raw, hex, base64); the keys lie outside the database, closed to others, and none has outlived its epoch.`
    return { outcome: 'kept', summary, values }
  },
})

/** In words, which keys exist for longer than declared. */
function overdueOf(ladders: readonly EpochStanding[]): string[] {
  const day = (ms: number): string =>
    new Date(ms)
      .toISOString()
      .replace(/:\d\d\.\d{3}Z$/, ' UTC')
      .replace('T', ' ')
  return ladders.flatMap(({ ladder, epoch, endsAt, destroyBy, problem }) => {
    if (problem === 'not-ended')
      return [`Epoch ${epoch} of the ${ladder} keys was to end on ${day(endsAt)}, and has not ended.`]
    if (problem === 'not-destroyed')
      return [`A key of the ${ladder} ladder was to be destroyed by ${day(destroyBy!)}, and still exists.`]
    return []
  })
}
