import { parseDuration } from '../kernel/index.ts'
import { catalogue } from '../promises/index.ts'
import type { PromiseClaim } from '../verify/index.ts'

const DEFAULT_TAKES = '1s'

/**
 * Claims in lanes: those of one lane are measured one after the other, lanes beside each other. A probe
 * that names no lane has its own. The lane that takes longest comes first.
 */
export function lanesOf(claims: readonly PromiseClaim[]): (readonly PromiseClaim[])[] {
  const lanes = Map.groupBy(claims, ({ id }) => catalogue.get(id)?.lane?.name ?? id)
  const takes = (lane: readonly PromiseClaim[]): number =>
    lane.reduce((sum, { id }) => sum + parseDuration(catalogue.get(id)?.takes ?? DEFAULT_TAKES), 0)
  return [...lanes.values()].toSorted((a, b) => takes(b) - takes(a))
}

/**
 * Runs every lane, at most `most` at once, each from its first item to its last. What rejects ends its
 * own lane; the others go on, and the first reason is thrown when all have ended.
 */
export async function runLanes<Item>(
  lanes: readonly (readonly Item[])[],
  most: number,
  run: (item: Item) => Promise<void>,
): Promise<void> {
  const waiting = lanes.values()
  const failures: unknown[] = []
  const worker = async (): Promise<void> => {
    for (const lane of waiting) {
      try {
        for (const item of lane) await run(item)
      } catch (error) {
        failures.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(most, lanes.length) }, worker))
  if (failures.length > 0) throw failures[0]
}
