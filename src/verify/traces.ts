import type { EvidenceEntry, PromiseClaim } from './entry.ts'

/**
 * What the log shows of promises that were taken back or made easier to keep, oldest first. None of it
 * refutes the evidence: it is what a reader of today's page alone would miss.
 */
export function tracesOf(entries: readonly EvidenceEntry[]): string[] {
  const traces: string[] = []
  const claims = new Map<string, PromiseClaim>()
  const ended = new Set<string>()
  for (const entry of entries) {
    if (entry.kind === 'promise.withdrawn' && claims.delete(entry.key)) {
      ended.add(entry.key)
      traces.push(`${entry.key} was withdrawn on ${entry.at.slice(0, 10)}`)
    }
    if (entry.kind === 'promise.declared' && !claims.has(entry.promise.key)) {
      const { key } = entry.promise
      if (ended.has(key)) traces.push(`${key} was promised again on ${entry.at.slice(0, 10)}`)
      claims.set(key, entry.promise)
    }
    if (entry.kind === 'promise.changed') {
      const { promise, previous, direction, at } = entry
      const before = claims.get(previous)
      const how = before ? easingOf(before, promise) : null
      if (how !== null || direction === 'weakened') {
        const called = direction === 'weakened' ? '' : `, though the log calls it ${direction}`
        traces.push(
          `${previous} was weakened on ${at.slice(0, 10)} (${how ?? `now ${promise.key}`})${called}`,
        )
      }
      if (before && claims.delete(previous)) ended.add(previous)
      claims.set(promise.key, promise)
    }
  }
  return traces
}

/** What became easier, whatever the parameters mean; null where nothing did. */
function easingOf(before: PromiseClaim, after: PromiseClaim): string | null {
  if (before.probe !== null && after.probe === null) return 'nothing checks it any more'
  if (before.evidence === 'measured' && after.evidence !== 'measured') return `now only ${after.evidence}`
  if (before.checkedBy === 'outside' && after.checkedBy === 'self') return 'no longer checked from outside'
  const [earlier, later] = [before.cadenceSeconds, after.cadenceSeconds]
  if (earlier !== null && later !== null && later > earlier)
    return `a result counts for ${later} seconds, before ${earlier}`
  return null
}
