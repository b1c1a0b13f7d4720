import type { EvidenceEntry, Observed, PromiseClaim } from './entry.ts'

export type PromiseStatus = 'kept' | 'broken' | 'unproven'

/** A stretch of a promise's history with one status; `until` is null for the one that lasts. */
export interface StatusInterval {
  readonly status: PromiseStatus
  readonly from: string
  readonly until: string | null
  /** Why, for a person: "last checked 3 hours after its cadence". */
  readonly reason: string
}

/** Where one promise stands, derived from the log alone. */
export interface PromiseStanding {
  readonly claim: PromiseClaim
  readonly status: PromiseStatus
  readonly reason: string
  readonly declaredAt: string
  readonly observed: Observed | null
  readonly checkedAt: string | null
  readonly validUntil: string | null
  /** Index in the log of the result that the status rests on; null while unproven. */
  readonly entryIndex: number | null
  readonly history: readonly StatusInterval[]
  readonly withdrawnAt: string | null
}

/** The standing of every promise ever declared, from all entries in log order, at `now` (Unix ms). */
export type DeriveStandings = (entries: readonly EvidenceEntry[], now: number) => PromiseStanding[]
