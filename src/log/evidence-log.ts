import { canonicalBytes, createId, formatMoment, fromUtf8, SuretyError, utf8 } from '../kernel/index.ts'
import { deriveStandings, ENTRY_VERSION, formatVerifierKey, parseEntry } from '../verify/index.ts'
import type { EvidenceBody, EvidenceEntry, PromiseStanding, VerifierKey } from '../verify/index.ts'
import type { Connection } from '../database/index.ts'
import { LogError } from './errors.ts'
import { createLogFolder } from './folder.ts'
import { openLog } from './log.ts'
import type { LogOptions, SequencedLog } from './log.ts'
import { verifierKeyOf } from './published.ts'
import type { PublishedCheckpoint } from './published.ts'
import { createLogReader, readServed } from './reader.ts'
import type { LogReader, Published } from './reader.ts'
import type { LeafFormat } from './sequencer.ts'
import { readCosignatureLines } from './witness/cosigned-note.ts'

export interface EvidenceLogOptions extends Omit<LogOptions, 'name' | 'leaves'> {
  /** The log's identity for life, `<system origin>/evidence`; the signer's key bears it as its name. */
  readonly origin: string
  /** Name and version of what opened the log, for its first entry. Default `surety`. */
  readonly software?: string
}

/** The evidence log at one checkpoint: everything read from it belongs together. */
export interface EvidenceSnapshot {
  readonly checkpoint: PublishedCheckpoint
  readonly entries: readonly EvidenceEntry[]
  /** Bytes of an entry as logged. @throws LogError `ERR_LOG_NO_ENTRY` */
  leaf(index: number): Uint8Array
  /** Text of an entry's tlog-proof at this checkpoint. @throws LogError `ERR_LOG_NO_ENTRY`, `ERR_LOG_TAMPERED` */
  proof(index: number): Promise<string>
  /** Where every promise stands at `nowMs`. */
  standings(nowMs: number): PromiseStanding[]
}

/** The public log of what was promised, checked and found. */
export interface EvidenceLog extends Pick<SequencedLog, 'wake' | 'flush' | 'failure' | 'close'> {
  readonly origin: string
  /** Text of the log's verifier key. */
  readonly vkey: string
  /**
   * Queues entries; version, id and time are stamped by the log. On a given connection they are
   * queued in its transaction: call `wake` after the commit. Returns the entries' ids.
   * @throws LogError `ERR_LOG_ENTRY` for a body that no verifier would accept
   */
  append(bodies: readonly EvidenceBody[], connection?: Connection): Promise<string[]>
  /** The log at its present checkpoint; null before the first. @throws LogError `ERR_LOG_TAMPERED` */
  snapshot(): Promise<EvidenceSnapshot | null>
  /** Every published entry. */
  entries(): Promise<readonly EvidenceEntry[]>
  standings(nowMs: number): Promise<PromiseStanding[]>
  /** The tlog-proof of an entry at the present checkpoint, with the cosignatures that this has. */
  proof(index: number): Promise<string>
  checkpoint(): Promise<PublishedCheckpoint | null>
  /** Bytes to serve below the log's prefix (`checkpoint`, `vkey`, `tile/…`), or null. */
  read(path: string): Promise<Uint8Array | null>
}

/**
 * Opens the evidence log. The server does so with `access: { mode: 'sequence', signer }`, others with
 * `{ mode: 'append' }`: they see what the server publishes through the folder.
 *
 * @throws LogError those of {@link openLog}; `ERR_LOG_NOT_OPENED` for `append` before the server's first
 *   start; `ERR_LOG_ORIGIN` where key and origin differ
 */
export async function openEvidenceLog(options: EvidenceLogOptions): Promise<EvidenceLog> {
  const { origin, software = 'surety', clock } = options
  const key = await verifierKeyOf(options, origin)
  const genesis = (atMs: number): Uint8Array =>
    canonicalBytes(stamp(createId(clock), { kind: 'log.opened', origin, software }, atMs))
  const log = await openLog({ ...options, name: 'evidence', leaves: { ...EVIDENCE_LEAVES, genesis } })
  return createEvidenceLog(log, key, options)
}

function createEvidenceLog(
  log: SequencedLog,
  key: VerifierKey,
  { origin, folder, clock }: EvidenceLogOptions,
): EvidenceLog {
  const reader = createLogReader(createLogFolder(folder), key)
  const parsed: EvidenceEntry[] = []
  let last: { published: Published; snapshot: EvidenceSnapshot } | null = null
  const snapshot = async (): Promise<EvidenceSnapshot | null> => {
    const published = await reader.refresh()
    if (published === null) return null
    if (last?.published === published) return last.snapshot
    while (parsed.length < published.leaves.length) parsed.push(parseEntry(published.leaves[parsed.length]!))
    last = {
      published,
      snapshot: createSnapshot(reader, published, parsed.slice(0, published.leaves.length)),
    }
    return last.snapshot
  }
  return {
    origin,
    vkey: formatVerifierKey(key),
    append: async (bodies, connection) =>
      log.append(
        bodies.map((body) => encodeBody(body, clock.now())),
        connection,
      ),
    wake: () => log.wake(),
    flush: (options) => log.flush(options),
    failure: () => log.failure(),
    close: () => log.close(),
    snapshot,
    entries: async () => (await snapshot())?.entries ?? [],
    standings: async (nowMs) => (await snapshot())?.standings(nowMs) ?? [],
    checkpoint: async () => (await snapshot())?.checkpoint ?? null,
    async proof(index) {
      const at = await snapshot()
      if (at === null) throw new LogError('ERR_LOG_NO_ENTRY', 'the log has no checkpoint yet')
      const lines = await readCosignatureLines(createLogFolder(folder), utf8(at.checkpoint.note))
      return (await at.proof(index)) + fromUtf8(lines)
    },
    read: (path) => readServed(folder, path),
  }
}

function createSnapshot(
  reader: LogReader,
  published: Published,
  entries: readonly EvidenceEntry[],
): EvidenceSnapshot {
  return {
    checkpoint: published.checkpoint,
    entries,
    leaf(index) {
      const leaf = published.leaves[index]
      if (leaf === undefined) throw new LogError('ERR_LOG_NO_ENTRY', `the log has no entry ${index}`)
      return leaf
    },
    proof: (index) => reader.proof(published, index),
    standings: (nowMs) => deriveStandings(entries, nowMs),
  }
}

const EVIDENCE_LEAVES: LeafFormat = {
  stamp: (id, body, atMs) => [canonicalBytes(stamp(id, JSON.parse(fromUtf8(body)) as EvidenceBody, atMs))],
  idOf: (leaf) => readStamp(leaf).id,
  timeOf: (leaf) => Date.parse(readStamp(leaf).at),
}

/** Of a leaf this log made itself: readers check the whole entry. */
function readStamp(leaf: Uint8Array): Pick<EvidenceEntry, 'id' | 'at'> {
  return JSON.parse(fromUtf8(leaf)) as EvidenceEntry
}

function stamp(id: string, body: EvidenceBody, atMs: number): object {
  return { ...body, v: ENTRY_VERSION, id, at: formatMoment(atMs) }
}

/** Canonical bytes of a body, after proof that its entry will be one that verifiers accept. */
function encodeBody(body: EvidenceBody, nowMs: number): Uint8Array {
  const anyId = '00000000-0000-7000-8000-000000000000'
  try {
    parseEntry(canonicalBytes(stamp(anyId, body, nowMs)))
    return canonicalBytes(body)
  } catch (cause) {
    const what = cause instanceof SuretyError ? cause.message : 'it has no canonical JSON'
    throw new LogError('ERR_LOG_ENTRY', `this entry cannot be logged: ${what}`, { cause })
  }
}
