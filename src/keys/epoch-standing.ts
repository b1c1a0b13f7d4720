import type { EpochRecord, Ladder } from './epoch-keys.ts'

/** How long the parts of an epoch's end may take, in milliseconds; the letters are those of the design. */
export interface EpochSchedule {
  /** L and D: how long an epoch lasts. */
  readonly epochMs: Readonly<Record<Ladder, number>>
  /** B: greatest age of a backup; a backup epoch's key outlives its epoch by it. */
  readonly backupAgeMs: number
  /** R: rewrapping, with the longest transaction and the lag of replicas. */
  readonly rewrapMs: number
  /** S: retries of what failed. */
  readonly retriesMs: number
  /** W: how long the provider waits before it destroys a key. */
  readonly waitMs: number
  /** c: greatest difference between clocks that agree. */
  readonly clockErrorMs: number
}

/** Where one ladder stands. Times in Unix milliseconds. */
export interface EpochStanding {
  readonly ladder: Ladder
  readonly epoch: number
  readonly startsAt: number
  /** When the current epoch is to end. */
  readonly endsAt: number
  /** When its end counts as missed: `endsAt + R + c`. */
  readonly missedAt: number
  /** Ended epochs whose keys are not destroyed yet. */
  readonly undestroyed: number
  /** When the oldest of them counts as kept for too long: its time `+ S + W + c`; null where there is none. */
  readonly destroyBy: number | null
  /** The start of the oldest epoch whose key still exists. */
  readonly oldestKeyAt: number
  /** What is overdue; null where nothing is. A promise that rests on this ladder is broken then. */
  readonly problem: 'not-ended' | 'not-destroyed' | null
}

/** Where a ladder stands at `now`, from its recorded epochs. Null before its first epoch. */
export function epochStanding(
  epochs: readonly EpochRecord[],
  ladder: Ladder,
  schedule: EpochSchedule,
  now: number,
): EpochStanding | null {
  const own = epochs.filter((epoch) => epoch.ladder === ladder)
  const current = own.find(({ phase }) => phase === 'current')
  if (!current) return null
  const { clockErrorMs, rewrapMs, retriesMs, waitMs } = schedule
  const endsAt = current.startsAt + schedule.epochMs[ladder]
  const missedAt = endsAt + rewrapMs + clockErrorMs
  const ended = own.filter(({ phase }) => phase === 'ended')
  const destroyBy =
    ended.length === 0
      ? null
      : Math.min(...ended.map(({ destroyAfter }) => destroyAfter!)) + retriesMs + waitMs + clockErrorMs
  const late = destroyBy !== null && now > destroyBy ? 'not-destroyed' : null
  return {
    ladder,
    epoch: current.epoch,
    startsAt: current.startsAt,
    endsAt,
    missedAt,
    undestroyed: ended.length,
    destroyBy,
    oldestKeyAt: Math.min(current.startsAt, ...ended.map(({ startsAt }) => startsAt)),
    problem: now > missedAt ? 'not-ended' : late,
  }
}

/**
 * Since when nothing opens what hung on a data key that was deleted at `deletedAt`: the moment at
 * which the last epoch key was destroyed that could. Null while one exists.
 *
 * A deletion counts for the epoch that had begun last before it, also while that one's
 * predecessor was still being ended.
 *
 * @param deletedAt a moment after the deletion's transaction has committed, with the clock error added:
 *   until then the next epoch's key may still come to wrap what opens the data key, and a backup to
 *   hold it. `erased_at` is too early for that
 */
export function irrecoverableSince(
  epochs: readonly EpochRecord[],
  ladder: Ladder,
  deletedAt: number,
): number | null {
  const begun = epochs.filter((epoch) => epoch.ladder === ladder && epoch.startsAt <= deletedAt)
  if (begun.length === 0) return null
  const destroyed = begun.map(({ destroyedAt }) => destroyedAt)
  return destroyed.includes(null) ? null : Math.max(...destroyed.map((at) => at!))
}
