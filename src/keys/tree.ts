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
}

export interface BlindIndex {
  readonly resource: string
  readonly field: string
  readonly tenant: string | null
}
