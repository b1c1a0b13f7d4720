import { isDuration, parseDuration, type Duration } from '../kernel/index.ts'
import type { SuretyConfig } from './config.ts'
import type { DefinitionCheck } from './definition.ts'
import { checkScim, type ScimConfig } from './scim.ts'
import { checkNetworks, checkSignInProviders, type SignInProvider } from './sign-in-provider.ts'

/** The library's own sign-in, for apps that have none. Spread `accountResources` into `resources` for it. */
export interface SignInConfig {
  /** Whether people sign up and in with a password. Default true. */
  readonly passwords?: boolean
  /** Identity providers that people sign in through. Default none. */
  readonly providers?: readonly SignInProvider[]
  /** Provisioning by directories. Default: off. */
  readonly scim?: ScimConfig
  readonly sessions?: {
    /** A session ends when it was not used for so long. Default `"8h"`. */
    readonly idle?: Duration
    /** A session ends so long after it was opened, used or not. Default `"7d"`. */
    readonly absolute?: Duration
    /** What is sensitive asks for a proof no older than this. Default `"10m"`. */
    readonly fresh?: Duration
  }
  readonly breachedPasswords?: {
    /** A range service (k-anonymity): five hex digits of a password's SHA-1 leave. Default: only the built-in list. */
    readonly url?: string
    /** Whether a new password passes while the service is away. Default `"list-only"`. */
    readonly onOutage?: 'list-only' | 'refuse'
    /** Networks that are not public in which the service may be, such as `['10.4.0.0/16']`. Default none. */
    readonly privateNetworks?: readonly string[]
  }
  /**
   * Where failed attempts are counted. Default: the database. `redis` sends one command and gives its plain
   * reply: `(command) => client.sendCommand([...command])` of node-redis.
   */
  readonly attempts?: { readonly redis: (command: readonly string[]) => Promise<unknown> }
  readonly secondFactor?: {
    /** Roles whose people must have a second factor; without it their session opens nothing. Default none. */
    readonly roles?: readonly string[]
  }
}

/** Somebody whom a login of the app's own has recognised. */
export interface IdentifiedPerson {
  readonly kind: 'user'
  /** The person's pseudonym: a lower-case UUID. */
  readonly id: string
  readonly tenant: string | null
  readonly roles: readonly string[]
}

/** Roles that every tenant has. */
const BUILT_IN_ROLES = ['administrator', 'member']
const KEYS = ['passwords', 'providers', 'scim', 'sessions', 'breachedPasswords', 'secondFactor', 'attempts']
const SESSION_KEYS = ['idle', 'absolute', 'fresh']

export function checkSignIn(
  check: DefinitionCheck,
  { signIn, identify, roles }: Pick<SuretyConfig, 'signIn' | 'identify' | 'roles'>,
): void {
  check.that(
    identify === undefined || typeof identify === 'function',
    'identify',
    'is no function',
    'write identify: async (request) => principal or null',
  )
  if (signIn === undefined) return
  check.that(identify === undefined, 'identify', 'stands beside signIn', 'keep the login that you use')
  check.onlyKnown(signIn, KEYS)
  checkSignInProviders(check, signIn.providers ?? [])
  if (signIn.scim) checkScim(check, signIn.scim, [...BUILT_IN_ROLES, ...Object.keys(roles)])
  checkSessions(check, signIn.sessions ?? {})
  checkBreached(check, signIn.breachedPasswords ?? {})
  if (signIn.attempts)
    check.that(
      typeof signIn.attempts.redis === 'function',
      'signIn.attempts.redis',
      'is no function',
      'write redis: (command) => client.sendCommand([...command])',
    )
  for (const role of signIn.secondFactor?.roles ?? [])
    check.that(
      Object.hasOwn(roles, role),
      'signIn.secondFactor.roles',
      `names no role: ${role}`,
      'declare it under roles',
    )
}

function checkSessions(check: DefinitionCheck, sessions: NonNullable<SignInConfig['sessions']>): void {
  check.onlyKnown(sessions, SESSION_KEYS)
  for (const [name, value] of Object.entries(sessions)) {
    const fits = isDuration(String(value)) && parseDuration(value) > 0
    check.that(fits, `signIn.sessions.${name}`, 'is not a duration', "write one such as '8h'")
  }
}

function checkBreached(check: DefinitionCheck, given: NonNullable<SignInConfig['breachedPasswords']>): void {
  check.onlyKnown(given, ['url', 'onOutage', 'privateNetworks'])
  const key = 'signIn.breachedPasswords'
  checkNetworks(check, given.privateNetworks, `${key}.privateNetworks`)
  const url = given.url === undefined ? null : URL.parse(given.url)
  const local = url !== null && /^(localhost|127\.[0-9.]+|\[::1\])$/.test(url.hostname)
  const fits = given.url === undefined || url?.protocol === 'https:' || (local && url.protocol === 'http:')
  check.that(
    fits,
    `${key}.url`,
    'is not an https address',
    'write the address of a range service, without the digits',
  )
  const known = given.onOutage === undefined || given.onOutage === 'list-only' || given.onOutage === 'refuse'
  check.that(known, `${key}.onOutage`, 'is not a known choice', "use 'list-only' or 'refuse'")
}
