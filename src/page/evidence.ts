import type { EvidenceEntry, PromiseStanding } from '../verify/index.ts'

/** The log as one page shows it: everything in it belongs to the same checkpoint. */
export interface EvidenceSnapshot {
  /** The signed checkpoint, as published; null while the log has published none. */
  readonly checkpoint: string | null
  /** Entries under the checkpoint. */
  readonly size: number
  /** Standard base64 of the tree's root; null without a checkpoint. */
  readonly rootHash: string | null
  /** True when the checkpoint carries a witness's cosignature. */
  readonly witnessed: boolean
  /** The entries under the checkpoint, in log order. */
  readonly entries: readonly EvidenceEntry[]
  /** Derived from exactly these entries at the snapshot's time. */
  readonly standings: readonly PromiseStanding[]
  /** tlog-proofs by entry index, for the entries that standings rest on. */
  readonly proofs: ReadonlyMap<number, string>
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
