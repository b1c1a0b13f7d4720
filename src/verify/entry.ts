import { fromUtf8, parseCanonicalJson } from '../kernel/index.ts'
import { ENTRY_SHAPES } from './entry-shape.ts'
import { VerifyError, VerifyRunError } from './errors.ts'
import { LIMITS } from './limits.ts'

/** Kinds of evidence that are never mixed. */
export type EvidenceKind = 'measured' | 'attested' | 'inherited'

/** What a promise claims, as declared in the log. */
export interface PromiseClaim {
  /** Id and canonical parameters, `encryption.rest?scope=personal`: what identifies the promise. */
  readonly key: string
  readonly id: string
  readonly params: Readonly<Record<string, string>>
  /** The sentence on the page, as plain text. */
  readonly sentence: string
  readonly evidence: EvidenceKind
  readonly checkedBy: 'self' | 'outside'
  /** `id@version` of the probe; null while no mechanism exists: then it stays unproven. */
  readonly probe: string | null
  /** How long a result counts, in seconds; null where there is no probe. */
  readonly cadenceSeconds: number | null
  readonly cannotProve: readonly string[]
}

interface EntryBase {
  /** Format version of the entry. */
  readonly v: 1
  /** UUIDv7, unique in the log: a restarted sequencer knows by it what is already in. */
  readonly id: string
  /** UTC, milliseconds: `2026-11-22T00:20:00.000Z`. */
  readonly at: string
}

export interface LogOpened extends EntryBase {
  readonly kind: 'log.opened'
  readonly origin: string
  readonly software: string
}
export interface PromiseDeclared extends EntryBase {
  readonly kind: 'promise.declared'
  readonly promise: PromiseClaim
}
/** The same promise with another sentence or other parameters; `previous` is withdrawn by it. */
export interface PromiseChanged extends EntryBase {
  readonly kind: 'promise.changed'
  readonly promise: PromiseClaim
  readonly previous: string
  readonly direction: 'weakened' | 'strengthened' | 'reworded'
}
export interface PromiseWithdrawn extends EntryBase {
  readonly kind: 'promise.withdrawn'
  readonly key: string
}
export interface ProbeStarted extends EntryBase {
  readonly kind: 'probe.started'
  readonly key: string
  readonly run: string
  readonly probe: string
  /** When a run without a result counts as failed to answer. */
  readonly deadline: string
}
export interface ProbeResult extends EntryBase {
  readonly kind: 'probe.result'
  readonly key: string
  readonly run: string
  readonly probe: string
  /** `undecided`: the probe could not run to its end; the promise is then unproven. */
  readonly outcome: 'kept' | 'broken' | 'undecided'
  readonly observed: Observed
}
export interface Observed {
  /** One sentence for the visitor. */
  readonly summary: string
  readonly values: Readonly<Record<string, string | number | boolean>>
}
/** The ladders of keys: `live` opens production, `backup` opens backups. */
export type KeyLadder = 'live' | 'backup'

/** An epoch of keys ended: nothing is wrapped under its key any more. */
export interface KeysRotated extends EntryBase {
  readonly kind: 'keys.rotated'
  readonly ladder: KeyLadder
  /** Number of the epoch that ended; the next one took over. */
  readonly epoch: number
  readonly provider: string
  /** When it began, and by when it was to end. */
  readonly startedAt: string
  readonly dueAt: string
  /** Bucket keys wrapped under the next epoch's key; those of `replaced` are new keys. */
  readonly buckets: number
  readonly replaced: number
  /** Data keys of others in replaced buckets, wrapped again. */
  readonly rewrapped: number
}
/** The key of an ended epoch is destroyed: whatever hung on it alone opens nowhere any more. */
export interface KeysDestroyed extends EntryBase {
  readonly kind: 'keys.destroyed'
  readonly ladder: KeyLadder
  readonly epoch: number
  readonly provider: string
  /** `confirmed`: the provider shows that it is gone; `attested`: the operator's word. */
  readonly evidence: 'confirmed' | 'attested'
}

/** One entry of the evidence log; canonical JSON (RFC 8785) in the log, at most 65,535 bytes. */
export type EvidenceEntry =
  | LogOpened
  | PromiseDeclared
  | PromiseChanged
  | PromiseWithdrawn
  | ProbeStarted
  | ProbeResult
  | KeysRotated
  | KeysDestroyed

/** An entry before the log stamps it. */
export type EvidenceBody = EvidenceEntry extends infer Entry
  ? Entry extends EvidenceEntry
    ? Omit<Entry, 'v' | 'id' | 'at'>
    : never
  : never

/** Format version of the entries that this code writes and reads. */
export const ENTRY_VERSION = 1

/**
 * Reads one entry of the log: strict in shape, and byte for byte the canonical JSON of what it says.
 *
 * @throws VerifyError `ERR_VERIFY_ENTRY_SIZE`, `ERR_VERIFY_ENTRY_CANONICAL`, `ERR_VERIFY_ENTRY_SHAPE`
 * @throws VerifyRunError `ERR_VERIFY_RUN_OUTDATED` for a version or kind that only a newer verifier knows
 */
export function parseEntry(bytes: Uint8Array): EvidenceEntry {
  if (bytes.length > LIMITS.maxEntryBytes) {
    throw new VerifyError('ERR_VERIFY_ENTRY_SIZE', `an entry has ${bytes.length} bytes, the limit is 65535`)
  }
  const value = parseCanonical(bytes)
  const { v, kind } = Object(value) as { v?: unknown; kind?: unknown }
  if (v !== ENTRY_VERSION && typeof v === 'number') {
    throw new VerifyRunError(
      'ERR_VERIFY_RUN_OUTDATED',
      `an entry has format version ${v}; a newer verifier is needed`,
    )
  }
  if (v !== ENTRY_VERSION || typeof kind !== 'string') {
    throw new VerifyError('ERR_VERIFY_ENTRY_SHAPE', 'an entry has no version or no kind')
  }
  if (!isEntryKind(kind)) {
    throw new VerifyRunError(
      'ERR_VERIFY_RUN_OUTDATED',
      'an entry is of an unknown kind; a newer verifier is needed',
    )
  }
  const problem = ENTRY_SHAPES[kind](value, kind)
  if (problem !== null) throw new VerifyError('ERR_VERIFY_ENTRY_SHAPE', problem)
  return value as EvidenceEntry
}

function isEntryKind(kind: string): kind is EvidenceEntry['kind'] {
  return Object.hasOwn(ENTRY_SHAPES, kind)
}

function parseCanonical(bytes: Uint8Array): unknown {
  try {
    return parseCanonicalJson(fromUtf8(bytes))
  } catch (cause) {
    throw new VerifyError(
      'ERR_VERIFY_ENTRY_CANONICAL',
      'an entry is not canonical JSON (RFC 8785) in UTF-8',
      {
        cause,
      },
    )
  }
}
