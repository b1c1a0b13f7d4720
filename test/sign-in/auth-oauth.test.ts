import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Hono } from 'hono'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openProviders } from '../../src/compose/provider-sign-in.ts'
import { defineSurety, type Canary, type SuretyConfig } from '../../src/declare/index.ts'
import { accountRoutes, serveNode, type RunningServer, type SuretyEnv } from '../../src/http/index.ts'
import { accountResources, createAccounts } from '../../src/identity/index.ts'
import { openTestIdentity, type TestIdentity } from '../../src/identity/testing.ts'
import { rs256, startOidcDouble, type OidcDouble } from '../../src/identity/testing/oidc-double.ts'
import type { AuditEvent } from '../../src/log/index.ts'
import { authOauth } from '../../src/promises/auth-oauth.ts'
import { createCanaries } from '../../src/promises/canaries.ts'
import type { Measurement } from '../../src/promises/definition.ts'
import type { ProbeContext } from '../../src/promises/probe-context.ts'

// The probe against a running site whose provider, or whose own guards, are then broken one by one.
const EMAIL = 'ada@codetime.example'

let folder: string
let identity: TestIdentity
let double: OidcDouble
let site: RunningServer
let config: SuretyConfig
let audited: AuditEvent[]
/** Stands before the real site: what a weakened one would answer. */
let weakened: (request: Request) => Response | null

const url = () => `http://localhost:${site.port}`
const canary: Canary = {
  createPerson: async ({ role }) => ({ id: await personId(), tenant: '', role, credentials: null }),
  request: async () => null,
  remove: async () => undefined,
  async signIn({ url: at }, _person, provider) {
    const begun = await fetch(`${at}/account/sign-in/with/${provider}`, { redirect: 'manual' })
    const cookie = begun.headers.getSetCookie()[0]!.split(';')[0]!
    const back = double.authorize(begun.headers.get('location')!)
    const finished = await fetch(back, { headers: { cookie }, redirect: 'manual' })
    if (finished.status !== 303) throw new TypeError(`answered with ${finished.status}`)
    const set = finished.headers.getSetCookie().map((line) => line.split(';')[0]!)
    return set.filter((pair) => !pair.endsWith('=')).join('; ')
  },
}

async function personId(): Promise<string> {
  const rows = identity
    .store('tests', ['accounts'])
    .selectFrom('accounts')
    .select('personId')
    .where('email', '=', EMAIL)
  return (await rows.executeTakeFirstOrThrow()).personId
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'surety-oauth-'))
  await writeFile(join(folder, 'secret'), 'client secret')
  identity = await openTestIdentity({ url: () => url() })
  const { clock } = identity.world
  double = await startOidcDouble({ clock })
  const provider = {
    kind: 'oidc',
    id: 'double',
    name: 'Double',
    issuer: double.issuer,
    clientId: 'client',
    clientSecret: { file: join(folder, 'secret') },
  } as const
  config = defineSurety({
    name: 'Codetime',
    origin: 'codetime.example',
    page: 'security.md',
    resources: { ...accountResources },
    roles: { member: ['accounts:read:own'] },
    signIn: { providers: [provider] },
    canary,
  })
  audited = []
  const { store } = identity
  await createAccounts({ store, clock }).add({ email: EMAIL, emailVerified: true, name: 'Ada' })
  const providers = openProviders({ config, store, clock, secret: 's'.repeat(43), url })!
  const app = new Hono<SuretyEnv>()
  const logger = { info: () => undefined, warn: () => undefined, error: () => undefined }
  app.use(async (c, next) => weakened(c.req.raw) ?? next())
  const routes = { identity: identity.identity, providers, name: 'Codetime', url, clock }
  const audit = (event: AuditEvent) => void audited.push(event)
  app.route('/', accountRoutes({ ...routes, audit, logger, hasSecurityTxt: false }))
  site = await serveNode({ port: 0, fetch: (request) => app.fetch(request) })
}, 120_000)
afterAll(async () => {
  await site?.close()
  await double?.close()
  await identity?.close()
  await rm(folder, { recursive: true })
})
beforeEach(() => {
  double.lies = {}
  weakened = () => null
})

function measure(changes: Partial<SuretyConfig> = {}): Promise<Measurement> {
  const used = { ...config, ...changes }
  const context = {
    config: used,
    site: url(),
    canaries: used.canary ? createCanaries(used.canary, url()) : null,
    progress: () => undefined,
    signal: AbortSignal.timeout(20_000),
  } satisfies Partial<ProbeContext>
  return authOauth.probe(context as unknown as ProbeContext, {})
}

describe('auth.oauth', () => {
  test('is kept where providers answer, forged answers are refused and an ordinary account gets in', async () => {
    expect(await measure()).toMatchObject({
      outcome: 'kept',
      values: { providers: 1, forgeries: 4, signIns: 1, problems: 0 },
    })
    expect(audited.filter(({ kind }) => kind === 'sign-in.succeeded')).toMatchObject([
      { method: 'oidc:double' },
    ])
    expect(audited.filter(({ kind }) => kind === 'sign-in.failed').length).toBeGreaterThanOrEqual(4)
    expect(JSON.stringify(audited)).not.toContain('@')
  })

  test('is broken by a provider whose token is signed by another key', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    double.lies = { sign: (input) => rs256(input, privateKey) }
    expect(await measure()).toMatchObject({
      outcome: 'broken',
      summary: expect.stringContaining('an ordinary account could not sign in'),
    })
  })

  test('is broken by a provider that says it is another one', async () => {
    double.lies = { metadata: (truth) => ({ ...truth, issuer: 'https://evil.example' }) }
    expect(await measure()).toMatchObject({
      outcome: 'broken',
      summary: expect.stringContaining('ERR_IDENTITY_PROVIDER_METADATA'),
    })
  })

  test('is broken by a site that takes forged answers', async () => {
    weakened = ({ url: asked }) =>
      asked.includes('code=forged')
        ? new Response(null, { status: 303, headers: { location: '/', 'set-cookie': 'session=anybody' } })
        : null
    expect(await measure()).toMatchObject({
      outcome: 'broken',
      summary: expect.stringContaining('was taken'),
      values: { problems: 4 },
    })
  })

  test.each([
    ['state', 'a', 'its state can be guessed'],
    ['code_challenge_method', 'plain', 'it goes without PKCE'],
    ['redirect_uri', 'https://evil.example/', 'it leads back to another site'],
  ])('is broken by a sign-in that begins with %s %s', async (name, value, problem) => {
    weakened = ({ url: asked }) => {
      if (!asked.endsWith('/with/double')) return null
      const location = new URL(`${double.issuer}/authorize`)
      const sound = {
        state: 's'.repeat(43),
        nonce: 'n'.repeat(43),
        code_challenge: 'c'.repeat(43),
        code_challenge_method: 'S256',
        redirect_uri: `${url()}/account/sign-in/with/double/callback`,
      }
      for (const [key, said] of Object.entries({ ...sound, [name]: value }))
        location.searchParams.set(key, said)
      const headers = { location: location.href, 'set-cookie': 'sign-in=x; HttpOnly; SameSite=Lax' }
      return new Response(null, { status: 303, headers })
    }
    const { outcome, summary } = await measure()
    expect(outcome).toBe('broken')
    expect(summary).toContain(problem)
  })

  test('says what was not tried where no canary signs in, and asks for a provider where there is none', async () => {
    const { signIn: _, ...without } = canary
    const { outcome, values } = await measure({ canary: without })
    expect([outcome, values['signIns']]).toEqual(['kept', 0])
    expect(authOauth.cannotProve({ ...config, canary: without }, {}).join()).toContain('no canary function')
    expect(authOauth.check({ ...config, signIn: {} }, {})).toMatchObject([{ key: 'signIn.providers' }])
  })
})
