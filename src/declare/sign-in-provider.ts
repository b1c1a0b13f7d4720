import type { DefinitionCheck } from './definition.ts'
import { checkAddress, checkSecret, type SecretSource } from './key-provider.ts'

interface ProviderBase {
  /** Part of addresses and of stored links: lower-case letters, digits, hyphens. Never reuse one. */
  readonly id: string
  /** What the button says: `Sign in with <name>`. */
  readonly name: string
  readonly clientId: string
  readonly clientSecret: SecretSource
  /** How the secret travels to the token endpoint (RFC 6749 §2.3.1). Default `'basic'`. */
  readonly clientAuthentication?: 'basic' | 'post'
  /**
   * Networks that are not public in which the provider may be, such as `['10.4.0.0/16']`. Default none: a name
   * that leads to a private address, or to this machine, is refused unless the issuer itself names this machine.
   */
  readonly privateNetworks?: readonly string[]
}

/** A provider that speaks OpenID Connect: everything else about it is discovered. */
export interface OidcSignInProvider extends ProviderBase {
  readonly kind: 'oidc'
  /** Issuer identifier: `https://…`; `http://` on this machine only. */
  readonly issuer: string
  /** Default `['openid', 'email', 'profile']`. */
  readonly scopes?: readonly string[]
  /**
   * Whether it asks people anew who they are when it is told to (`prompt=login`, `max_age=0`), and says when it
   * did (`auth_time`; OpenID Connect Core §3.1.2.1). Default true. Where it is false, nobody confirms through it
   * before what is sensitive; who has no other way sets up a second factor within `sessions.fresh` of a sign-in.
   */
  readonly asksAnew?: boolean
}

/**
 * A provider that speaks OAuth 2 alone and says at endpoints of its own, in GitHub's form, who somebody
 * is. Nothing it says is signed: it rests on TLS to these endpoints.
 */
export interface OAuthSignInProvider extends ProviderBase {
  readonly kind: 'oauth'
  /** Under which links are stored, and what an `iss` parameter must say (RFC 9207). */
  readonly issuer: string
  readonly authorizationEndpoint: string
  readonly tokenEndpoint: string
  /** Answers `{ id, name }`; `id` never changes and is never given to somebody else. */
  readonly userEndpoint: string
  /** Answers `[{ email, primary, verified }]`. */
  readonly emailsEndpoint: string
  readonly scopes: readonly string[]
}

export type SignInProvider = OidcSignInProvider | OAuthSignInProvider

type Preset = Pick<ProviderBase, 'clientId' | 'clientSecret'>

/** Google, by OpenID Connect. It does not ask anew, and says no `auth_time`. */
export function google(client: Preset): OidcSignInProvider {
  const issuer = 'https://accounts.google.com'
  return { kind: 'oidc', id: 'google', name: 'Google', issuer, asksAnew: false, ...client }
}

/** GitHub, by OAuth 2: it has no ID token. */
export function github(client: Preset): OAuthSignInProvider {
  return {
    kind: 'oauth',
    id: 'github',
    name: 'GitHub',
    issuer: 'https://github.com/login/oauth',
    authorizationEndpoint: 'https://github.com/login/oauth/authorize',
    tokenEndpoint: 'https://github.com/login/oauth/access_token',
    userEndpoint: 'https://api.github.com/user',
    emailsEndpoint: 'https://api.github.com/user/emails',
    scopes: ['read:user', 'user:email'],
    ...client,
  }
}

const BASE = [
  'kind',
  'id',
  'name',
  'issuer',
  'clientId',
  'clientSecret',
  'clientAuthentication',
  'scopes',
  'privateNetworks',
]
const ENDPOINTS = ['authorizationEndpoint', 'tokenEndpoint', 'userEndpoint', 'emailsEndpoint'] as const

/** Refuses providers that nobody could sign in through. Never quotes a value: a secret may stand in the wrong place. */
export function checkSignInProviders(check: DefinitionCheck, providers: readonly SignInProvider[]): void {
  for (const [at, provider] of providers.entries()) {
    const key = `signIn.providers[${at}]`
    const isKnown = provider.kind === 'oidc' || provider.kind === 'oauth'
    check.that(isKnown, `${key}.kind`, 'is no kind of provider', "write 'oidc' or 'oauth'")
    check.onlyKnown(provider, provider.kind === 'oauth' ? [...BASE, ...ENDPOINTS] : [...BASE, 'asksAnew'])
    const isId = /^[a-z][a-z0-9-]{0,39}$/.test(provider.id)
    check.that(isId, `${key}.id`, 'is no id', 'use lower-case letters, digits and hyphens')
    const isFirst = providers.findIndex(({ id }) => id === provider.id) === at
    check.that(isFirst, `${key}.id`, 'is used twice', 'give each provider an id of its own')
    check.words(provider.name, `${key}.name`, 'give the name people know the provider by')
    const hasClient = typeof provider.clientId === 'string' && provider.clientId !== ''
    check.that(hasClient, `${key}.clientId`, 'is missing', 'copy it from the provider')
    checkSecret(check, provider.clientSecret, `${key}.clientSecret`)
    checkAddress(check, provider.issuer, `${key}.issuer`)
    checkNetworks(check, provider.privateNetworks, `${key}.privateNetworks`)
    if (provider.kind === 'oidc') {
      const { scopes = ['openid'] } = provider
      check.that(scopes.includes('openid'), `${key}.scopes`, 'lack openid', "list 'openid' among them")
    } else {
      for (const name of ENDPOINTS) checkAddress(check, provider[name], `${key}.${name}`)
    }
  }
}

/** Refuses what is no list of networks. */
export function checkNetworks(check: DefinitionCheck, networks: unknown, key: string): void {
  const isList =
    networks === undefined ||
    (Array.isArray(networks) && networks.every((one) => /^[0-9a-f:.]+\/\d{1,3}$/i.test(String(one))))
  check.that(isList, key, 'is no list of networks', "write networks such as ['10.4.0.0/16']")
}
