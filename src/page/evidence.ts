import type { EvidenceEntry, PromiseStanding } from '../verify/index.ts'

/** The log as one page shows it: everything in it belongs to the same checkpoint. */
export interface EvidenceSnapshot {
  /** The signed checkpoint, as published; null while the log has published none. */
  readonly checkpoint: string | null
  /** Entries under the checkpoint. */
  readonly size: number
  /** Standard base64 of the tree's root; null without a checkpoint. */
  readonly rootHash: string | null
  /** The configured witnesses, in their order. */
  readonly witnesses: readonly WitnessView[]
  /** The entries under the checkpoint, in log order. */
  readonly entries: readonly EvidenceEntry[]
  /** Derived from exactly these entries at the snapshot's time. */
  readonly standings: readonly PromiseStanding[]
  /** tlog-proofs by entry index, for the entries that standings rest on. */
  readonly proofs: ReadonlyMap<number, string>
}

/** A configured witness, and what it has confirmed. */
export interface WitnessView {
  readonly name: string
  readonly vkey: string
  /** When it says it cosigned this very checkpoint, in Unix milliseconds; null where it has not. */
  readonly cosignedAt: number | null
  /** Entries of the largest tree that it has cosigned; null while it has cosigned none. */
  readonly size: number | null
  /** True where it refuses because it has seen another log than this one. */
  readonly sawAnother: boolean
}

/** Who makes the promises, and where. */
export interface Site {
  readonly name: string
  /** The configured origin; the evidence log's is `<origin>/evidence`. */
  readonly origin: string
  /** Public base URL without a trailing slash, such as `https://codetime.example`. */
  readonly url: string
  /** Note verifier key of the evidence log. */
  readonly vkey: string
}
