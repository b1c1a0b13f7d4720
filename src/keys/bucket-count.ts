/** Buckets at first, and the step in which their number grows. */
export const BUCKETS = 4096
/** Most buckets: the bound of the column. */
export const MOST_BUCKETS = 65_536

/**
 * The bucket of a data key among `count` buckets, drawn from the key's random id. `count` is a
 * multiple of 4,096, so that after a growth a key either stays or moves to a bucket that is a
 * multiple of 4,096 away: only what is rewrapped anyway moves, and nothing has to.
 */
export function bucketOf(id: string, count: number): number {
  // The last 48 bits of a UUIDv4 are random.
  return Number.parseInt(id.slice(-12), 16) % count
}

/**
 * The number of buckets for the coming epoch. Ending an epoch with N buckets wraps the N bucket keys
 * and all data keys of the buckets that a deletion touched: N + subjects · (1 − (1 − 1∕N)^deletions),
 * which for deletions ≪ N is N + subjects · deletions ∕ N, least at √(subjects · deletions). There it
 * costs 2 · √(deletions ∕ subjects) of wrapping every data key again. The nearest multiple of 4,096; it
 * doubles at most, so that one day of many deletions does not settle it, and it never shrinks.
 */
export function growBuckets(current: number, subjects: number, deletions: number): number {
  const best = Math.round(Math.sqrt(subjects * deletions) / BUCKETS) * BUCKETS
  return Math.max(current, Math.min(best, current * 2, MOST_BUCKETS))
}
