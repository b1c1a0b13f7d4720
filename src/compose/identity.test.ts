import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemPrincipal, type Principal } from '../access/index.ts'
import { defineSurety, type SuretyConfig } from '../declare/index.ts'
import { accountResources } from '../identity/index.ts'
import {
  CLIENT,
  GOOD_PASSWORD,
  openTestIdentity,
  requestWith,
  type TestIdentity,
} from '../identity/testing.ts'
import { createPseudonym } from '../kernel/index.ts'
import { openSystemIdentity, type SystemIdentityOptions } from './identity.ts'

const BASE = {
  name: 'Codetime',
  origin: 'codetime.example',
  page: 'security.md',
  roles: { administrator: [] },
} as const
let opened: TestIdentity
beforeAll(async () => {
  opened = await openTestIdentity()
}, 120_000)
afterAll(() => opened.close())

function open(config: SuretyConfig, more: Partial<SystemIdentityOptions> = {}) {
  return openSystemIdentity({
    config,
    as: (principal) => opened.world.store.as(principal),
    system: systemPrincipal,
    clock: opened.world.clock,
    secret: 's'.repeat(43),
    url: () => 'http://localhost:4001',
    ...more,
  })
}
const nobody = new Request('http://localhost:4001/')

describe('with the library’s sign-in', () => {
  const config = defineSurety({
    ...BASE,
    resources: accountResources,
    signIn: { secondFactor: { roles: ['administrator'] } },
  })

  test('a request is somebody’s once they have signed in, with what tenants know of them', async () => {
    const team = createPseudonym()
    const principalOf = async (id: string): Promise<Principal> => ({
      kind: 'user',
      id,
      tenant: team,
      roles: ['member'],
    })
    const { identify, identity } = open(config, { principalOf })
    expect(await identify(nobody)).toMatchObject({ kind: 'anonymous', roles: [] })
    await identity!.passwords.signUp({ email: 'ada@example.com', name: 'Ada', password: GOOD_PASSWORD })
    const token = await identity!.passwords.signIn(
      { email: 'ada@example.com', password: GOOD_PASSWORD },
      CLIENT,
    )
    expect(await identify(requestWith(identity!, token))).toMatchObject({
      kind: 'user',
      tenant: team,
      roles: ['member'],
    })
    const withoutTenants = open(config)
    expect(await withoutTenants.identify(requestWith(identity!, token))).toMatchObject({
      kind: 'user',
      roles: [],
    })
    const gone = open(config, { principalOf: async () => null })
    expect(await gone.identify(requestWith(identity!, token))).toMatchObject({ kind: 'anonymous' })
  })

  test('a role that demands a second factor opens nothing without one', async () => {
    const principalOf = async (id: string): Promise<Principal> => ({
      kind: 'user',
      id,
      tenant: null,
      roles: ['administrator'],
    })
    const { identify, identity } = open(config, { principalOf })
    await identity!.passwords.signUp({ email: 'grace@example.com', name: 'Grace', password: GOOD_PASSWORD })
    const token = await identity!.passwords.signIn(
      { email: 'grace@example.com', password: GOOD_PASSWORD },
      CLIENT,
    )
    expect(await identify(requestWith(identity!, token))).toMatchObject({ kind: 'anonymous' })
    const stronger = await identity!.sessions.rotate(token, { methods: ['password', 'totp'] })
    expect(await identify(requestWith(identity!, stronger!))).toMatchObject({ roles: ['administrator'] })
  })

  test('a role demands a second factor wherever its person asks from', async () => {
    const email = 'outside@example.com'
    const principalOf = () => Promise.reject(new Error('not from this network'))
    const { identity } = open(config, { principalOf, rolesOf: async () => ['administrator'] })
    await identity!.passwords.signUp({ email, name: 'Ada', password: GOOD_PASSWORD })
    const token = await identity!.passwords.signIn({ email, password: GOOD_PASSWORD }, CLIENT)
    expect(await identity!.signedIn(requestWith(identity!, token))).toBeNull()
    const stronger = await identity!.sessions.rotate(token, { methods: ['password', 'totp'] })
    expect(await identity!.signedIn(requestWith(identity!, stronger!))).not.toBeNull()
  })

  test('the start is refused where its tables are not declared', () => {
    const { accounts } = accountResources
    const lacking = defineSurety({ ...BASE, resources: { accounts }, signIn: {} })
    expect(() => open(lacking)).toThrow(
      expect.objectContaining({
        code: 'ERR_IDENTITY_CONFIG',
        message: expect.stringContaining('credentials'),
      }),
    )
  })
})

describe('with a login of the app’s own', () => {
  const config = (identify: NonNullable<SuretyConfig['identify']>) =>
    defineSurety({ ...BASE, resources: accountResources, identify })

  test('a request is whoever that login says, and nobody’s where it says nobody', async () => {
    const person = { kind: 'user', id: createPseudonym(), tenant: null, roles: ['administrator'] } as const
    const system = open(config(async (request) => (request.headers.has('authorization') ? person : null)))
    expect(system.identity).toBeNull()
    expect(await system.identify(new Request(nobody, { headers: { authorization: 'x' } }))).toEqual(person)
    expect(await system.identify(nobody)).toMatchObject({ kind: 'anonymous' })
  })

  test('what is no principal is refused, an e-mail address as id for one', async () => {
    const wrong = { kind: 'user', id: 'ada@example.com', tenant: null, roles: [] } as const
    await expect(open(config(async () => wrong)).identify(nobody)).rejects.toMatchObject({
      code: 'ERR_ACCESS_PRINCIPAL',
    })
    const root = { kind: 'system', id: 'root', tenant: null, roles: [] } as never
    await expect(open(config(async () => root)).identify(nobody)).rejects.toMatchObject({
      code: 'ERR_ACCESS_SYSTEM',
    })
  })

  test('without any login everybody is anonymous', async () => {
    const { identify } = open(defineSurety({ ...BASE, resources: accountResources }))
    expect(await identify(nobody)).toMatchObject({ kind: 'anonymous' })
  })
})

describe('the configuration of sign-in', () => {
  const refused: [string, Partial<SuretyConfig>][] = [
    ['an unknown key', { signIn: { secret: 'x' } as never }],
    ['two logins', { signIn: {}, identify: async () => null }],
    ['a login that is no function', { identify: 'clerk' as never }],
    ['a session without length', { signIn: { sessions: { idle: '0s' } } }],
    ['a range service in the clear', { signIn: { breachedPasswords: { url: 'http://range.example/' } } }],
    ['a role that is not declared', { signIn: { secondFactor: { roles: ['owner'] } } }],
  ]
  test.each(refused)('refuses %s', (_what, given) => {
    expect(() => defineSurety({ ...BASE, resources: accountResources, ...given })).toThrow(
      expect.objectContaining({ code: 'ERR_DECLARE_CONFIG' }),
    )
  })
})
