import { parseDuration, type Clock } from '../kernel/index.ts'
import type { AuditKeys, AuditPeriod } from './audit-keys.ts'
import { removeBodies } from './audit-records.ts'
import type { RunTransaction } from './log.ts'

export interface PruningOptions {
  readonly keys: AuditKeys
  readonly transaction: RunTransaction
  readonly clock: Clock
  readonly retentionMs: number
  /**
   * Asked before keys are destroyed, and where none is due yet: false while the clocks disagree, or
   * anything else speaks against it. Then nothing is destroyed, and it is tried again. Default: nothing
   * speaks against it.
   */
  readonly mayDestroy?: () => Promise<boolean>
}

export interface PrunedPeriod {
  readonly period: number
  readonly entries: number
}

/** A key is destroyed so long before its oldest body reaches the retention: room for a server that is down. */
const EARLY_MS = parseDuration('1d')
/** A rehearsal that a crash interrupted. */
const REHEARSAL_MS = parseDuration('1h')

/** When a period's key is destroyed, in Unix milliseconds. */
export function endOf({ firstEventAt, rehearsal }: AuditPeriod, retentionMs: number): number {
  return firstEventAt + (rehearsal ? REHEARSAL_MS : retentionMs - EARLY_MS)
}

/**
 * Ends the periods that are due: the key is destroyed at its provider, then the bodies go. Leaves and
 * tiles stay, so that every proof still holds. Whatever a crash interrupted is finished by the next call.
 */
export async function prune(options: PruningOptions): Promise<PrunedPeriod[]> {
  const { keys, clock, retentionMs, mayDestroy } = options
  const pruned: PrunedPeriod[] = []
  const may = (await mayDestroy?.()) ?? true
  for (const period of await keys.periods()) {
    const due = period.destroyedAt === null && clock.now() >= endOf(period, retentionMs)
    const interrupted = period.destroyedAt !== null && period.prunedEntries === null
    if (interrupted || (due && may)) pruned.push(await prunePeriod(options, period.period))
  }
  return pruned
}

/** Ends one period now. */
export async function prunePeriod(
  { keys, transaction }: Pick<PruningOptions, 'keys' | 'transaction'>,
  period: number,
): Promise<PrunedPeriod> {
  await keys.destroy(period)
  return { period, entries: await transaction((connection) => removeBodies(connection, period)) }
}
