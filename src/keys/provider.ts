/** What a provider can say about a destroyed key: seen to be gone, or the operator's word. */
export type DestructionEvidence = 'confirmed' | 'attested'

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
  /** Idempotent; after it resolves no `unwrap` under the key succeeds. */
  destroy(keyId: string): Promise<DestructionEvidence>
  list(): Promise<readonly ProviderKey[]>
}
