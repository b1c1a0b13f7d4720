import type { KeyProvider, OpenedProviderKey } from './provider.ts'

/** What wraps and unwraps under keys of a provider. */
export type KeyWrapper = Pick<KeyProvider, 'wrap' | 'unwrap'>

/** A provider for one batch: a key that it can open is opened once. To be dropped when the batch is done. */
export function forBatch(provider: KeyProvider): KeyWrapper {
  if (!provider.open) return provider
  const opened = new Map<string, Promise<OpenedProviderKey>>()
  const open = (keyId: string): Promise<OpenedProviderKey> => {
    const key = opened.get(keyId) ?? provider.open!(keyId)
    opened.set(keyId, key)
    return key
  }
  return {
    wrap: async (keyId, plaintext, context) => (await open(keyId)).wrap(plaintext, context),
    unwrap: async (keyId, wrapped, context) => (await open(keyId)).unwrap(wrapped, context),
  }
}
