import { z } from 'zod'
import { definePromise } from './definition.ts'
import { undeclaredTables } from './live-schema.ts'

/** Every kind of record is kept for a stated purpose on a stated lawful basis (GDPR Art. 5, 6 and 30). */
export const privacyLawfulBasis = definePromise({
  id: 'privacy.lawful-basis',
  evidence: 'measured',
  checkedBy: 'self',
  version: 1,
  cadence: '1d',
  parameters: z.strictObject({}),
  // A resource without purpose, basis or retention cannot be defined at all.
  check: () => [],
  cannotProve: () => ['That the stated purpose is the true one, and that a court would accept the basis.'],

  async probe({ config, database }) {
    const live = await database.tables()
    const strangers = undeclaredTables(config, live)
    const resources = Object.values(config.resources)
    const bases = new Set(resources.map(({ basis }) => basis))
    const values = { tables: live.length, resources: resources.length, withoutPurpose: strangers.length }
    if (strangers.length > 0) {
      const summary = `${strangers.length} tables hold data for which no purpose is declared, ${strangers[0]} among them.`
      return { outcome: 'broken', summary, values }
    }
    const summary = `All ${resources.length} kinds of record in the live database state purpose, lawful basis (${[...bases].join(', ')}) and retention.`
    return { outcome: 'kept', summary, values }
  },
})
