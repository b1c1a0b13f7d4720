import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import type { SuretyConfig } from '../declare/index.ts'
import { providerCallbackPath, type AccountProviders } from '../http/index.ts'
import {
  asksAnew,
  createProviderAccounts,
  createProviderSignIn,
  useOnce,
  type AccountStore,
  type ProviderSignIn,
} from '../identity/index.ts'
import type { Clock } from '../kernel/index.ts'
import { systemName } from './system-name.ts'

export interface ProvidersOptions {
  readonly config: SuretyConfig
  readonly store: AccountStore
  readonly clock: Clock
  readonly secret: string
  readonly url: () => string
}

/** Connects the configured identity providers with the accounts; null where there is none. */
export function openProviders(options: ProvidersOptions): AccountProviders | null {
  const { config, store, clock } = options
  const providers = config.signIn?.providers ?? []
  if (providers.length === 0) return null
  let signIn: ProviderSignIn | null = null
  return {
    offered: providers.map((one) => ({ id: one.id, name: one.name, asksAnew: asksAnew(one) })),
    // The address of a server that chooses its own port is known once it listens.
    signIn: () => (signIn ??= makeSignIn(options)),
    ...createProviderAccounts({ store, clock }),
  }
}

function makeSignIn({ config, store, clock, secret, url }: ProvidersOptions): ProviderSignIn {
  const isHttps = url().startsWith('https:')
  return createProviderSignIn({
    providers: config.signIn?.providers ?? [],
    callbackUrl: (id) => `${url()}${providerCallbackPath(id)}`,
    transactionKey: transactionKey(secret),
    cookieName: `${isHttps ? '__Host-' : ''}${systemName(config)}-sign-in`,
    isHttps,
    use: useOnce({ store, clock }),
    clock,
  })
}

/** Every node that has the system's secret reads what another one sealed. */
function transactionKey(secret: string): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', 'surety sign-in transaction v1', 32)))
}
