import type { Clock } from '../kernel/index.ts'
import type { EvidenceEntry, PromiseClaim } from '../verify/index.ts'

/** After a run that could not answer, the next try waits this long. */
const RETRY_MS = 60_000

/**
 * The claims to measure now, the longest overdue first: never measured, past half their cadence, or
 * without an answer at the last try.
 */
export function dueClaims(
  claims: readonly PromiseClaim[],
  entries: readonly EvidenceEntry[],
  clock: Clock,
): PromiseClaim[] {
  const last = lastAttempts(entries)
  const now = clock.now()
  return claims
    .map((claim) => ({ claim, dueAt: dueAt(claim, last.get(claim.key), now) }))
    .filter(({ dueAt: due }) => due <= now)
    .toSorted((a, b) => a.dueAt - b.dueAt)
    .map(({ claim }) => claim)
}

interface Attempt {
  readonly at: number
  readonly decided: boolean
}

function dueAt(claim: PromiseClaim, last: Attempt | undefined, now: number): number {
  if (!claim.probe || claim.cadenceSeconds === null) return Number.POSITIVE_INFINITY
  if (!last) return Number.NEGATIVE_INFINITY
  // The clock was set back: how old that answer is, nobody knows.
  if (last.at > now + RETRY_MS) return Number.NEGATIVE_INFINITY
  return last.at + (last.decided ? claim.cadenceSeconds * 500 : RETRY_MS)
}

function lastAttempts(entries: readonly EvidenceEntry[]): Map<string, Attempt> {
  const last = new Map<string, Attempt>()
  for (const entry of entries) {
    if (entry.kind === 'probe.started') last.set(entry.key, { at: Date.parse(entry.at), decided: false })
    if (entry.kind === 'probe.result') {
      last.set(entry.key, { at: Date.parse(entry.at), decided: entry.outcome !== 'undecided' })
    }
    // A changed claim is measured at once: what was seen before is about another promise.
    if (entry.kind === 'promise.changed' || entry.kind === 'promise.declared') last.delete(entry.promise.key)
  }
  return last
}
