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

/** One entry of the evidence log; canonical JSON (RFC 8785) in the log, at most 65,535 bytes. */
export type EvidenceEntry =
  | LogOpened
  | PromiseDeclared
  | PromiseChanged
  | PromiseWithdrawn
  | ProbeStarted
  | ProbeResult

/** An entry before the log stamps it. */
export type EvidenceBody = EvidenceEntry extends infer Entry
  ? Entry extends EvidenceEntry
    ? Omit<Entry, 'v' | 'id' | 'at'>
    : never
  : never
