import { notice } from '../ui/index.ts'
import type { Child } from '../ui/index.ts'
import type { PageModel } from './model.ts'
import { countOf } from './words.ts'

/** How far a page is on which some promise that has a probe was never measured. */
interface FirstMeasurement {
  readonly measured: number
  /** Promises with a probe. */
  readonly of: number
  /** Never measured, and being measured now. */
  readonly underWay: number
}

/** Null once every promise with a probe was measured, whatever came of it. */
export function firstMeasurement({
  promises,
  evidence,
  generatedAt,
}: Pick<PageModel, 'promises' | 'evidence' | 'generatedAt'>): FirstMeasurement | null {
  const probed = [...promises.values()].filter(({ probe }) => probe !== null)
  const unmeasured = new Set(probed.filter(({ checkedAt }) => checkedAt === null).map(({ key }) => key))
  if (unmeasured.size === 0) return null
  const runs = new Map<string, string>()
  for (const entry of evidence.entries) {
    if (entry.kind === 'probe.started' && Date.parse(entry.deadline) > generatedAt)
      runs.set(entry.run, entry.key)
    if (entry.kind === 'probe.result') runs.delete(entry.run)
  }
  const underWay = new Set([...runs.values()].filter((key) => unmeasured.has(key))).size
  return { measured: probed.length - unmeasured.size, of: probed.length, underWay }
}

/** Says so, since everything reads as unproven until then. */
export function firstMeasurementNotice(model: PageModel): Child {
  const found = firstMeasurement(model)
  if (!found) return null
  const { measured, of, underWay } = found
  const until = 'A promise reads as unproven until its first result is in.'
  return underWay > 0
    ? notice(
        'unsure',
        `Being measured for the first time: ${measured} of ${of} done`,
        `${countOf(underWay, 'promise')} under way at this moment. ${until} Load the page again to see more.`,
      )
    : notice('unsure', `${measured} of ${of} promises that have a probe were measured so far`, until)
}
