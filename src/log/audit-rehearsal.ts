import { equalBytes, parseDuration, type Clock } from '../kernel/index.ts'
import { commitAuditEntry, parseVerifierKey, verifyTlogProof } from '../verify/index.ts'
import { openBodies, type OpenedBody } from './audit-bodies.ts'
import type { AuditBatch, AuditKeys } from './audit-keys.ts'
import { prunePeriod } from './audit-pruning.ts'
import type { AuditReader } from './audit-reader.ts'
import { readBodies } from './audit-records.ts'
import { LogError } from './errors.ts'
import type { RunTransaction } from './log.ts'

/** What a rehearsal of pruning saw; each must be as the name says. */
export interface PruningRehearsal {
  /** The entry could be opened, and was what its leaf commits to. Must be true, or nothing was shown. */
  readonly openedBefore: boolean
  /** Must be false, as must be the next. */
  readonly openedAfter: boolean
  /** A copy of the wrapped key, taken before, as an old backup would hold it. */
  readonly copyOpenedAfter: boolean
  /** Must be true. */
  readonly provenAfter: boolean
}

export interface RehearsalOptions {
  readonly keys: AuditKeys
  readonly reader: AuditReader
  readonly transaction: RunTransaction
  readonly clock: Clock
  /** Appends one entry under that batch; resolves when it is published. */
  readonly append: (batch: AuditBatch) => Promise<void>
  readonly vkey: string
}

/** Where ids of a shifted clock may lie. */
const CLOCK_SLACK_MS = parseDuration('1h')

/** Seals an entry under a period of its own, ends that period, and looks what is left. */
export async function rehearsePruning(options: RehearsalOptions): Promise<PruningRehearsal> {
  const { keys, transaction, append } = options
  const batch = await keys.rehearse()
  await append(batch)
  const before = await findBody(options, batch)
  if (!before) throw new LogError('ERR_LOG_BODY', 'the entry of a rehearsal is not stored')
  const copyOpens = await keys.copyWrap(batch.period)
  const copyOpenedBefore = await copyOpens()
  await prunePeriod({ keys, transaction }, batch.period)
  return {
    openedBefore:
      copyOpenedBefore && equalBytes(commitAuditEntry(before.salt, before.body), before.commitment),
    openedAfter:
      (await findBody(options, batch)) !== null || (await keys.open(batch.period, batch.batch)) !== null,
    copyOpenedAfter: await copyOpens(),
    provenAfter: await isProven(options, before.commitment),
  }
}

async function findBody(
  { keys, transaction, clock }: RehearsalOptions,
  { period, batch }: AuditBatch,
): Promise<OpenedBody | null> {
  for await (const stored of readBodies(transaction, clock.now() - CLOCK_SLACK_MS)) {
    if (stored.period !== period) continue
    const key = await keys.open(period, batch)
    return key && (openBodies(stored, key)[0] ?? null)
  }
  return null
}

async function isProven({ reader, vkey }: RehearsalOptions, leaf: Uint8Array): Promise<boolean> {
  const proven = await reader.prove(leaf)
  if (!proven) return false
  const { index } = await verifyTlogProof(proven.proof, leaf, parseVerifierKey(vkey))
  return index === proven.index
}
