import { z } from 'zod'
import type { CanaryIntent } from '../declare/index.ts'
import { withCanaryRows } from './canary-rows.ts'
import { canariesOf, createMarker } from './canaries.ts'
import { definePromise } from './definition.ts'
import { missingColumns, undeclaredColumns, undeclaredTables } from './live-schema.ts'
import type { ProbeContext } from './probe-context.ts'
import { textNeedles } from './search/needle.ts'
import { controlMissed, searchStored, STORED_BYTES } from './stored-bytes.ts'

type Place = NonNullable<CanaryIntent['undeclared']>['place']
const PLACES: readonly Place[] = ['body', 'header', 'query']

/** Only what the data map lists is accepted and stored. */
export const dataDeclaredFields = definePromise({
  id: 'data.declared-fields',
  evidence: 'measured',
  checkedBy: 'self',
  version: 1,
  cadence: '6h',
  lane: STORED_BYTES,
  takes: '2s',
  parameters: z.strictObject({}),
  check: () => [],

  cannotProve: ({ canary }) => [
    'What the client gathers before it sends, and the meaning of free text.',
    ...(canary
      ? []
      : [
          'What the app itself accepts over HTTP: no canary functions are configured, so the library’s own interface is measured.',
        ]),
  ],

  async probe(context) {
    const live = await context.database.tables()
    const strangers = [...undeclaredTables(context.config, live), ...undeclaredColumns(context.config, live)]
    const missing = missingColumns(context.config, live)
    const smuggled = await smuggle(context)
    const values = {
      requests: smuggled.requests,
      through: smuggled.through,
      stored: smuggled.stored.length,
      placesSearched: smuggled.searched,
      plantedFound: smuggled.controlFound,
      columns: live.reduce((sum, { columns }) => sum + columns.length, 0),
      undeclared: strangers.length,
      missing: missing.length,
    }
    const problem =
      smuggled.stored[0] ??
      (strangers[0] && `${strangers[0]} is in the database, but nothing declares it`) ??
      (missing[0] && `${missing[0]} is declared, but not in the database`)
    if (problem) return { outcome: 'broken', summary: `${problem}.`, values }
    if (!smuggled.controlFound) return controlMissed(values)
    if (smuggled.requests === 0)
      return { outcome: 'undecided', summary: 'No resource took the canary’s row.', values }
    const who = smuggled.through === 'http' ? 'An ordinary account' : 'A probe at the library’s interface'
    const summary = `${who} sent undeclared values in ${smuggled.requests} writes; none was found in ${smuggled.searched} stored places, and all ${values.columns} live columns are declared.`
    return { outcome: 'kept', summary, values }
  },
})

interface Smuggled {
  readonly requests: number
  readonly through: 'http' | 'library'
  readonly searched: number
  readonly controlFound: boolean
  /** What was stored although undeclared, in words. */
  readonly stored: readonly string[]
}

async function smuggle(context: ProbeContext): Promise<Smuggled> {
  const places = canariesOf(context) ? PLACES : (['body'] as const)
  const sent = places.map((place) => ({ name: `surety${createMarker()}`, value: createMarker(), place }))
  let requests = 0
  let through: Smuggled['through'] = 'library'
  for (const undeclared of sent) {
    await withCanaryRows(context, createMarker(), undeclared, async (written) => {
      requests += written.resources.length
      through = written.through
    })
  }
  // Searched after the rows are gone: what was stored for a moment is in the write-ahead log.
  const needles = sent.flatMap(({ place, name, value }) => [
    ...textNeedles(`a value in the ${place}`, value),
    ...textNeedles(`a name in the ${place}`, name.toLowerCase()),
    ...textNeedles(`a name in the ${place}`, name),
  ])
  const { hits, places: searched, controlFound } = await searchStored(context, needles)
  return {
    requests,
    through,
    searched,
    controlFound,
    stored: hits.map(({ label, place }) => `${label} that nothing declares was stored (${place})`),
  }
}
