import { z } from 'zod'
import type { Principal } from '../access/index.ts'
import { SuretyError } from '../kernel/index.ts'
import { createMarker } from './canaries.ts'
import { definePromise, type Measurement } from './definition.ts'
import type { ProbeContext } from './probe-context.ts'
import { sampleId, sampleRow } from './sample-row.ts'

/** Employees may not look at customer data without a need that a second person has confirmed. */
export const staffAccessControlled = definePromise({
  id: 'staff.access-controlled',
  evidence: 'measured',
  checkedBy: 'self',
  version: 3,
  cadence: '6h',
  parameters: z.strictObject({}),

  check: ({ staff }) =>
    staff
      ? []
      : [
          {
            key: 'staff',
            problem: 'is not declared',
            mend: 'declare staff.roles: who may ask, who may approve',
          },
        ],

  cannotProve: () => [
    'That a purpose which two people signed is a real need.',
    'That two people who sign for each other do not act together. Who asks and who signs go back to different founders of the staff, so that nobody signs by way of whom they appointed; that two founders are two people, whoever named them says.',
    'What a superuser of the database or the root of a host does: they need no grant.',
  ],

  async probe(context) {
    const { staff } = context
    if (!staff) return { outcome: 'undecided', summary: 'No staff is declared.', values: {} }
    const standing = await staff.standing()
    const trials = await tryWithoutGrant(context)
    const values = {
      trials: trials.tried,
      reached: trials.reached.length,
      activeStaff: standing.active,
      founders: standing.founders,
      openGrants: standing.open,
      refusedGrants: standing.unverified,
      overdueReviews: standing.overdueReviews,
      unjustified: standing.unjustified,
      lostGrants: standing.lost,
    }
    return judge(trials.reached, standing.enough, values)
  },
})

function judge(reached: readonly string[], enough: boolean, values: Measurement['values']): Measurement {
  if (reached.length > 0) {
    const summary = `An operator without a grant reached rows ${reached.length} times; the first: ${reached[0]}.`
    return { outcome: 'broken', summary, values }
  }
  for (const [name, what] of Object.entries(UNSETTLED)) {
    if (Number(values[name]) > 0) return { outcome: 'broken', summary: `${values[name]} ${what}.`, values }
  }
  if (!enough) {
    const summary = `There are ${values['activeStaff']} active members of staff with a passkey, who go back to ${values['founders']} founders: with fewer than three, one asks, another approves, and nobody is left to review; and whom one founder brought in do not sign for each other.`
    return { outcome: 'undecided', summary, values }
  }
  const summary = `An operator without a grant was refused in all ${values['trials']} trials; ${values['openGrants']} grants are open, every use of which checks a second person’s signature; no review is overdue, and what was not justified had a consequence.`
  return { outcome: 'kept', summary, values }
}

/** What became of broken glass that nobody may leave at that. */
const UNSETTLED: Readonly<Record<string, string>> = {
  overdueReviews: 'accesses with broken glass were not reviewed in time',
  unjustified: 'accesses with broken glass were not justified, and nobody has written down what followed',
  lostGrants: 'grants of broken glass are gone from the database, or changed in it',
}

interface Trials {
  readonly tried: number
  readonly reached: readonly string[]
}

/** On every resource: an operator with no grant, with one that does not exist, and with a user’s roles. */
async function tryWithoutGrant(context: ProbeContext): Promise<Trials> {
  const { config, clock } = context
  const invented = (name: string): string => sampleId(config.origin, 'staff.access-controlled', name)
  const [tenant, subject] = [invented('tenant home'), invented('asker')]
  const roles = [...Object.keys(config.roles), ...Object.keys(config.staff?.roles ?? {})]
  const bare: Principal = { kind: 'operator', id: subject, tenant, roles }
  const askers: readonly Principal[] = [bare, { ...bare, grant: invented('no grant') }]
  const reached: string[] = []
  let tried = 0
  for (const resource of Object.values(config.resources)) {
    const db = context.as(context.system('probe.staff.access-controlled', [resource.name]))
    const row = sampleRow(resource, { tenant, subject }, createMarker(), clock)
    const { id } = await db.insertInto(resource.name).values(row).returning('id').executeTakeFirstOrThrow()
    for (const asker of askers) {
      tried += 1
      const operator = context.as(asker)
      const found = await operator.selectFrom(resource.name).select('id').execute().catch(refused)
      if (found.length > 0) reached.push(`rows of ${resource.name}`)
    }
    await db.deleteFrom(resource.name).where('id', '=', String(id)).execute()
    context.progress(tried, null, 'trials without a grant')
  }
  return { tried, reached }
}

function refused(error: unknown): [] {
  if (error instanceof SuretyError && /^ERR_(STAFF|ACCESS)_|^ERR_STORE_FORBIDDEN$/.test(error.code)) return []
  throw error
}
