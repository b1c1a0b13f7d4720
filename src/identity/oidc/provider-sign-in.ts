import { randomBytes, type KeyObject } from 'node:crypto'
import * as oauth from 'oauth4webapi'
import type { SignInProvider } from '../../declare/index.ts'
import type { Clock } from '../../kernel/index.ts'
import { createDiscovery, type Discovery } from './discovery.ts'
import { ProviderSignInError } from './errors.ts'
import { exchangeCode, type ProviderClaims } from './exchange-code.ts'
import { returnPath } from '../form-token.ts'
import { cookieOf } from '../session-cookie.ts'
import { openTransaction, sealTransaction, TRANSACTION_MS, type SignInTransaction } from './transaction.ts'

/** Who signed in, by the word of a provider that was verified. */
export interface VerifiedIdentity extends ProviderClaims {
  /** Id of the configured provider. */
  readonly provider: string
  /** With `subject`, the only thing that names the person: an e-mail address can go to somebody else. */
  readonly issuer: string
}

export interface ProviderSignInOptions {
  readonly providers: readonly SignInProvider[]
  /** The provider sends the browser back here. Of this site's own configuration, never of a request's host. */
  readonly callbackUrl: (providerId: string) => string
  /** Seals what the browser carries meanwhile; the same on every node. */
  readonly transactionKey: KeyObject
  /** Name of that cookie. */
  readonly cookieName: string
  /** Whether the site is served over HTTPS: the cookie is then `Secure`. */
  readonly isHttps: boolean
  /** Marks a transaction as used until `until` (milliseconds); false when it was used before, on any node. */
  readonly use: (transactionId: string, until: number) => Promise<boolean>
  readonly clock: Clock
}

/** A sign-in that begins: both go into the answer to the browser. */
export interface BegunSignIn {
  readonly location: string
  /** A `Set-Cookie` header. */
  readonly cookie: string
}

export interface FinishedSignIn {
  readonly identity: VerifiedIdentity
  /** Whom it was to confirm; null where somebody signs in. Whether it is them is for the caller to see. */
  readonly confirms: string | null
  /** Path on this site. */
  readonly returnTo: string
}

/** Sign-in through the configured providers. */
export interface ProviderSignIn {
  readonly providers: readonly Pick<SignInProvider, 'id' | 'name'>[]
  /**
   * Begins a sign-in; `returnTo` is a path on this site, anything else becomes `/`.
   * @param confirms somebody who is signed in, whom the provider asks anew who they are
   * @throws ProviderSignInError `ERR_IDENTITY_PROVIDER_UNKNOWN`, `…_AWAY`, `…_METADATA`; `…_STEP_UP` where the
   *   provider asks nobody anew
   */
  begin(providerId: string, returnTo?: string | null, confirms?: string | null): Promise<BegunSignIn>
  /**
   * Takes the provider's answer from the browser that began. Nothing of it is believed before state,
   * issuer, code and tokens are verified; the transaction is used up whatever comes out.
   * @throws ProviderSignInError
   */
  finish(providerId: string, request: Request): Promise<FinishedSignIn>
  /** A `Set-Cookie` header that ends the transaction in the browser. */
  readonly endCookie: string
}

/** Sign-in through OpenID Connect and OAuth 2 providers (OpenID Connect Core 1.0, RFC 9700). */
export function createProviderSignIn(options: ProviderSignInOptions): ProviderSignIn {
  const { providers, clock } = options
  const discovery = createDiscovery(clock)
  const find = (id: string): SignInProvider => {
    const provider = providers.find((each) => each.id === id)
    if (provider) return provider
    throw new ProviderSignInError('ERR_IDENTITY_PROVIDER_UNKNOWN', 'no provider has this id')
  }
  return {
    providers: providers.map(({ id, name }) => ({ id, name })),
    begin: async (providerId, returnTo, confirms = null) =>
      begin(options, discovery, find(providerId), { returnTo: returnPath(returnTo, '/'), confirms }),
    finish: async (providerId, request) => finish(options, discovery, find(providerId), request),
    endCookie: cookieLine(options, '', 0),
  }
}

const DEFAULT_SCOPES = ['openid', 'email', 'profile']
/** Asks anew even whom the provider knows, and for when it did (OpenID Connect Core §3.1.2.1). */
const ANEW = { prompt: 'login', max_age: '0' }

/** Whether a person can show through the provider that it is still them. Without an ID token nobody can. */
export function asksAnew(provider: SignInProvider): boolean {
  return provider.kind === 'oidc' && (provider.asksAnew ?? true)
}

async function begin(
  options: ProviderSignInOptions,
  discovery: Discovery,
  provider: SignInProvider,
  wanted: Pick<SignInTransaction, 'returnTo' | 'confirms'>,
): Promise<BegunSignIn> {
  if (wanted.confirms !== null && !asksAnew(provider)) {
    const message = `the provider ${provider.id} asks nobody anew`
    throw new ProviderSignInError('ERR_IDENTITY_PROVIDER_STEP_UP', message)
  }
  const server = await discovery.server(provider)
  const transaction: SignInTransaction = {
    id: randomBytes(16).toString('base64url'),
    provider: provider.id,
    state: oauth.generateRandomState(),
    nonce: oauth.generateRandomNonce(),
    verifier: oauth.generateRandomCodeVerifier(),
    ...wanted,
    beganAt: options.clock.now(),
  }
  const location = new URL(server.authorization_endpoint!)
  const parameters = {
    client_id: provider.clientId,
    redirect_uri: options.callbackUrl(provider.id),
    response_type: 'code',
    scope: (provider.scopes ?? DEFAULT_SCOPES).join(' '),
    state: transaction.state,
    code_challenge: await oauth.calculatePKCECodeChallenge(transaction.verifier),
    code_challenge_method: 'S256',
    ...(provider.kind === 'oidc' ? { nonce: transaction.nonce } : {}),
    ...(wanted.confirms === null ? {} : ANEW),
  }
  for (const [name, value] of Object.entries(parameters)) location.searchParams.set(name, value)
  const cookie = cookieLine(
    options,
    sealTransaction(options.transactionKey, transaction),
    TRANSACTION_MS / 1000,
  )
  return { location: location.href, cookie }
}

async function finish(
  options: ProviderSignInOptions,
  discovery: Discovery,
  provider: SignInProvider,
  request: Request,
): Promise<FinishedSignIn> {
  const { clock } = options
  const transaction = openTransaction(
    options.transactionKey,
    cookieOf(request, options.cookieName) ?? '',
    clock.now(),
  )
  // A provider that answers for another one ends here: each has an address of its own (RFC 9700 §4.4.2).
  if (!transaction || transaction.provider !== provider.id) {
    throw new ProviderSignInError('ERR_IDENTITY_SIGN_IN_LOST', 'no sign-in is under way in this browser')
  }
  const server = await discovery.server(provider)
  const answer = readAnswer(provider, server, new URL(request.url).searchParams, transaction.state)
  if (!(await options.use(transaction.id, transaction.beganAt + TRANSACTION_MS))) {
    throw new ProviderSignInError('ERR_IDENTITY_SIGN_IN_USED', 'this sign-in was finished before')
  }
  const redirectUri = options.callbackUrl(provider.id)
  const claims = await exchangeCode({ provider, server, discovery, answer, transaction, redirectUri, clock })
  return {
    identity: { provider: provider.id, issuer: server.issuer, ...claims },
    returnTo: transaction.returnTo,
    confirms: transaction.confirms,
  }
}

/** State, and where the provider says so or must, its `iss` (RFC 9207 §2.4); then whether it refused. */
function readAnswer(
  provider: SignInProvider,
  server: oauth.AuthorizationServer,
  parameters: URLSearchParams,
  state: string,
): URLSearchParams {
  try {
    const answer = oauth.validateAuthResponse(server, { client_id: provider.clientId }, parameters, state)
    if (answer.get('code') === null) throw new TypeError('it holds no code')
    return answer
  } catch (cause) {
    if (cause instanceof oauth.AuthorizationResponseError) {
      const message = `the provider ${provider.id} signed nobody in`
      throw new ProviderSignInError('ERR_IDENTITY_PROVIDER_REFUSED', message, { cause })
    }
    const message = `the answer of the provider ${provider.id} does not belong to this sign-in`
    throw new ProviderSignInError('ERR_IDENTITY_PROVIDER_ANSWER', message, { cause })
  }
}

function cookieLine({ cookieName, isHttps }: ProviderSignInOptions, value: string, seconds: number): string {
  // Lax: the provider's redirect brings it back, a request that another site makes in the background does not.
  const attributes = [
    'Path=/',
    'HttpOnly',
    'SameSite=Lax',
    `Max-Age=${seconds}`,
    ...(isHttps ? ['Secure'] : []),
  ]
  return [`${cookieName}=${value}`, ...attributes].join('; ')
}
