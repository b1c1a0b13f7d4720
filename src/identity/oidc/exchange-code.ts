import * as oauth from 'oauth4webapi'
import type { OAuthSignInProvider, SignInProvider } from '../../declare/index.ts'
import { SuretyError, systemClock, type Clock } from '../../kernel/index.ts'
import { UNREACHABLE } from '../outbound/bounded-fetch.ts'
import { readClientSecret } from './client-secret.ts'
import { fetchOf, requestOptions, type Discovery } from './discovery.ts'
import { ProviderSignInError } from './errors.ts'
import type { SignInTransaction } from './transaction.ts'

/** What a provider says of a person, verified as its word and no more. */
export interface ProviderClaims {
  /** The provider's identifier of the person; at most 255 characters (OpenID Connect Core §2). */
  readonly subject: string
  readonly email: string | null
  /** True only where the provider says that it verified the address. */
  readonly emailVerified: boolean
  readonly name: string | null
  /** When the person showed the provider who they are, where it says so; Unix milliseconds, never ahead of the clock. */
  readonly authenticatedAt: number | null
}

/** What is claimed of a person, whenever they were asked. */
type Said = Omit<ProviderClaims, 'authenticatedAt'>

export interface CodeExchange {
  readonly provider: SignInProvider
  readonly server: oauth.AuthorizationServer
  readonly discovery: Discovery
  /** The verified parameters of the provider's answer. */
  readonly answer: URLSearchParams
  readonly transaction: SignInTransaction
  readonly redirectUri: string
  readonly clock: Clock
}

/** Seconds by which a provider's clock may differ from ours. */
export const CLOCK_TOLERANCE_SECONDS = 60

const MAX_SUBJECT = 255
const MAX_EMAIL = 254
const MAX_NAME = 120

/** Takes the code to the provider and verifies what comes back. @throws ProviderSignInError */
export async function exchangeCode(exchange: CodeExchange): Promise<ProviderClaims> {
  const { provider, server, answer, transaction, redirectUri } = exchange
  const client = clientOf(exchange)
  const secret = await readClientSecret(provider)
  const authentication =
    provider.clientAuthentication === 'post'
      ? oauth.ClientSecretPost(secret)
      : oauth.ClientSecretBasic(secret)
  const { verifier } = transaction
  const response = await asking(provider, () =>
    oauth.authorizationCodeGrantRequest(
      server,
      client,
      authentication,
      answer,
      redirectUri,
      verifier,
      requestOptions(provider),
    ),
  )
  try {
    return provider.kind === 'oidc'
      ? await claimsOfToken(exchange, client, response)
      : await claimsOfEndpoints(
          provider,
          await oauth.processAuthorizationCodeResponse(server, client, response),
        )
  } catch (cause) {
    if (cause instanceof SuretyError) throw cause
    const message = `what the provider ${provider.id} says of the person does not verify`
    throw new ProviderSignInError('ERR_IDENTITY_PROVIDER_TOKEN', message, { cause })
  }
}

function clientOf({ provider, clock }: CodeExchange): oauth.Client {
  return {
    client_id: provider.clientId,
    // A demo's clock runs ahead on purpose; the library only knows the machine's. Asked for at each check.
    get [oauth.clockSkew]() {
      return wholeSeconds(clock) - wholeSeconds(systemClock)
    },
    [oauth.clockTolerance]: CLOCK_TOLERANCE_SECONDS,
  }
}

function wholeSeconds(clock: Clock): number {
  return Math.floor(clock.now() / 1000)
}

/** OpenID Connect Core §3.1.3.7: issuer, audience, times, nonce and algorithm, then the signature. */
async function claimsOfToken(
  exchange: CodeExchange,
  client: oauth.Client,
  response: Response,
): Promise<ProviderClaims> {
  const { provider, server, transaction } = exchange
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, response, {
    expectedNonce: transaction.nonce,
    requireIdToken: true,
  })
  await verifySignature(exchange, response)
  const token = oauth.getValidatedIdTokenClaims(tokens)
  if (!token) throw new TypeError('it answered without an ID token')
  checkToken(token, provider.clientId, exchange)
  checkAskedAnew(token, exchange)
  const { sub, auth_time: seconds } = token
  const authenticatedAt = seconds === undefined ? null : Math.min(seconds * 1000, exchange.clock.now())
  if (token['email'] !== undefined || server.userinfo_endpoint === undefined)
    return { ...claimsOf(sub, token), authenticatedAt }
  const info = await asking(provider, () =>
    oauth.userInfoRequest(server, client, tokens.access_token, requestOptions(provider)),
  )
  // §5.3.2: what it says is about the same subject, or about nobody.
  return { ...claimsOf(sub, await oauth.processUserInfoResponse(server, client, sub, info)), authenticatedAt }
}

/** Keys that the provider took into use since they were last read are read again. */
async function verifySignature(
  { provider, server, discovery }: CodeExchange,
  response: Response,
): Promise<void> {
  const options = requestOptions(provider)
  try {
    await asking(provider, () => oauth.validateApplicationLevelSignature(server, response, options))
  } catch (error) {
    const isUnknownKey = error instanceof oauth.OperationProcessingError && error.code === oauth.KEY_SELECTION
    const anew = isUnknownKey ? await discovery.again(provider) : null
    if (!anew) throw error
    await oauth.validateApplicationLevelSignature(anew, response, options)
  }
}

/** What the library leaves open. */
function checkToken(token: oauth.IDToken, clientId: string, { transaction, clock }: CodeExchange): void {
  if (token.azp !== undefined && token.azp !== clientId) throw new TypeError('it is for another client')
  const [earliest, latest] = [transaction.beganAt / 1000, clock.now() / 1000]
  if (token.iat < earliest - CLOCK_TOLERANCE_SECONDS) throw new TypeError('it is older than this sign-in')
  if (token.iat > latest + CLOCK_TOLERANCE_SECONDS) throw new TypeError('it is from the future')
}

/** Who confirms was asked after they began to, and not some time before (OpenID Connect Core §2, `auth_time`). */
function checkAskedAnew(
  { auth_time: asked }: oauth.IDToken,
  { transaction, clock, provider }: CodeExchange,
): void {
  if (transaction.confirms === null) return
  const earliest = transaction.beganAt / 1000 - CLOCK_TOLERANCE_SECONDS
  const latest = clock.now() / 1000 + CLOCK_TOLERANCE_SECONDS
  if (asked !== undefined && asked >= earliest && asked <= latest) return
  const message = `the provider ${provider.id} does not show that it asked anew`
  throw new ProviderSignInError('ERR_IDENTITY_PROVIDER_STEP_UP', message)
}

function claimsOf(subject: string, said: Readonly<Record<string, unknown>>): Said {
  return {
    subject: boundedText(subject, MAX_SUBJECT) ?? refuseSubject(),
    email: boundedText(said['email'], MAX_EMAIL),
    // Some providers send the text "true"; nothing but the boolean counts.
    emailVerified: said['email_verified'] === true,
    name: boundedText(said['name'], MAX_NAME),
  }
}

function boundedText(value: unknown, max: number): string | null {
  const fits = typeof value === 'string' && value !== '' && value.length <= max
  return fits && value.isWellFormed() && !value.includes('\0') ? value : null
}

function refuseSubject(): never {
  throw new TypeError('it names no subject')
}

/** The user and the verified primary address, in GitHub's form. */
async function claimsOfEndpoints(
  provider: OAuthSignInProvider,
  { access_token }: oauth.TokenEndpointResponse,
): Promise<ProviderClaims> {
  const user = (await readEndpoint(provider, provider.userEndpoint, access_token)) as {
    readonly id?: unknown
    readonly name?: unknown
  }
  // `login` can be renamed and taken by somebody else; `id` cannot.
  const subject = Number.isSafeInteger(user.id) ? String(user.id) : refuseSubject()
  const addresses = await readEndpoint(provider, provider.emailsEndpoint, access_token)
  const primary: unknown = Array.isArray(addresses) ? addresses.find(isPrimary) : undefined
  const { email, verified } = (primary ?? {}) as { email?: unknown; verified?: unknown }
  return { ...claimsOf(subject, { email, email_verified: verified, name: user.name }), authenticatedAt: null }
}

function isPrimary(address: unknown): boolean {
  return typeof address === 'object' && address !== null && 'primary' in address && address.primary === true
}

async function readEndpoint(provider: SignInProvider, url: string, token: string): Promise<object> {
  const headers = { authorization: `Bearer ${token}`, accept: 'application/json', 'user-agent': 'surety' }
  const response = await asking(provider, () => fetchOf(provider)(url, { headers }))
  if (!response.ok) throw new TypeError(`an endpoint answered with ${response.status}`)
  const body: unknown = await response.json()
  if (typeof body !== 'object' || body === null) throw new TypeError('an endpoint answered with no object')
  return body
}

/** A provider that cannot be reached is told apart from one that says something wrong. */
async function asking<Answer>(provider: SignInProvider, ask: () => Promise<Answer>): Promise<Answer> {
  try {
    return await ask()
  } catch (cause) {
    const isUnreachable = cause instanceof TypeError && cause.message === UNREACHABLE
    const isLate = cause instanceof DOMException && cause.name === 'TimeoutError'
    if (!isUnreachable && !isLate) throw cause
    const message = `the provider ${provider.id} does not answer`
    throw new ProviderSignInError('ERR_IDENTITY_PROVIDER_AWAY', message, { cause })
  }
}
