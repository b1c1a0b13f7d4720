import type { KeyProviderSettings } from '../declare/index.ts'
import { parseDuration, type Clock } from '../kernel/index.ts'
import {
  claimKeyFolder,
  openKeyProvider,
  openKeyTree,
  type KeyProvider,
  type KeyTreeOptions,
  type OpenKeyTree,
} from '../keys/index.ts'

interface KeyConfig {
  readonly keys?: KeyProviderSettings
}

/** The caller's own provider, else the configured one. The log's signing key lies in the folder in any case. */
export async function openSystemProvider(
  { keys = {} }: KeyConfig,
  own: KeyProvider | undefined,
  place: { readonly folder: string; readonly outside: readonly string[]; readonly clock: Clock },
): Promise<KeyProvider> {
  await claimKeyFolder(place)
  return own ?? openKeyProvider({ settings: keys, ...place })
}

/** The key tree, with the configured patience for a provider that is away. */
export function openSystemTree(
  { keys = {} }: KeyConfig,
  options: Omit<KeyTreeOptions, 'outage'>,
): Promise<OpenKeyTree> {
  const { timeout, outage } = keys
  return openKeyTree({
    ...options,
    outage: {
      ...(timeout && { timeoutMs: parseDuration(timeout) }),
      ...(outage && { outageMs: parseDuration(outage) }),
    },
  })
}
