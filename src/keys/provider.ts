/**
 * What a provider can say about a destroyed key: seen to be gone, or somebody's word, or an end that
 * is fixed but has not come (the key is refused until then, and whoever runs the provider could still
 * cancel it).
 */
export type DestructionEvidence = 'confirmed' | 'attested' | 'scheduled'

/** A key of a provider that was opened for many operations in a row. */
export interface OpenedProviderKey {
  wrap(plaintext: Uint8Array, context: Uint8Array): Uint8Array | Promise<Uint8Array>
  /** @throws KeysError `ERR_KEYS_UNWRAP` */
  unwrap(wrapped: Uint8Array, context: Uint8Array): Uint8Array | Promise<Uint8Array>
}

export interface ProviderKey {
  /** The provider's own name of the key. */
  readonly id: string
  /** What it was made with. */
  readonly label: string
  readonly createdAt: number
  /** `ending`: nothing is unwrapped any more, and the key is gone at `destroyedBy`. */
  readonly state: 'live' | 'ending' | 'destroyed'
  /** For `ending`: when the provider ends it, in milliseconds since the Unix epoch. */
  readonly destroyedBy?: number
}

/**
 * Where epoch keys live: a file folder, an HSM, a cloud KMS. Keys never leave it.
 *
 * Every method may reject with `ERR_KEYS_PROVIDER_UNAVAILABLE`, within the provider's declared time
 * (default 5 s) however its backend behaves, and callers then store nothing. It takes calls at the
 * same time. `context` is authenticated, not stored: unwrapping under another context fails.
 * `keyProviderContract` of `surety/testing` checks all this.
 */
export interface KeyProvider {
  readonly name: string
  /** Milliseconds from `destroy` to the real end of a key. Default 0. */
  readonly waitingMs?: number
  /**
   * Makes a fresh non-exportable AES-256 key and returns its id; durable once resolved. `label` has 1
   * to 80 characters of `a-z`, `0-9`, `.` and `-`.
   */
  create(label: string): Promise<string>
  /**
   * `plaintext` has 1 to 1,024 bytes.
   * @throws KeysError `ERR_KEYS_DESTROYED`
   */
  wrap(keyId: string, plaintext: Uint8Array, context: Uint8Array): Promise<Uint8Array>
  /** @throws KeysError `ERR_KEYS_DESTROYED`, `ERR_KEYS_UNWRAP` */
  unwrap(keyId: string, wrapped: Uint8Array, context: Uint8Array): Promise<Uint8Array>
  /**
   * A key for a batch, looked up and checked once; it works until it is dropped, also beside a
   * destruction. Default: none, and every call looks its key up.
   */
  open?(keyId: string): Promise<OpenedProviderKey>
  /** Idempotent; after it resolves no `unwrap` under the key succeeds, and no `open`. */
  destroy(keyId: string): Promise<DestructionEvidence>
  /** Every live key. Destroyed ones as far as the provider remembers them, never as live. */
  list(): Promise<readonly ProviderKey[]>
  /** Ends connections and processes of its own. */
  close?(): Promise<void>
}

/** Milliseconds that one call of a provider may take by default. */
export const PROVIDER_TIMEOUT_MS = 5_000
