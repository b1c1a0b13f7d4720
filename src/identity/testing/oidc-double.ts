// A protocol double of an OpenID provider: it answers as the specification has it and lies where a test
// tells it to. It asks nobody who they are.
import { createSign, generateKeyPairSync, createHmac, type KeyObject } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Clock } from '../../kernel/index.ts'

type Json = Record<string, unknown>

/** Where the double may depart from the truth. */
export interface Lies {
  metadata?: (truth: Json) => Json
  /** Parameters of the redirect back. */
  answer?: (truth: Record<string, string>) => Record<string, string | undefined>
  claims?: (truth: Json) => Json
  header?: (truth: Json) => Json
  /** Signs in place of the published key. */
  sign?: (input: string, published: KeyObject) => string
  userinfo?: (truth: Json) => Json
  tokenResponse?: (truth: Json) => Json
  /** Answers a code as often as it comes. */
  replaysCodes?: boolean
}

export interface OidcDouble {
  readonly issuer: string
  lies: Lies
  readonly seen: { tokenRequests: number; keyRequests: number }
  /** A fresh signing key is published in place of the old one. */
  rotate(): void
  /** The answer to an authorization request: where the browser is sent. */
  authorize(location: string): string
  close(): Promise<void>
}

interface Key {
  readonly kid: string
  readonly privateKey: KeyObject
  readonly publicJwk: Json
}

interface Code {
  readonly nonce: string
  readonly challenge: string
  readonly clientId: string
  /** Whether the person is asked anew, however long ago they signed in here. */
  readonly anew: boolean
  uses: number
}

export async function startOidcDouble({ clock }: { clock: Clock }): Promise<OidcDouble> {
  const codes = new Map<string, Code>()
  const seen = { tokenRequests: 0, keyRequests: 0 }
  let serial = 0
  let key = newKey(`key-${serial}`)
  const server = createServer((request, response) => void handle(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const double: OidcDouble = {
    issuer,
    lies: {},
    seen,
    rotate: () => (key = newKey(`key-${(serial += 1)}`)),
    authorize(location) {
      const code = `code-${(serial += 1)}`
      codes.set(code, codeFor(location))
      return redirectBack(location, { code, iss: issuer }, double.lies)
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? '/', issuer).pathname
    const [status, body] = await reply(path, new URLSearchParams(await readText(request)))
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }

  async function reply(path: string, form: URLSearchParams): Promise<[number, Json]> {
    const { lies } = double
    if (path === '/.well-known/openid-configuration') {
      return [200, lies.metadata?.(metadata(issuer)) ?? metadata(issuer)]
    }
    if (path === '/keys') {
      seen.keyRequests += 1
      return [200, { keys: [key.publicJwk] }]
    }
    if (path === '/userinfo') return [200, lies.userinfo?.(USER) ?? USER]
    if (path !== '/token') return [404, {}]
    seen.tokenRequests += 1
    const code = codes.get(form.get('code') ?? '')
    if (!code || !(await takes(code, form, lies))) return [400, { error: 'invalid_grant' }]
    return [200, tokens(code, { issuer, key, lies, now: Math.floor(clock.now() / 1000) })]
  }
  return double
}

const USER = { sub: 'subject-1', email: 'ada@codetime.example', email_verified: true, name: 'Ada' }

function codeFor(location: string): Code {
  const asked = new URL(location).searchParams
  const read = (name: string): string => asked.get(name) ?? ''
  const anew = asked.get('max_age') === '0' && asked.get('prompt') === 'login'
  return {
    nonce: read('nonce'),
    challenge: read('code_challenge'),
    clientId: read('client_id'),
    anew,
    uses: 0,
  }
}

function redirectBack(location: string, given: { code: string; iss: string }, lies: Lies): string {
  const asked = new URL(location).searchParams
  const truth = { ...given, state: asked.get('state') ?? '' }
  const back = new URL(asked.get('redirect_uri') ?? '')
  for (const [name, value] of Object.entries(lies.answer?.(truth) ?? truth)) {
    if (value !== undefined) back.searchParams.set(name, value)
  }
  return back.href
}

/** Holds the verifier against the challenge and the code against its first use, as a provider must. */
async function takes(code: Code, form: URLSearchParams, { replaysCodes = false }: Lies): Promise<boolean> {
  code.uses += 1
  const challenge = await s256(form.get('code_verifier') ?? '')
  return code.challenge === challenge && (code.uses === 1 || replaysCodes)
}

function tokens(
  { clientId, nonce, anew }: Code,
  { issuer, key, lies, now }: { issuer: string; key: Key; lies: Lies; now: number },
): Json {
  const truth = {
    ...USER,
    iss: issuer,
    aud: clientId,
    exp: now + 300,
    iat: now,
    nonce,
    ...(anew && { auth_time: now }),
  }
  const idToken = signed(lies, key, lies.claims?.(truth) ?? truth)
  const answer = { access_token: 'access', token_type: 'Bearer', expires_in: 300, id_token: idToken }
  return lies.tokenResponse?.(answer) ?? answer
}

function metadata(issuer: string): Json {
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    userinfo_endpoint: `${issuer}/userinfo`,
    jwks_uri: `${issuer}/keys`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256', 'HS256', 'none'],
    authorization_response_iss_parameter_supported: true,
  }
}

function newKey(kid: string): Key {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return {
    kid,
    privateKey,
    publicJwk: { ...publicKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' },
  }
}

function signed(lies: Lies, key: Key, claims: Json): string {
  const truth = { alg: 'RS256', kid: key.kid, typ: 'JWT' }
  const input = [lies.header?.(truth) ?? truth, claims].map(encode).join('.')
  return `${input}.${lies.sign ? lies.sign(input, key.privateKey) : rs256(input, key.privateKey)}`
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

export function rs256(input: string, key: KeyObject): string {
  return createSign('sha256').update(input).sign(key, 'base64url')
}

export function hs256(input: string, secret: string | Buffer): string {
  return createHmac('sha256', secret).update(input).digest('base64url')
}

async function s256(verifier: string): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', Buffer.from(verifier))
  return Buffer.from(hash).toString('base64url')
}

async function readText(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = []
  for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece)
  return Buffer.concat(pieces).toString('utf8')
}
