import { createId, parseDuration, toHex, type Duration } from '../kernel/index.ts'
import type { KeyProvider } from '../keys/index.ts'
import { formatVerifierKey } from '../verify/index.ts'
import { openBodies, sealBodies, splitLeaves, type OpenedBody } from './audit-bodies.ts'
import { decodeEvent, encodeEvents, type AuditEntry, type AuditEvent } from './audit-event.ts'
import { createAuditKeys, type AuditBatch, type AuditKeys, type AuditPeriod } from './audit-keys.ts'
import { createAuditNotes, type AuditNotes } from './audit-notes.ts'
import { endOf, prune, type PrunedPeriod, type PruningOptions } from './audit-pruning.ts'
import { createAuditReader, type AuditReader } from './audit-reader.ts'
import {
  appendStatement,
  readBacklog,
  readBodies,
  type AuditBacklog,
  type AuditStatement,
} from './audit-records.ts'
import { rehearsePruning, type PruningRehearsal } from './audit-rehearsal.ts'
import { createLogFolder } from './folder.ts'
import { openLog, type LogOptions, type SequencedLog } from './log.ts'
import { verifierKeyOf } from './published.ts'
import { readServed } from './reader.ts'
import type { LeafFormat } from './sequencer.ts'
import { createTicker } from './ticker.ts'

export interface AuditLogOptions extends Omit<LogOptions, 'name' | 'leaves'> {
  /** The log's identity for life, `<system origin>/audit`; the signer's key bears it as its name. */
  readonly origin: string
  /** Where the keys of bodies lie. */
  readonly provider: KeyProvider
  /** How long bodies can be opened at most; at least `"12d"`. Default `"1y"`. */
  readonly retention?: Duration
  readonly mayDestroy?: PruningOptions['mayDestroy']
}

/** An entry as its holder can show it. */
export interface OpenedEntry extends OpenedBody {
  readonly entry: AuditEntry
}

/** How long bodies reach back, and what became of those that ended. */
export interface AuditRetention {
  readonly retentionMs: number
  readonly periods: readonly AuditPeriod[]
  /** When the next key is destroyed, in Unix milliseconds; null where there is none. */
  readonly nextPruneAt: number | null
}

/**
 * The log of who did what. Its leaves are commitments that tell nothing; what was done lies beside
 * them, sealed, and can be opened until the key of its period dies.
 */
export interface AuditLog
  extends
    Pick<SequencedLog, 'wake' | 'flush' | 'failure'>,
    Omit<AuditReader, 'checkpoint'>,
    Pick<AuditNotes, 'note'> {
  readonly origin: string
  /** Text of the log's verifier key. */
  readonly vkey: string
  /**
   * One statement that records events: run it in the transaction of what it records, under the app's
   * role or the owner's, and call `wake` after the commit.
   * @throws LogError `ERR_LOG_ENTRY`, `ERR_LOG_PERIOD`
   */
  statement(events: readonly AuditEvent[]): Promise<AuditStatement>
  /** Records events in a transaction of their own. */
  record(events: readonly AuditEvent[]): Promise<void>
  checkpoint: AuditReader['checkpoint']
  /** Entries that can still be opened, from `sinceMs` on, oldest first. @throws LogError `ERR_LOG_BODY` */
  entries(sinceMs: number): AsyncIterable<OpenedEntry>
  backlog(): Promise<AuditBacklog>
  retention(): Promise<AuditRetention>
  /** The keys that open bodies now, in the clear: for the library's own probes; the caller overwrites them. */
  keyMaterial(): Promise<Buffer[]>
  /** Ends the periods that are due. The server does so by itself every hour. */
  prune(): Promise<PrunedPeriod[]>
  /** Ends a period made for it, and looks whether its entry is closed and still proven. */
  rehearsePruning(): Promise<PruningRehearsal>
  /** Bytes to serve below the log's prefix (`checkpoint`, `vkey`, `tile/…`), or null. */
  read(path: string): Promise<Uint8Array | null>
  close(): Promise<void>
}

const LEAVES: LeafFormat = {
  stamp: (_, body) => splitLeaves(body),
  idOf: toHex,
  timeOf: () => 0,
}
const PRUNE_EVERY_MS = parseDuration('1h')

/**
 * Opens the audit log. The server does so with `access: { mode: 'sequence', signer }`, others with
 * `{ mode: 'append' }`. A server's first entry of each start says that it started.
 *
 * @throws LogError those of {@link openLog}; `ERR_LOG_NOT_OPENED` for `append` before the server's first
 *   start; `ERR_LOG_ORIGIN`, `ERR_LOG_RETENTION`, `ERR_LOG_PERIOD`
 */
export async function openAuditLog(options: AuditLogOptions): Promise<AuditLog> {
  const { origin, provider, transaction, clock, access } = options
  const verifier = await verifierKeyOf(options, origin)
  const retentionMs = parseDuration(options.retention ?? '1y')
  const keys = createAuditKeys({ provider, transaction, clock, retentionMs })
  const log = await openLog({ ...options, name: 'audit', leaves: LEAVES })
  const reader = createAuditReader(createLogFolder(options.folder), verifier)
  const audit = createAuditLog({ options, log, keys, reader, retentionMs, vkey: formatVerifierKey(verifier) })
  try {
    if (access.mode === 'sequence') {
      await audit.record([{ kind: 'system.started' }])
      await audit.prune()
    }
    return audit
  } catch (error) {
    await audit.close()
    throw error
  }
}

interface Parts {
  readonly options: AuditLogOptions
  readonly log: SequencedLog
  readonly keys: AuditKeys
  readonly reader: AuditReader
  readonly retentionMs: number
  readonly vkey: string
}

function createAuditLog(parts: Parts): AuditLog {
  const { options, log, keys, reader, vkey } = parts
  const { origin, transaction, clock, logger, folder } = options
  const seal = (events: readonly AuditEvent[], { key, ...place }: AuditBatch): AuditStatement => {
    const [id, at] = [createId(clock), clock.now()]
    return appendStatement(sealBodies({ ...place, id, at }, key, encodeEvents(events, { id, at })))
  }
  const run = async ({ sql, parameters }: AuditStatement): Promise<void> => {
    await transaction((connection) => connection.query(sql, parameters))
    log.wake()
  }
  const statement = async (events: readonly AuditEvent[]): Promise<AuditStatement> =>
    seal(events, await keys.current())
  const record = async (events: readonly AuditEvent[]): Promise<void> => run(await statement(events))
  const notes = createAuditNotes({
    record,
    onTrouble: (lost, err) => logger.error({ lost, err }, 'audit events could not be recorded yet'),
  })
  const pruneDue = (): Promise<PrunedPeriod[]> => pruneAndRecord(parts, record)
  const pruner = options.access.mode === 'sequence' ? keepPruning(pruneDue, options) : null
  return {
    ...reader,
    origin,
    vkey,
    statement,
    record,
    note: (event) => notes.note(event),
    wake: () => log.wake(),
    failure: () => log.failure(),
    async flush(how) {
      await notes.flush()
      await log.flush(how)
    },
    entries: (sinceMs) => readEntries(parts, sinceMs),
    backlog: () => transaction(readBacklog),
    retention: () => readRetention(parts),
    keyMaterial: () => keys.material(),
    prune: pruneDue,
    async rehearsePruning() {
      const append = async (batch: AuditBatch): Promise<void> => {
        await run(seal([{ kind: 'audit.rehearsed' }], batch))
        await log.flush()
      }
      return rehearsePruning({ keys, reader, transaction, clock, append, vkey })
    },
    read: (path) => readServed(folder, path),
    async close() {
      await pruner?.close()
      await notes.flush()
      await log.close()
    },
  }
}

async function pruneAndRecord(
  { options: { transaction, clock, mayDestroy }, keys, retentionMs }: Parts,
  record: AuditLog['record'],
): Promise<PrunedPeriod[]> {
  const pruned = await prune({ keys, transaction, clock, retentionMs, ...(mayDestroy && { mayDestroy }) })
  if (pruned.length > 0)
    await record(pruned.map(({ period, entries }) => ({ kind: 'audit.pruned', period, entries })))
  return pruned
}

async function readRetention({ keys, retentionMs }: Parts): Promise<AuditRetention> {
  const periods = await keys.periods()
  const live = periods.filter(({ destroyedAt }) => destroyedAt === null)
  const ends = live.map((period) => endOf(period, retentionMs))
  return { retentionMs, periods, nextPruneAt: ends.length > 0 ? Math.min(...ends) : null }
}

function keepPruning(
  work: () => Promise<unknown>,
  { clock, logger }: Pick<LogOptions, 'clock' | 'logger'>,
): { close(): Promise<void> } {
  const job = async (): Promise<void> => {
    await work().catch((err: unknown) =>
      logger.error({ err }, 'audit bodies could not be pruned; trying again'),
    )
  }
  return createTicker(job, { clock, pauseMs: PRUNE_EVERY_MS, pollMs: PRUNE_EVERY_MS })
}

async function* readEntries({ options, keys }: Parts, sinceMs: number): AsyncGenerator<OpenedEntry> {
  const opened = new Map<string, Awaited<ReturnType<AuditKeys['open']>>>()
  for await (const stored of readBodies(options.transaction, sinceMs)) {
    const where = `${stored.period}/${stored.batch}`
    if (!opened.has(where)) opened.set(where, await keys.open(stored.period, stored.batch))
    const key = opened.get(where)
    // Its period was ended while we read.
    if (!key) continue
    for (const body of openBodies(stored, key)) yield { ...body, entry: decodeEvent(body.body) }
  }
}
