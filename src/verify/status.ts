import type { EvidenceEntry, Observed, PromiseChanged, PromiseClaim } from './entry.ts'
import { parseMoment } from '../kernel/index.ts'
import { LIMITS } from './limits.ts'
import { PromiseTrack } from './status-track.ts'
import type { NumberedResult } from './status-track.ts'

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

/** Something in the log that an honest system does not write; it counts for nothing in any status. */
export interface Irregularity {
  /** Index of the entry in the log. */
  readonly index: number
  readonly message: string
}

export interface DerivedEvidence {
  readonly standings: PromiseStanding[]
  readonly irregularities: Irregularity[]
}

/** The standing of every promise ever declared, in the order of first declaration. */
export const deriveStandings: DeriveStandings = (entries, now) => deriveEvidence(entries, now).standings

/**
 * Turns evidence into statuses; the server and the verifier run this same rule.
 *
 * Kept: the newest result says so and is within its cadence. Broken: the newest deciding result says
 * so, however old, and however the declaration was changed since. Unproven: everything else, reached by itself when a cadence or a deadline passes.
 */
export function deriveEvidence(entries: readonly EvidenceEntry[], now: number): DerivedEvidence {
  const evidence = createEvidence()
  const irregularities = evidence.read(entries)
  return { standings: evidence.standingsAt(now), irregularities }
}

/** A log on its way through the rule of {@link deriveEvidence}; each entry is read once. */
export interface Evidence {
  /** Entries read. */
  readonly size: number
  /** Reads further entries, in log order; says which of them are irregular. */
  read(entries: readonly EvidenceEntry[]): Irregularity[]
  /** The standings, from all entries read, at any moment (Unix ms) since the last of them. */
  standingsAt(nowMs: number): PromiseStanding[]
}

export function createEvidence(): Evidence {
  const tracks = new Map<string, PromiseTrack>()
  const runs: Runs = new Map()
  let size = 0
  return {
    get size() {
      return size
    },
    read(entries) {
      const irregularities: Irregularity[] = []
      for (const entry of entries) {
        const index = size++
        const message = apply(entry, index, tracks, runs)
        if (message !== null) irregularities.push({ index, message })
      }
      return irregularities
    },
    standingsAt(nowMs) {
      return Array.from(tracks.values(), (track) => {
        const then = track.copy()
        then.advance(nowMs)
        return then.standing(nowMs)
      })
    },
  }
}

/** Every run ever started, by its id. */
type Runs = Map<string, { readonly key: string; readonly probe: string; answered: boolean }>

/** Moves the promise an entry is about; says what is irregular, if anything. */
function apply(
  entry: EvidenceEntry,
  index: number,
  tracks: Map<string, PromiseTrack>,
  runs: Runs,
): string | null {
  switch (entry.kind) {
    case 'log.opened':
    // What became of keys is told for readers; a promise about it rests on its probe.
    case 'keys.rotated':
    case 'keys.destroyed':
      return null
    case 'promise.declared':
      return declare(tracks, entry.promise, entry.at)
    case 'promise.changed':
      return change(tracks, entry)
    case 'promise.withdrawn': {
      const track = inForce(tracks, entry.key, entry.at)
      track?.withdraw(entry.at, 'withdrawn')
      return track ? null : 'a promise that is not in force was withdrawn'
    }
    case 'probe.started': {
      const track = inForce(tracks, entry.key, entry.at)
      if (!track) return 'a check was started for a promise that is not in force'
      if (entry.probe !== track.claim.probe)
        return 'a check was started with a probe that the promise does not name'
      if (runs.has(entry.run)) return 'a check was started twice under one run id'
      if (track.pending >= LIMITS.maxPendingRuns)
        return 'more checks were started at once than may be under way'
      runs.set(entry.run, { key: entry.key, probe: entry.probe, answered: false })
      track.start(index, entry)
      return null
    }
    case 'probe.result': {
      const run = runs.get(entry.run)
      if (run?.key !== entry.key || run.probe !== entry.probe) return 'a result has no started check'
      if (run.answered) return 'a check has a second result'
      run.answered = true
      // A run overtaken by a change or withdrawal of its promise is nobody's fault, and nobody's proof.
      const track = inForce(tracks, entry.key, entry.at)
      if (track?.awaits(entry.run)) track.result(index, entry)
      return null
    }
  }
}

function declare(
  tracks: Map<string, PromiseTrack>,
  claim: PromiseClaim,
  at: string,
  failure: NumberedResult | null = null,
): string | null {
  const track = tracks.get(claim.key)
  if (!track) {
    tracks.set(claim.key, new PromiseTrack(claim, at, failure))
    return null
  }
  if (track.withdrawnAt === null) return 'a promise that is in force was declared again'
  track.declare(claim, at, failure ?? track.failure)
  return null
}

function change(tracks: Map<string, PromiseTrack>, entry: PromiseChanged): string | null {
  const { promise, previous, direction, at } = entry
  const before = inForce(tracks, previous, at)
  if (before && previous === promise.key) {
    before.declare(promise, at)
    return null
  }
  if (!before && tracks.get(promise.key)?.withdrawnAt === null)
    return 'a promise that is not in force was changed'
  before?.withdraw(
    at,
    direction === 'reworded' ? `reworded as ${promise.key}` : `${direction} to ${promise.key}`,
  )
  const problem = declare(tracks, promise, at, before?.failure)
  return before ? problem : 'a promise that is not in force was changed'
}

function inForce(tracks: Map<string, PromiseTrack>, key: string, at: string): PromiseTrack | null {
  const track = tracks.get(key)
  if (!track || track.withdrawnAt !== null) return null
  track.advance(parseMoment(at))
  return track
}
