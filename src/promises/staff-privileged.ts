import { z } from 'zod'
import { isDuration, parseDuration } from '../kernel/index.ts'
import { definePromise } from './definition.ts'

const RIGHTS = ['database', 'host', 'deploy', 'keys'] as const

/** It is known who holds rights that no grant limits: database, hosts, deployments, keys. */
export const staffPrivileged = definePromise({
  id: 'staff.privileged',
  evidence: 'attested',
  checkedBy: 'self',
  version: 1,
  cadence: '1d',
  parameters: z.strictObject({
    /** How often the register is gone through: `1y`, `90d`. */
    reviewed: z
      .string()
      .refine((text) => isDuration(text) && parseDuration(text) > 0, 'write a duration such as 1y')
      .default('1y'),
  }),
  compare(before, after) {
    const [old, now] = [parseDuration(before.reviewed), parseDuration(after.reviewed)]
    return now === old ? 'reworded' : now > old ? 'weakened' : 'strengthened'
  },

  check: ({ staff }) => {
    const missing = RIGHTS.filter((right) => !staff?.privileged?.holdings.some((one) => one.right === right))
    return missing.map((right) => ({
      key: 'staff.privileged',
      problem: `names no holder of rights over ${right}`,
      mend: `add { right: '${right}', holder: 'the position', until: 'YYYY-MM-DD' }`,
    }))
  },

  cannotProve: () => [
    'That the register is complete: somebody wrote it down, nothing measures who else holds such a right.',
    'That a right ended on the day the register says.',
  ],

  async probe({ config, clock }, { reviewed }) {
    const register = config.staff?.privileged
    if (!register) return { outcome: 'undecided', summary: 'There is no register.', values: {} }
    const now = clock.now()
    const endOf = (day: string): number => Date.parse(day) + 86_400_000
    const ended = register.holdings.filter(({ until }) => endOf(until) <= now)
    const missing = RIGHTS.filter((right) => !register.holdings.some((one) => one.right === right))
    const age = Math.floor((now - Date.parse(register.reviewed)) / 86_400_000)
    const values = {
      holders: register.holdings.length,
      ended: ended.length,
      rightsWithoutHolder: missing.length,
      reviewedDaysAgo: age,
    }
    if (age < 0)
      return { outcome: 'broken', summary: 'The register says that it was reviewed in the future.', values }
    if (now - Date.parse(register.reviewed) > parseDuration(reviewed))
      return { outcome: 'broken', summary: `The register was last gone through ${age} days ago.`, values }
    if (ended.length > 0)
      return {
        outcome: 'broken',
        summary: `${ended.length} holdings stand in the register beyond their last day.`,
        values,
      }
    if (missing.length > 0)
      return {
        outcome: 'broken',
        summary: `The register names no holder of rights over ${missing.join(', ')}.`,
        values,
      }
    const summary = `The register names ${values.holders} holders by position, each with a last day ahead, and was gone through ${age} days ago.`
    return { outcome: 'kept', summary, values }
  },
})
