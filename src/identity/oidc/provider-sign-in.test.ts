import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { OidcSignInProvider } from '../../declare/index.ts'
import { manualClock, type ManualClock } from '../../kernel/index.ts'
import type { ProviderSignIn } from './provider-sign-in.ts'
import { COOKIE, returning, signInWith, testSignIn } from '../testing/browser.ts'
import { startGithubDouble, type GithubDouble } from '../testing/github-double.ts'
import { hs256, rs256, startOidcDouble, type Lies, type OidcDouble } from '../testing/oidc-double.ts'

let folder: string
let double: OidcDouble
let other: OidcDouble
let hub: GithubDouble
let clock: ManualClock
let signIn: ProviderSignIn

const START = Date.parse('2026-11-22T12:00:00Z')
const secretFile = () => ({ file: join(folder, 'secret') })
const oidc = (id: string, issuer: string): OidcSignInProvider => ({
  kind: 'oidc',
  id,
  name: 'Double',
  issuer,
  clientId: 'client',
  clientSecret: secretFile(),
})

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'surety-oidc-'))
  await writeFile(join(folder, 'secret'), 'the client secret of the test\n')
  const through = { now: () => clock.now(), monotonic: () => clock.monotonic() }
  double = await startOidcDouble({ clock: through })
  other = await startOidcDouble({ clock: through })
  hub = await startGithubDouble(secretFile())
})
afterAll(async () => {
  await Promise.all([double.close(), other.close(), hub.close()])
  await rm(folder, { recursive: true })
})
beforeEach(() => {
  clock = manualClock(START)
  double.lies = {}
  other.lies = {}
  signIn = testSignIn([oidc('double', double.issuer), oidc('other', other.issuer), hub.provider], clock)
})

const attempt = (lies: Lies = {}) => {
  double.lies = lies
  return signInWith(signIn, double, 'double')
}
const refusesToken = (lies: Lies) =>
  expect(attempt(lies)).rejects.toMatchObject({ code: 'ERR_IDENTITY_PROVIDER_TOKEN' })
const refusesAnswer = (lies: Lies) =>
  expect(attempt(lies)).rejects.toMatchObject({ code: 'ERR_IDENTITY_PROVIDER_ANSWER' })

describe('sign-in through an OpenID provider', () => {
  it('gives who it is, by issuer and subject, and leads back to where it began', async () => {
    expect(await signInWith(signIn, double, 'double', '/team?days=7')).toEqual({
      identity: {
        provider: 'double',
        issuer: double.issuer,
        subject: 'subject-1',
        email: 'ada@codetime.example',
        emailVerified: true,
        name: 'Ada',
        authenticatedAt: null,
      },
      returnTo: '/team?days=7',
      confirms: null,
    })
  })

  it('asks with a state, a nonce and a code challenge of its own each time', async () => {
    const asked = await Promise.all([signIn.begin('double'), signIn.begin('double')])
    const [a, b] = asked.map(({ location }) => new URL(location).searchParams)
    for (const name of ['state', 'nonce', 'code_challenge']) {
      expect(a!.get(name)).toMatch(/^[A-Za-z0-9_-]{43}$/)
      expect(a!.get(name)).not.toBe(b!.get(name))
    }
    expect(a!.get('code_challenge_method')).toBe('S256')
    expect(a!.get('redirect_uri')).toBe('http://localhost:4321/account/sign-in/double/callback')
  })

  it('keeps the transaction where no script, no other site and no plain reader gets at it', async () => {
    const { cookie, location } = await signIn.begin('double')
    expect(cookie).toMatch(
      new RegExp(`^${COOKIE}=[A-Za-z0-9_-]+; Path=/; HttpOnly; SameSite=Lax; Max-Age=600$`),
    )
    expect(Buffer.from(cookie, 'base64url').toString('latin1')).not.toContain(
      new URL(location).searchParams.get('state')!,
    )
  })

  it('asks the userinfo endpoint where the token says no address, and believes it of the same subject only', async () => {
    const silent = ({ email: _e, email_verified: _v, name: _n, ...rest }: Record<string, unknown>) => rest
    expect((await attempt({ claims: silent })).identity.email).toBe('ada@codetime.example')
    await refusesToken({ claims: silent, userinfo: (truth) => ({ ...truth, sub: 'somebody-else' }) })
  })

  it.each([['"true"'], ['"yes"'], ['1'], ['false'], ['null']])(
    'takes an address for verified only by the boolean true, not by %s',
    async (said) => {
      const claims = (truth: Record<string, unknown>) => ({ ...truth, email_verified: JSON.parse(said) })
      expect((await attempt({ claims })).identity.emailVerified).toBe(false)
    },
  )
})

describe('an answer that does not belong to the sign-in', () => {
  it('refuses a foreign state', () =>
    refusesAnswer({ answer: (truth) => ({ ...truth, state: 'x'.repeat(43) }) }))
  it('refuses a missing state', () => refusesAnswer({ answer: (truth) => ({ ...truth, state: undefined }) }))
  it('refuses a missing code', () => refusesAnswer({ answer: (truth) => ({ ...truth, code: undefined }) }))
  it('refuses another issuer (RFC 9207)', () =>
    refusesAnswer({ answer: (truth) => ({ ...truth, iss: 'https://evil.example' }) }))
  it('refuses a missing issuer where the provider says that it sends one', () =>
    refusesAnswer({ answer: (truth) => ({ ...truth, iss: undefined }) }))

  it('says apart that the provider signed nobody in', async () => {
    const answer = ({ state, iss }: Record<string, string>) => ({ state, iss, error: 'access_denied' })
    await expect(attempt({ answer })).rejects.toMatchObject({ code: 'ERR_IDENTITY_PROVIDER_REFUSED' })
  })

  it('refuses the answer of one provider at the address of another (mix-up)', async () => {
    const { location, cookie } = await signIn.begin('double')
    const back = double.authorize(location)
    await expect(signIn.finish('other', returning(back, cookie))).rejects.toMatchObject({
      code: 'ERR_IDENTITY_SIGN_IN_LOST',
    })
    expect(other.seen.tokenRequests).toBe(0)
  })

  it('refuses a code that another provider gave out for this sign-in', async () => {
    const { location, cookie } = await signIn.begin('double')
    const state = new URL(location).searchParams.get('state')!
    const stolen = new URL(other.authorize((await signIn.begin('other')).location))
    stolen.searchParams.set('state', state)
    await expect(
      signIn.finish('double', returning(stolen.href.replace('other', 'double'), cookie)),
    ).rejects.toMatchObject({ code: 'ERR_IDENTITY_PROVIDER_ANSWER' })
  })

  it('refuses a browser that did not begin (sign-in forced on somebody)', async () => {
    const { location } = await signIn.begin('double')
    const back = double.authorize(location)
    const lost = { code: 'ERR_IDENTITY_SIGN_IN_LOST' }
    await expect(signIn.finish('double', new Request(back))).rejects.toMatchObject(lost)
    const { cookie: own } = await signIn.begin('double')
    await expect(signIn.finish('double', returning(back, own))).rejects.toMatchObject({
      code: 'ERR_IDENTITY_PROVIDER_ANSWER',
    })
    await expect(
      signIn.finish('double', returning(back, `${COOKIE}=${'A'.repeat(300)}`)),
    ).rejects.toMatchObject(lost)
  })

  it('refuses where somebody planted a second cookie of the name', async () => {
    const { location, cookie } = await signIn.begin('double')
    const twice = new Request(double.authorize(location), {
      headers: { cookie: `${COOKIE}=planted; ${cookie.split(';')[0]}` },
    })
    await expect(signIn.finish('double', twice)).rejects.toMatchObject({ code: 'ERR_IDENTITY_SIGN_IN_LOST' })
  })

  it('finishes a sign-in once, though the provider would take its code again', async () => {
    double.lies = { replaysCodes: true }
    const { location, cookie } = await signIn.begin('double')
    const back = double.authorize(location)
    const both = await Promise.allSettled([0, 1].map(() => signIn.finish('double', returning(back, cookie))))
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    await expect(signIn.finish('double', returning(back, cookie))).rejects.toMatchObject({
      code: 'ERR_IDENTITY_SIGN_IN_USED',
    })
  })

  it('ends after ten minutes', async () => {
    const { location, cookie } = await signIn.begin('double')
    clock.advance(10 * 60_000)
    await expect(
      signIn.finish('double', returning(double.authorize(location), cookie)),
    ).resolves.toBeDefined()
    const late = await signIn.begin('double')
    clock.advance(10 * 60_000 + 1)
    await expect(
      signIn.finish('double', returning(double.authorize(late.location), late.cookie)),
    ).rejects.toMatchObject({ code: 'ERR_IDENTITY_SIGN_IN_LOST' })
  })
})

describe('a token that does not verify', () => {
  it('refuses another nonce', () => refusesToken({ claims: (truth) => ({ ...truth, nonce: 'another' }) }))
  it('refuses no nonce', () => refusesToken({ claims: ({ nonce: _, ...rest }) => rest }))
  it('refuses another issuer', () =>
    refusesToken({ claims: (truth) => ({ ...truth, iss: 'https://evil.example' }) }))
  it('refuses another audience', () => refusesToken({ claims: (truth) => ({ ...truth, aud: 'another' }) }))
  it('refuses several audiences without saying for whom', () =>
    refusesToken({ claims: (truth) => ({ ...truth, aud: ['client', 'another'] }) }))
  it('refuses another authorized party', () =>
    refusesToken({ claims: (truth) => ({ ...truth, azp: 'another' }) }))
  it('refuses no subject', () => refusesToken({ claims: ({ sub: _, ...rest }) => rest }))
  it('refuses a subject of 256 characters', () =>
    refusesToken({ claims: (truth) => ({ ...truth, sub: 'x'.repeat(256) }) }))
  it('refuses an answer without an ID token', () =>
    refusesToken({ tokenResponse: ({ id_token: _, ...rest }) => rest }))

  const shifted = (name: 'exp' | 'iat', seconds: number): Lies => ({
    claims: (truth) => ({ ...truth, [name]: START / 1000 + seconds }),
  })
  it('takes the end of a token with a minute of patience and no more', async () => {
    await expect(attempt(shifted('exp', -59))).resolves.toBeDefined()
    await refusesToken(shifted('exp', -60))
  })
  it('takes its beginning with a minute of patience and no more, both ways', async () => {
    await expect(attempt(shifted('iat', 60))).resolves.toBeDefined()
    await expect(attempt(shifted('iat', -60))).resolves.toBeDefined()
    await refusesToken(shifted('iat', 61))
    await refusesToken(shifted('iat', -61))
  })

  it('refuses a signature of another key', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    await refusesToken({ sign: (input) => rs256(input, privateKey) })
  })
  it('refuses no signature, under `none` and under the algorithm that was promised', async () => {
    await refusesToken({ header: (truth) => ({ ...truth, alg: 'none' }), sign: () => '' })
    await refusesToken({ sign: () => '' })
  })
  it('refuses a shared-key signature made with the client secret, and one made with the public key', async () => {
    const header = (truth: Record<string, unknown>) => ({ ...truth, alg: 'HS256' })
    await refusesToken({ header, sign: (input) => hs256(input, 'the client secret of the test') })
    await refusesToken({
      header,
      sign: (input, key) =>
        hs256(input, createPublicKey(key).export({ type: 'spki', format: 'pem' }) as string),
    })
  })
  it('refuses an algorithm that the provider did not announce', () =>
    refusesToken({
      header: (truth) => ({ ...truth, alg: 'RS512' }),
    }))
})

describe('somebody who is to be asked anew', () => {
  const confirm = async (claims?: (truth: Record<string, unknown>) => Record<string, unknown>) => {
    double.lies = claims ? { claims } : {}
    const { location, cookie } = await signIn.begin('double', '/', 'ada')
    return signIn.finish('double', returning(double.authorize(location), cookie))
  }
  const refused = { code: 'ERR_IDENTITY_PROVIDER_STEP_UP' }
  const askedAt = (seconds: number) => (truth: Record<string, unknown>) => ({
    ...truth,
    auth_time: START / 1000 + seconds,
  })

  it('is asked, however long the provider has known them', async () => {
    const asked = new URL((await signIn.begin('double', '/', 'ada')).location).searchParams
    expect([asked.get('prompt'), asked.get('max_age')]).toEqual(['login', '0'])
    const plain = new URL((await signIn.begin('double')).location).searchParams
    expect([plain.has('prompt'), plain.has('max_age')]).toEqual([false, false])
    expect(await confirm()).toMatchObject({ confirms: 'ada', identity: { authenticatedAt: START } })
  })

  it('is not believed where the provider does not say when it asked', () =>
    expect(confirm(({ auth_time: _, ...rest }) => rest)).rejects.toMatchObject(refused))

  it('is believed where it asked since the beginning, with a minute of patience both ways', async () => {
    await expect(confirm(askedAt(-61))).rejects.toMatchObject(refused)
    expect((await confirm(askedAt(-60))).identity.authenticatedAt).toBe(START - 60_000)
    expect((await confirm(askedAt(60))).identity.authenticatedAt).toBe(START)
    await expect(confirm(askedAt(61))).rejects.toMatchObject(refused)
  })

  it.each([['"now"'], ['-1'], ['null'], ['{}']])('is refused by the time %s', (said) =>
    expect(confirm((truth) => ({ ...truth, auth_time: JSON.parse(said) }))).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_IDENTITY_PROVIDER_(TOKEN|STEP_UP)$/),
    }),
  )

  it('cannot be where nothing says when they were asked', async () => {
    await expect(signIn.begin('github', '/', 'ada')).rejects.toMatchObject(refused)
    const silent = testSignIn([{ ...oidc('double', double.issuer), asksAnew: false }], clock)
    await expect(silent.begin('double', '/', 'ada')).rejects.toMatchObject(refused)
  })
})

describe('keys and metadata', () => {
  it('takes up a key that the provider rotated to, and asks for keys no more than it must', async () => {
    await attempt()
    double.rotate()
    await refusesToken({})
    clock.advance(10_000)
    await expect(attempt()).resolves.toBeDefined()
    const asked = double.seen.keyRequests
    await attempt()
    await attempt()
    expect(double.seen.keyRequests).toBe(asked)
  })

  it('refuses metadata in the name of another issuer', async () => {
    double.lies = { metadata: (truth) => ({ ...truth, issuer: 'https://evil.example' }) }
    await expect(signIn.begin('double')).rejects.toMatchObject({ code: 'ERR_IDENTITY_PROVIDER_METADATA' })
  })

  it.each(['authorization_endpoint', 'token_endpoint', 'jwks_uri', 'userinfo_endpoint'])(
    'asks no other machine in plain HTTP, and leads nobody there: %s',
    async (name) => {
      for (const endpoint of [
        'http://169.254.169.254/latest',
        'javascript:alert(1)',
        'file:///etc/passwd',
        'x',
      ]) {
        const metadata = (truth: Record<string, unknown>) => ({ ...truth, [name]: endpoint })
        double.lies = { metadata }
        await expect(signIn.begin('double')).rejects.toMatchObject({ code: 'ERR_IDENTITY_PROVIDER_METADATA' })
      }
    },
  )

  it('refuses a provider that offers nothing but shared-key signatures', async () => {
    double.lies = {
      metadata: (truth) => ({ ...truth, id_token_signing_alg_values_supported: ['HS256', 'none'] }),
    }
    await expect(signIn.begin('double')).rejects.toMatchObject({ code: 'ERR_IDENTITY_PROVIDER_METADATA' })
  })

  it('says that the provider is away, and asks again the next time', async () => {
    const away = await startOidcDouble({ clock })
    const alone = testSignIn([oidc('away', away.issuer)], clock)
    await away.close()
    await expect(alone.begin('away')).rejects.toMatchObject({ code: 'ERR_IDENTITY_PROVIDER_AWAY' })
    double.lies = { metadata: () => ({ issuer: 'https://evil.example' }) }
    await expect(signIn.begin('double')).rejects.toBeDefined()
    await expect(attempt()).resolves.toBeDefined()
  })

  it('knows only the configured providers', async () => {
    await expect(signIn.begin('nobody')).rejects.toMatchObject({ code: 'ERR_IDENTITY_PROVIDER_UNKNOWN' })
  })

  it('says that the client secret is missing, and not what it would be', async () => {
    const provider = { ...oidc('double', double.issuer), clientSecret: { env: 'SURETY_TEST_NO_SUCH_SECRET' } }
    await expect(signInWith(testSignIn([provider], clock), double, 'double')).rejects.toMatchObject({
      code: 'ERR_IDENTITY_PROVIDER_SECRET',
    })
  })
})

describe('a provider without ID tokens, in GitHub’s form', () => {
  const through = () => signInWith(signIn, hub, 'github')

  it('gives the unchanging id and the verified primary address', async () => {
    const { identity } = await through()
    expect(identity).toEqual({
      provider: 'github',
      issuer: hub.provider.issuer,
      subject: '583231',
      email: 'ada@codetime.example',
      emailVerified: true,
      name: 'Ada',
      authenticatedAt: null,
    })
  })

  it('takes an address that the person never confirmed for what it is', async () => {
    hub.emails = [{ email: 'grace@codetime.example', primary: true, verified: false }]
    expect((await through()).identity).toMatchObject({
      email: 'grace@codetime.example',
      emailVerified: false,
    })
    hub.emails = []
    expect((await through()).identity).toMatchObject({ email: null, emailVerified: false })
  })

  it.each([[{ login: 'ada' }], [{ id: 'ada' }], [{ id: 1.5 }], [[]]])('refuses the user %j', async (user) => {
    const before = hub.user
    hub.user = user
    await expect(through()).rejects.toMatchObject({ code: 'ERR_IDENTITY_PROVIDER_TOKEN' })
    hub.user = before
  })

  it('refuses a code that the provider does not know, though it answers 200', async () => {
    const { location, cookie } = await signIn.begin('github')
    const back = new URL(hub.authorize(location))
    back.searchParams.set('code', 'stolen')
    await expect(signIn.finish('github', returning(back.href, cookie))).rejects.toMatchObject({
      code: 'ERR_IDENTITY_PROVIDER_TOKEN',
    })
  })
})
