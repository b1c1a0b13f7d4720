import type { KeyObject } from 'node:crypto'
import type { Connection } from '../database/index.ts'

/** Who owns a data key: one subject in one tenant. For rows sealed for a tenant, `subject` equals `tenant`. */
export interface KeyOwner {
  readonly tenant: string
  readonly subject: string
}

/** An opened data key. Objects are shared and cached: never export the key. */
export interface DataKey {
  readonly id: string
  readonly tenant: string
  readonly subject: string
  readonly key: KeyObject
}

/** The tree of keys: epoch key → bucket keys → data keys. */
export interface KeyTree {
  /**
   * The data keys of `owners`, in order, for sealing. Missing keys are minted inside the caller's
   * transaction; each row is locked `FOR KEY SHARE` until it ends, so an erasure cannot overtake.
   * @throws KeysError `ERR_KEYS_ERASED` when a subject is erased: it never gets a key again
   */
  forWriting(connection: Connection, owners: readonly KeyOwner[]): Promise<DataKey[]>
  /** The data keys with these ids that still exist; erased ones are absent from the map. */
  forReading(connection: Connection, ids: readonly string[]): Promise<Map<string, DataKey>>
  /**
   * The HMAC key of a blind index: per tenant and field, or per installation where `tenant` is null.
   * Derived from a data key of the tenant's own (or the installation's), so it dies with it.
   */
  blindIndexKey(connection: Connection, index: BlindIndex): Promise<KeyObject>
  /**
   * The data key of an owner as its row was read last; null where it was not, and while the key
   * provider has not answered for the declared time. It may be erased by now: whoever uses it shows inside the same transaction that the row still is as it was, by
   * `holdKeys` before a write or by reading `readKeyOf` and comparing with `isSameKey` after a read.
   */
  recall(owner: KeyOwner): RecalledKey | null
  /** {@link blindIndexKey} from what was read last, under the conditions of `recall`. */
  recallBlindIndexKey(index: BlindIndex): (RecalledKey & { readonly index: KeyObject }) | null
  /**
   * The data keys of rows that were just read, by id, tombstones left out; null where a row does not
   * open under its bucket's key of this moment: read it again, with `forReading`.
   */
  openRead(rows: readonly DataKeyRow[]): Promise<Map<string, DataKey> | null>
}

/** A data key's row. `wrapped` is null in a tombstone. */
export interface DataKeyRow extends KeyOwner {
  readonly id: string
  readonly bucket: number
  readonly wrapped: Buffer | null
}

/** A data key and the row it was opened from. */
export interface RecalledKey {
  readonly row: DataKeyRow
  readonly key: DataKey
}

export interface BlindIndex {
  readonly resource: string
  readonly field: string
  readonly tenant: string | null
}
