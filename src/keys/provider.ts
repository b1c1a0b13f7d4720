/** What a provider can say about a destroyed key: seen to be gone, or the operator's word. */
export type DestructionEvidence = 'confirmed' | 'attested'

/** A key of a provider that was opened for many operations in a row. */
export interface OpenedProviderKey {
  wrap(plaintext: Uint8Array, context: Uint8Array): Uint8Array | Promise<Uint8Array>
  /** @throws KeysError `ERR_KEYS_UNWRAP` */
  unwrap(wrapped: Uint8Array, context: Uint8Array): Uint8Array | Promise<Uint8Array>
}

export interface ProviderKey {
  /** The provider's own name of the key. */
  readonly id: string
  readonly createdAt: number
  readonly state: 'live' | 'destroyed'
}

/**
 * Where epoch keys live: a file folder, an HSM, a cloud KMS. Keys never leave it.
 *
 * Every method may reject with `ERR_KEYS_PROVIDER_UNAVAILABLE`, and callers then store nothing.
 * `context` is authenticated, not stored: unwrapping under another context fails.
 */
export interface KeyProvider {
  readonly name: string
  /** Makes a fresh non-exportable AES-256 key and returns its id; durable once resolved. */
  create(label: string): Promise<string>
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
  list(): Promise<readonly ProviderKey[]>
}
