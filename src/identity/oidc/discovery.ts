import * as oauth from 'oauth4webapi'
import type { OAuthSignInProvider, SignInProvider } from '../../declare/index.ts'
import { SuretyError, type Clock } from '../../kernel/index.ts'
import { boundedFetch, type BoundedFetch } from '../outbound/bounded-fetch.ts'
import { reachOf } from '../outbound/reach.ts'
import { ProviderSignInError } from './errors.ts'

/**
 * Signatures of ID tokens that are accepted: asymmetric ones alone, so that nobody can pass a public key
 * off as a shared secret; `none` is not among them.
 */
export const ALGORITHMS: readonly string[] = ['RS256', 'PS256', 'ES256', 'ES384', 'PS384', 'EdDSA', 'Ed25519']

/** Milliseconds for which a provider's metadata are used. */
const FRESH_MS = 60 * 60_000
/** Milliseconds before metadata and keys are read again for a token whose key is unknown. */
const REREAD_MS = 10_000

/** What is known of each provider, read when it is first needed. */
export interface Discovery {
  /** @throws ProviderSignInError `ERR_IDENTITY_PROVIDER_AWAY`, `ERR_IDENTITY_PROVIDER_METADATA` */
  server(provider: SignInProvider): Promise<oauth.AuthorizationServer>
  /** Read anew, keys included; null where that was done a moment ago: nobody can make us ask all the time. */
  again(provider: SignInProvider): Promise<oauth.AuthorizationServer | null>
}

interface Known {
  readonly at: number
  readonly server: Promise<oauth.AuthorizationServer>
}

/** Reaches the provider, and nothing private unless the configuration says that it is there. */
export function fetchOf({ issuer, privateNetworks }: SignInProvider): BoundedFetch {
  return boundedFetch({ reach: reachOf(issuer, privateNetworks) })
}

interface RequestOptions {
  readonly [oauth.customFetch]: BoundedFetch
  readonly [oauth.allowInsecureRequests]: boolean
}

/** How every request to the provider is made; plain HTTP only where the issuer itself is on this machine. */
export function requestOptions(provider: SignInProvider): RequestOptions {
  return {
    [oauth.customFetch]: fetchOf(provider),
    [oauth.allowInsecureRequests]: new URL(provider.issuer).protocol === 'http:',
  }
}

export function createDiscovery(clock: Clock): Discovery {
  const known = new Map<string, Known>()
  const read = (provider: SignInProvider): Promise<oauth.AuthorizationServer> => {
    const entry = { at: clock.monotonic(), server: readServer(provider) }
    known.set(provider.id, entry)
    // A failure is told once and then forgotten: the next sign-in asks again.
    entry.server.catch(() => known.get(provider.id) === entry && known.delete(provider.id))
    return entry.server
  }
  return {
    async server(provider) {
      const found = known.get(provider.id)
      return found && clock.monotonic() - found.at < FRESH_MS ? found.server : read(provider)
    },
    async again(provider) {
      const found = known.get(provider.id)
      return found && clock.monotonic() - found.at < REREAD_MS ? null : read(provider)
    },
  }
}

/** Reads a provider's metadata now: its issuer and the algorithms of its that are accepted. @throws ProviderSignInError */
export async function discoverProvider(
  provider: SignInProvider,
): Promise<{ readonly issuer: string; readonly algorithms: readonly string[] }> {
  const { issuer, id_token_signing_alg_values_supported: algorithms = [] } = await readServer(provider)
  return { issuer, algorithms }
}

async function readServer(provider: SignInProvider): Promise<oauth.AuthorizationServer> {
  return provider.kind === 'oauth' ? declaredServer(provider) : discoveredServer(provider)
}

function declaredServer(provider: OAuthSignInProvider): oauth.AuthorizationServer {
  const { issuer, authorizationEndpoint, tokenEndpoint } = provider
  return { issuer, authorization_endpoint: authorizationEndpoint, token_endpoint: tokenEndpoint }
}

async function discoveredServer(provider: SignInProvider): Promise<oauth.AuthorizationServer> {
  const issuer = new URL(provider.issuer)
  const response = await oauth.discoveryRequest(issuer, requestOptions(provider)).catch((cause: unknown) => {
    if (cause instanceof SuretyError) throw cause
    throw new ProviderSignInError(
      'ERR_IDENTITY_PROVIDER_AWAY',
      `the provider ${provider.id} does not answer`,
      {
        cause,
      },
    )
  })
  if (response.status >= 500) {
    const message = `the provider ${provider.id} answers with ${response.status}`
    throw new ProviderSignInError('ERR_IDENTITY_PROVIDER_AWAY', message)
  }
  try {
    // OpenID Connect Discovery §4.3: the issuer it names is the one that was asked.
    const server = await oauth.processDiscoveryResponse(issuer, response)
    const offered = server.id_token_signing_alg_values_supported ?? ['RS256']
    const accepted = offered.filter((algorithm) => ALGORITHMS.includes(algorithm))
    if (accepted.length === 0) throw new TypeError('it signs ID tokens with no algorithm that is accepted')
    for (const name of ['authorization_endpoint', 'token_endpoint', 'jwks_uri'] as const) {
      if (server[name] === undefined) throw new TypeError(`it names no ${name}`)
    }
    for (const name of [
      'authorization_endpoint',
      'token_endpoint',
      'jwks_uri',
      'userinfo_endpoint',
    ] as const) {
      if (!isSafe(server[name], issuer)) throw new TypeError(`its ${name} can be read on the way`)
    }
    return { ...server, id_token_signing_alg_values_supported: accepted }
  } catch (cause) {
    const message = `what the provider ${provider.id} says of itself does not hold`
    throw new ProviderSignInError('ERR_IDENTITY_PROVIDER_METADATA', message, { cause })
  }
}

/** HTTPS; plain HTTP only on the host of an issuer that is on this machine itself. */
function isSafe(endpoint: string | undefined, issuer: URL): boolean {
  if (endpoint === undefined) return true
  const { protocol, hostname } = URL.parse(endpoint) ?? {}
  return protocol === 'https:' || (protocol === issuer.protocol && hostname === issuer.hostname)
}
