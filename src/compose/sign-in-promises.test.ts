import { Hono } from 'hono'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { systemPrincipal } from '../access/index.ts'
import { accountRoutes } from '../http/account/account-routes.ts'
import type { SuretyEnv } from '../http/context.ts'
import { serveNode, type RunningServer } from '../http/node.ts'
import { protection } from '../http/protection.ts'
import { accountResources, OWASP_ARGON2, type IdentityOptions } from '../identity/index.ts'
import { CLIENT, GOOD_PASSWORD, guardOver, openTestIdentity, type TestIdentity } from '../identity/testing.ts'
import { authBruteForce } from '../promises/auth-brute-force.ts'
import { authMfa } from '../promises/auth-mfa.ts'
import { authPasswords } from '../promises/auth-passwords.ts'
import { encryptionPasswords } from '../promises/encryption-passwords.ts'
import type { Measurement, PromiseDefinition } from '../promises/definition.ts'
import type { ProbeContext } from '../promises/probe-context.ts'
import { sampleId } from '../promises/sample-row.ts'
import { config } from '../promises/testing.ts'

vi.setConfig({ testTimeout: 120_000 })

const logger = { info() {}, warn() {}, error() {} }
let opened: TestIdentity
let server: RunningServer | null = null

/** The running app, with whatever is changed about its sign-in. */
async function serve(
  options: Partial<IdentityOptions> = {},
  change: (app: Hono<SuretyEnv>) => void = () => {},
) {
  const { clock } = opened.world
  const url = () => server!.url
  const app = new Hono<SuretyEnv>()
  app.use('*', protection({ clock, logger }))
  change(app)
  const identity = opened.reopen({ url, ...options })
  app.route(
    '/',
    accountRoutes({ identity, name: 'Codetime', url, clock, logger, audit: () => {}, hasSecurityTxt: false }),
  )
  server = await serveNode({ fetch: app.fetch, port: 0 })
  return identity
}

const measure = (
  promise: PromiseDefinition<object>,
  changes: Partial<ProbeContext> = {},
): Promise<Measurement> =>
  promise.probe(
    {
      config: { ...config, resources: accountResources, signIn: {} },
      clock: opened.world.clock,
      site: server?.url ?? null,
      as: (principal: never) => opened.world.store.as(principal).db as never,
      system: systemPrincipal,
      progress: () => {},
      signal: AbortSignal.timeout(60_000),
      ...changes,
    } as unknown as ProbeContext,
    {},
  )

const rowsLeft = async (): Promise<number> => {
  const counts = await Promise.all(
    (
      [
        'accounts',
        'sign_in_names',
        'credentials',
        'sign_in_sessions',
        'authenticators',
        'recovery_codes',
      ] as const
    ).map((table) => opened.store('tests', [table]).selectFrom(table).select('id').execute()),
  )
  return counts.flat().length
}

beforeAll(async () => {
  opened = await openTestIdentity()
}, 120_000)
afterAll(() => opened.close())
afterEach(async () => {
  await server?.close()
  server = null
})

describe('auth.passwords', () => {
  test('is kept by the library’s sign-up, which refuses every bad password, and leaves nobody behind', async () => {
    await serve()
    const before = await rowsLeft()
    const measured = await measure(authPasswords)
    expect(measured).toMatchObject({
      outcome: 'kept',
      values: { tried: 9, refused: 9, goodPasswordPassed: true },
    })
    expect(await rowsLeft()).toBe(before)
  })

  test('is broken where sign-up takes what it is given', async () => {
    await serve({}, (app) => app.post('/account/sign-up', (c) => c.json({ code: 'ERR_IDENTITY_NAME' }, 422)))
    expect(await measure(authPasswords)).toMatchObject({ outcome: 'broken', values: { refused: 0 } })
  })

  test('is not shown by a sign-up that refuses everybody', async () => {
    await serve({}, (app) =>
      app.post('/account/sign-up', (c) => c.json({ code: 'ERR_IDENTITY_PASSWORD_WEAK' }, 422)),
    )
    expect(await measure(authPasswords)).toMatchObject({ outcome: 'undecided' })
  })
})

/** Time that goes on with each request, as it does while somebody guesses. */
const going =
  (ms: number) =>
  (app: Hono<SuretyEnv>): void =>
    void app.use('*', async (_, next) => {
      opened.world.clock.advance(ms)
      await next()
    })

describe('auth.brute-force', () => {
  test('is kept: guesses are stopped, and the device that the canary has still signs in', async () => {
    await serve({ guard: await guardOver(opened.world) }, going(100))
    const before = await rowsLeft()
    const measured = await measure(authBruteForce)
    expect(measured).toMatchObject({
      outcome: 'kept',
      values: { taken: 6, rightPasswordLetIn: false, rightfulIn: true },
    })
    expect(await rowsLeft()).toBe(before)
  })

  test('is broken where nothing limits guessing', async () => {
    await serve()
    const measured = await measure(authBruteForce)
    expect(measured).toMatchObject({
      outcome: 'broken',
      values: { guesses: 11, taken: 11, rightPasswordLetIn: true },
    })
  })

  test('is broken where guessing is slowed down only, however long each guess has to wait', async () => {
    let takenAt = 0
    await serve({}, (app) => {
      going(500)(app)
      app.post('/account/sign-in', async (c, next) => {
        const now = opened.world.clock.now()
        const isGuess = !(c.req.header('accept') ?? '').includes('html')
        if (!isGuess) return next()
        if (now - takenAt < 4_000) return c.json({}, 429)
        takenAt = now
        return next()
      })
    })
    const measured = await measure(authBruteForce)
    expect(measured).toMatchObject({ outcome: 'broken', values: { taken: 11 } })
  })

  test('is broken where the account is locked for its own person too', async () => {
    const { devices } = await serve({ guard: await guardOver(opened.world) }, going(200))
    Object.assign(devices, { read: () => null })
    opened.world.clock.advance(86_400_000)
    expect(await measure(authBruteForce)).toMatchObject({ outcome: 'broken', values: { rightfulIn: false } })
  })
})

describe('auth.mfa', () => {
  test(
    'is kept: the canary is let in by its password and its code, and by nothing less',
    { timeout: 60_000 },
    async () => {
      await serve()
      const before = await rowsLeft()
      const measured = await measure(authMfa)
      expect(measured).toMatchObject({ outcome: 'kept', values: { attempts: 4, succeeded: 0 } })
      expect(await rowsLeft()).toBe(before)
    },
  )

  test('is broken where a password alone opens the account', { timeout: 60_000 }, async () => {
    // The guard is taken out: no session waits for a second factor.
    const { secondFactors } = await serve()
    Object.assign(secondFactors, { has: async () => false })
    const measured = await measure(authMfa)
    expect(measured).toMatchObject({ outcome: 'broken' })
    expect(measured.summary).toContain('A password alone')
  })

  test('is broken where a code is taken twice', { timeout: 60_000 }, async () => {
    const { secondFactors } = await serve()
    const { authenticators } = secondFactors
    const { check } = authenticators
    const turnBack = () =>
      opened.store('tests', ['authenticators']).updateTable('authenticators').set({ lastStep: 0 }).execute()
    Object.assign(authenticators, {
      check: async (...given: Parameters<typeof check>) => {
        await turnBack()
        return check(...given)
      },
    })
    const measured = await measure(authMfa)
    expect(measured.summary).toContain('used before')
  })

  test('is broken by a live session that was opened past the factor', async () => {
    await serve()
    const { personId } = await newPerson()
    const { authenticators } = opened.identity.secondFactors
    await opened.identity.sessions.endAll(personId)
    await authenticators.begin(personId)
    const now = opened.world.clock.now()
    const db = opened.store('tests', ['authenticators'])
    await db
      .updateTable('authenticators')
      .set({ confirmedAt: new Date(now - 1_000) })
      .where('personId', '=', personId)
      .execute()
    await opened.identity.sessions.open({
      personId,
      methods: ['password'],
      pending: false,
      address: null,
      userAgent: null,
    })
    expect(await measure(authMfa)).toMatchObject({ outcome: 'broken', values: { sessionsWithoutFactor: 1 } })
    await opened.identity.sessions.endAll(personId)
  })
})

async function newPerson(identity = opened.identity): Promise<{ personId: string; email: string }> {
  const email = `${crypto.randomUUID()}@example.com`
  await identity.passwords.signUp({ email, name: 'Ada', password: GOOD_PASSWORD })
  const session = await identity.sessions.find(
    await identity.passwords.signIn({ email, password: GOOD_PASSWORD }, CLIENT),
  )
  return { personId: session!.personId, email }
}

describe('encryption.passwords', () => {
  const credentials = () => opened.store('tests', ['credentials'])
  beforeEach(async () => {
    await credentials().deleteFrom('credentials').execute()
  })
  const measured = () => measure(encryptionPasswords)

  test('is undecided while nobody has a password', async () => {
    expect(await measured()).toMatchObject({ outcome: 'undecided', values: { passwords: 0 } })
  })

  test('is kept by what sign-up stores, and says what a check costs', async () => {
    await newPerson(opened.reopen({ argon2: OWASP_ARGON2 }))
    const { outcome, values } = await measured()
    expect(outcome).toBe('kept')
    expect(values).toMatchObject({ passwords: 1, memoryKib: 19_456, passes: 2, lanes: 1 })
  })

  test('leaves out the rows that other probes lay there for a moment', async () => {
    await newPerson(opened.reopen({ argon2: OWASP_ARGON2 }))
    const { personId } = await newPerson()
    const invented = { personId: sampleId(config.origin, 'access.rbac', 'asker'), password: 'x' }
    await credentials().updateTable('credentials').set(invented).where('personId', '=', personId).execute()
    expect(await measured()).toMatchObject({ outcome: 'kept', values: { passwords: 1 } })
  })

  test('is broken by one hash among many that costs too little, or is none', async () => {
    await newPerson(opened.reopen({ argon2: OWASP_ARGON2 }))
    const { personId } = await newPerson()
    expect(await measured()).toMatchObject({ outcome: 'broken', values: { passwords: 2, belowOwasp: 1 } })
    const plain = { password: GOOD_PASSWORD }
    await credentials().updateTable('credentials').set(plain).where('personId', '=', personId).execute()
    const seen = await measured()
    expect(seen).toMatchObject({ outcome: 'broken', values: { notArgon2id: 1 } })
    expect(JSON.stringify(seen)).not.toContain(GOOD_PASSWORD)
  })
})

describe('with a login of the app’s own', () => {
  test.each([authPasswords, authBruteForce, authMfa, encryptionPasswords])(
    '$id is unproven, and check says why',
    async (promise) => {
      expect(promise.check(config, {})).toMatchObject([{ key: 'signIn' }])
      expect(promise.check({ ...config, signIn: {} }, {})).toEqual([])
      expect(await measure(promise, { config })).toMatchObject({ outcome: 'undecided' })
    },
  )
})
