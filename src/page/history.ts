import type { PromiseChanged, PromiseStanding, PromiseStatus, StatusInterval } from '../verify/index.ts'
import type { EvidenceSnapshot, Site } from './evidence.ts'

/** The claim that took a promise's place. */
export interface Successor {
  readonly direction: PromiseChanged['direction']
  readonly key: string
  readonly sentence: string
  /** UTC, as in the log. */
  readonly at: string
}

/** Everything that ever was with one promise. */
export interface PromiseHistory {
  readonly key: string
  readonly id: string
  readonly sentence: string
  readonly params: Readonly<Record<string, string>>
  readonly declaredAt: string
  readonly withdrawnAt: string | null
  readonly changedTo: Successor | null
  /** Null once withdrawn. */
  readonly status: PromiseStatus | null
  readonly intervals: readonly StatusInterval[]
}

/** `/security/history.json`, format 1. */
export interface HistoryJson {
  readonly schema: 1
  readonly name: string
  readonly origin: string
  readonly generatedAt: string
  readonly checkpoint: string | null
  readonly promises: readonly PromiseHistory[]
}

/** The history of every promise ever declared; withdrawn and changed ones stay in it. */
export function buildHistory(evidence: EvidenceSnapshot): PromiseHistory[] {
  const successors = successorsOf(evidence)
  return evidence.standings.map((standing) => historyOf(standing, successors))
}

export function historyJson(evidence: EvidenceSnapshot, site: Site, now: number): HistoryJson {
  return {
    schema: 1,
    name: site.name,
    origin: site.origin,
    generatedAt: new Date(now).toISOString(),
    checkpoint: evidence.checkpoint,
    promises: buildHistory(evidence),
  }
}

function historyOf(standing: PromiseStanding, successors: ReadonlyMap<string, Successor>): PromiseHistory {
  const { claim, withdrawnAt } = standing
  return {
    key: claim.key,
    id: claim.id,
    sentence: claim.sentence,
    params: claim.params,
    declaredAt: standing.declaredAt,
    withdrawnAt,
    changedTo: withdrawnAt === null ? null : (successors.get(`${claim.key} ${withdrawnAt}`) ?? null),
    status: withdrawnAt === null ? standing.status : null,
    intervals: standing.history,
  }
}

// By key and time: the same promise may be declared, replaced and declared again.
function successorsOf(evidence: EvidenceSnapshot): Map<string, Successor> {
  const successors = new Map<string, Successor>()
  for (const entry of evidence.entries) {
    if (entry.kind !== 'promise.changed') continue
    const { key, sentence } = entry.promise
    successors.set(`${entry.previous} ${entry.at}`, {
      direction: entry.direction,
      key,
      sentence,
      at: entry.at,
    })
  }
  return successors
}
