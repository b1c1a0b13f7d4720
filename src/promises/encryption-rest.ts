import { z } from 'zod'
import { sealedFields, type SuretyConfig } from '../declare/index.ts'
import { withCanaryRows } from './canary-rows.ts'
import { createMarker } from './canaries.ts'
import { definePromise, type Measurement } from './definition.ts'
import { openEnvelopes } from './open-envelopes.ts'
import type { ProbeContext } from './probe-context.ts'
import { textNeedles } from './search/needle.ts'
import { controlMissed, searchStored, STORED_BYTES, type StoredSearch } from './stored-bytes.ts'

/** Data is sealed with AES-256-GCM wherever it is stored. */
export const encryptionRest = definePromise({
  id: 'encryption.rest',
  evidence: 'measured',
  checkedBy: 'self',
  version: 1,
  cadence: '6h',
  lane: STORED_BYTES,
  takes: '2s',
  deadline: '15m',
  parameters: z.strictObject({
    /** `personal`: the fields of people that are not declared clear; `all`: no clear field of people at all. */
    scope: z.enum(['personal', 'all']).default('personal'),
  }),
  compare: (before, after) =>
    before.scope === after.scope ? 'reworded' : after.scope === 'all' ? 'strengthened' : 'weakened',

  check(config, { scope }) {
    const [first] = scope === 'all' ? clearFieldsOfPeople(config) : []
    return first
      ? [
          {
            key: `resources.${first}`,
            problem: 'is stored in the clear',
            mend: 'seal it, or promise encryption.rest?scope=personal',
          },
        ]
      : []
  },

  cannotProve(config) {
    const clear = clearFieldsOfPeople(config)
    return [
      'An attacker inside the running app: it can open what it serves.',
      'Values inside compressed streams of the database.',
      ...(clear.length > 0
        ? [`Fields stored in the clear, each with its reason on /security/data: ${clear.join(', ')}.`]
        : []),
      ...(config.canary
        ? []
        : [
            'What the app’s own routes store: no canary functions are configured, so the library’s own interface is measured.',
          ]),
    ]
  },

  async probe(context, { scope }) {
    const clear = scope === 'all' ? clearFieldsOfPeople(context.config) : []
    const search = await searchForCanary(context)
    const envelopes = await openEnvelopes(context)
    const values = {
      found: search.stored.hits.length,
      placesSearched: search.stored.places,
      megabytesSearched: Math.round(search.stored.bytes / 1e6),
      plantedFound: search.stored.controlFound,
      through: search.through,
      envelopes: envelopes.total,
      opened: envelopes.opened,
      failed: envelopes.failed,
      clearFields: clear.length,
    }
    return judge(search, values, clear)
  },
})

function judge(search: CanarySearch, values: Measurement['values'], clear: readonly string[]): Measurement {
  const [hit] = search.stored.hits
  if (hit)
    return {
      outcome: 'broken',
      summary: `A sealed value was found in the clear (${hit.encoding}) in ${hit.place}.`,
      values,
    }
  if (values['failed']) {
    return {
      outcome: 'broken',
      summary: `${values['failed']} of ${values['opened']} stored envelopes do not open.`,
      values,
    }
  }
  if (clear[0])
    return {
      outcome: 'broken',
      summary: `${clear.length} fields of people are stored in the clear, ${clear[0]} among them.`,
      values,
    }
  if (!search.stored.controlFound) return controlMissed(values)
  if (search.resources.length === 0)
    return { outcome: 'undecided', summary: 'No resource took the canary’s row.', values }
  const what =
    search.stored.kind === 'files' ? 'files of the database and the data folder' : 'cells of the database'
  const summary = `A canary’s sealed values were not found in ${search.stored.places} ${what} (plain, UTF-16, hex, base64), a planted clear one was; ${values['opened']} of ${values['envelopes']} stored envelopes were opened, all sound.`
  return { outcome: 'kept', summary, values }
}

interface CanarySearch {
  readonly stored: StoredSearch
  readonly through: 'http' | 'library'
  readonly resources: readonly string[]
}

async function searchForCanary(context: ProbeContext): Promise<CanarySearch> {
  const marker = createMarker()
  return withCanaryRows(context, marker, null, async ({ through, resources }) => {
    const stored = await searchStored(context, textNeedles('canary', marker))
    return { stored, through, resources }
  })
}

function clearFieldsOfPeople(config: SuretyConfig): string[] {
  return Object.values(config.resources)
    .filter(({ subjects }) => subjects.length > 0)
    .flatMap((resource) => {
      const sealed = new Set(sealedFields(resource))
      return Object.entries(resource.fields)
        .filter(([name, { kind }]) => kind !== 'id' && !sealed.has(name))
        .map(([name]) => `${resource.name}.${name}`)
    })
}
