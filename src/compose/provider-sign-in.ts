import { createSecretKey, hkdfSync } from 'node:crypto'
import type { Hono } from 'hono'
import type { SuretyConfig } from '../declare/index.ts'
import { providerCallbackPath, providerRoutes, sessionRoute, type SuretyEnv } from '../http/index.ts'
import {
  createAccounts,
  createProviderAccounts,
  createProviderSignIn,
  ProviderSignInError,
  useOnce,
  type Accounts,
  type AccountStore,
  type Identity,
  type VerifiedIdentity,
} from '../identity/index.ts'
import type { Clock } from '../kernel/index.ts'
import type { AuditEvent } from '../log/index.ts'
import { systemName } from './system-name.ts'

export interface SystemProvidersOptions {
  readonly config: SuretyConfig
  readonly identity: Identity
  readonly store: AccountStore
  readonly clock: Clock
  readonly secret: string
  readonly url: () => string
  readonly note: (event: AuditEvent) => void
}

/** Sign-in through the configured identity providers. */
export interface SystemProviders {
  readonly accounts: Accounts
  readonly routes: () => readonly Hono<SuretyEnv>[]
}

/** Connects sign-in through providers with accounts, sessions and the audit log. */
export function openSystemProviders(options: SystemProvidersOptions): SystemProviders {
  const { config, store, clock, secret, url, note } = options
  const accounts = createAccounts({ store, clock })
  const links = createProviderAccounts({ store, clock })
  const method = (provider: string): string => `provider:${provider}`
  const open = async (verified: VerifiedIdentity, request: Request, requestId: string) => {
    const { personId } = await links.accountOf(verified)
    const cookie = await openSession(options, accounts, personId, request)
    const event = { subject: personId, tenant: null, method: method(verified.provider), request: requestId }
    note({ kind: 'sign-in.succeeded', ...event })
    return [cookie]
  }
  return {
    accounts,
    // The address of a server that chooses its own port is known once it listens.
    routes: () => [
      sessionRoute((request) => options.identity.signedIn(request)),
      providerRoutes({
        signIn: () =>
          createProviderSignIn({
            providers: config.signIn?.providers ?? [],
            callbackUrl: (id) => `${url()}${providerCallbackPath(id)}`,
            transactionKey: transactionKey(secret),
            cookieName: `${url().startsWith('https:') ? '__Host-' : ''}${systemName(config)}-sign-in`,
            isHttps: url().startsWith('https:'),
            use: useOnce({ store, clock }),
            clock,
          }),
        open,
        refused: (provider, request) =>
          note({ kind: 'sign-in.failed', subject: null, tenant: null, method: method(provider), request }),
      }),
    ],
  }
}

/** A new session in place of the one the browser had: an id that somebody planted there is worthless after. */
async function openSession(
  { identity }: SystemProvidersOptions,
  accounts: Accounts,
  personId: string,
  request: Request,
): Promise<string> {
  const before = identity.cookie.read(request)
  if (before !== null) await identity.sessions.end(before)
  const userAgent = request.headers.get('user-agent')
  const token = await identity.sessions.open({
    personId,
    methods: ['oidc'],
    pending: false,
    address: null,
    userAgent,
  })
  // Switched off meanwhile: then the session was opened too late to be ended with the others.
  if (!(await accounts.isEnabled(personId))) {
    await identity.sessions.end(token)
    throw new ProviderSignInError('ERR_IDENTITY_DISABLED', 'this account is switched off')
  }
  return identity.cookie.set(token)
}

/** Every node that has the system's secret reads what another one sealed. */
function transactionKey(secret: string) {
  return createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', 'surety sign-in transaction v1', 32)))
}
