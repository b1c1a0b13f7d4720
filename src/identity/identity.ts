import type { Clock } from '../kernel/index.ts'
import type { Outbox } from '../mail/index.ts'
import { isEnabled } from './account-standing.ts'
import type { Auth } from './better-auth/auth.ts'
import { createDeviceCookie, createKnownDevices } from './brute-force/known-devices.ts'
import type { AccountStore } from './database.ts'
import { createPasswordHasher, type Argon2Parameters, type PasswordHasher } from './passwords/argon2.ts'
import { createBreachedPasswords, type BreachedPasswordsOptions } from './passwords/breached-passwords.ts'
import { IdentityError } from './errors.ts'
import { signUpLetter, type Addresses } from './mail/addresses.ts'
import { openLetters } from './mail/open-letters.ts'
import type { PasswordReset } from './mail/password-reset.ts'
import { createPasswordSignIn, type Client, type PasswordSignIn } from './password-sign-in.ts'
import { createFormTokens, type FormTokens } from './form-token.ts'
import { createSecondFactors, type SecondFactors } from './second-factors/second-factors.ts'
import { openGuard, type SignInGuard } from './sign-in-guard.ts'
import { createSessionCookie, type SessionCookie } from './session-cookie.ts'
import type { SessionPolicy } from './session-policy.ts'
import {
  createSessions,
  showsSecondFactor,
  type Session,
  type Sessions,
  type SignInMethod,
} from './sessions.ts'

/** Somebody who has proved who they are, as fully as their roles ask. */
export interface SignedIn {
  readonly personId: string
  readonly sessionId: string
  /** Unix milliseconds. */
  readonly authenticatedAt: number
  readonly methods: readonly SignInMethod[]
}

export interface IdentityOptions {
  /** Name of the system: letters, digits and hyphens. */
  readonly system: string
  /** Name of the product, as people know it. */
  readonly name: string
  /** Public address of the app, without a trailing slash; a function where its port is known late. */
  readonly url: () => string
  /** Signs cookies and forms: 32 random bytes or more, as text. */
  readonly secret: string
  readonly store: AccountStore
  readonly clock: Clock
  readonly policy: SessionPolicy
  /** Whether people can sign up and in with a password. Default true. */
  readonly passwords?: boolean
  /** Default {@link OWASP_ARGON2}. */
  readonly argon2?: Argon2Parameters
  readonly breached?: BreachedPasswordsOptions
  /** Default: nothing limits guessing. */
  readonly guard?: SignInGuard
  /** What takes letters over. Default: addresses are not confirmed, and forgotten passwords stay so. */
  readonly outbox?: Outbox
  /** Whether one of the person's roles demands a second factor. Asked at each use of a session that has none. */
  readonly requiresSecondFactor?: (personId: string) => Promise<boolean>
}

/** What a person sees of their account. */
export interface AccountView {
  readonly email: string
  readonly emailVerified: boolean
  readonly name: string
}

/** Devices that a person has signed in with before, which somebody else's guessing does not shut out. */
export interface Devices {
  /** What the request's device shows for itself; null for one that shows nothing. */
  read(request: Request): string | null
  /** A `Set-Cookie` value by which the device that sent the request is known for this person from now on. */
  admit(request: Request, personId: string): Promise<string>
  /** No device is known for this person any more. */
  forget(personId: string): Promise<void>
}

/** An identity provider's word for somebody. */
export interface Vouched {
  readonly provider: string
  /** When the provider asked them who they are; Unix milliseconds. Null where it does not say. */
  readonly authenticatedAt: number | null
}

/** Sign-in for apps that have no login of their own. */
export interface Identity {
  /** Who sent the request; null for nobody, and for whoever still owes a second factor. */
  signedIn(request: Request): Promise<SignedIn | null>
  /** The live session of the request, one that still waits for a second factor included. */
  session(request: Request): Promise<Session | null>
  /**
   * Opens a session for somebody who has proved who they are in another way than by password.
   * @param vouched the identity provider that vouches for them, if one does, and when it last asked them
   * @throws IdentityError `ERR_IDENTITY_CREDENTIALS` where the account is gone or switched off
   */
  enter(
    personId: string,
    methods: readonly SignInMethod[],
    client: Client,
    vouched?: Vouched,
  ): Promise<string>
  readonly sessions: Sessions
  readonly cookie: SessionCookie
  readonly passwords: PasswordSignIn
  readonly secondFactors: SecondFactors
  readonly forms: FormTokens
  /** Devices that a person has signed in with before. */
  readonly devices: Devices
  readonly policy: SessionPolicy
  /** Whether a role of the person's demands a second factor. */
  requiresSecondFactor(personId: string): Promise<boolean>
  /** What the person is called, and where they are reached; null where the account is gone. */
  account(personId: string): Promise<AccountView | null>
  /** Whether people sign up and in with a password. */
  readonly offersPasswords: boolean
  /** Whose an e-mail address is; null where no mail is configured. */
  readonly addresses: Addresses | null
  /** A new password for a forgotten one; null where no mail is configured, or passwords are not offered. */
  readonly passwordReset: PasswordReset | null
}

/** Opens sign-in. The public address is asked for at the first use, when the server listens. */
export function createIdentity(options: IdentityOptions): Identity {
  const { system, secret, store, clock, policy, requiresSecondFactor = async () => false } = options
  const hasher = createPasswordHasher(options.argon2)
  const sessions = createSessions({ store, clock, policy })
  const guard = options.guard ?? openGuard
  const secondFactors = createSecondFactors({ ...options, guard, required: requiresSecondFactor })
  const lazily = atFirstUse(options, hasher, secondFactors)
  const breached = createBreachedPasswords(options.breached)
  const passwords = createPasswordSignIn({
    auth: lazily.auth,
    ...{ store, hasher, breached, guard, clock, sessions },
  })
  const identity: Identity = {
    sessions,
    passwords,
    secondFactors,
    forms: createFormTokens(secret),
    devices: createDevices(options, guard, (personId) => identity.account(personId)),
    policy,
    requiresSecondFactor,
    offersPasswords: options.passwords ?? true,
    ...openLetters({ ...options, guard, hasher, breached }),
    enter: entering(store, sessions, secondFactors),
    async account(personId) {
      const rows = store('account', ['accounts']).selectFrom('accounts').select(SHOWN)
      return (await rows.where('personId', '=', personId).executeTakeFirst()) ?? null
    },
    get cookie() {
      return (lazily.cookie ??= createSessionCookie({
        system,
        secret,
        secure: options.url().startsWith('https:'),
        maxAgeSeconds: Math.floor(policy.absoluteMs / 1000),
      }))
    },
    async session(request) {
      const token = identity.cookie.read(request)
      return token === null ? null : sessions.find(token)
    },
    async signedIn(request) {
      const session = await identity.session(request)
      if (!session || session.pending) return null
      const { id, personId, authenticatedAt, methods } = session
      if (!showsSecondFactor(methods) && (await requiresSecondFactor(personId))) return null
      return { personId, sessionId: id, authenticatedAt, methods }
    },
  }
  return identity
}

const SHOWN = ['email', 'emailVerified', 'name'] as const

/** Opens sessions for people who are known by now, and looks at each account once more behind it. */
function entering(store: AccountStore, sessions: Sessions, secondFactors: SecondFactors): Identity['enter'] {
  const requireAccount = async (personId: string): Promise<void> => {
    if (await isEnabled(store, personId)) return
    throw new IdentityError('ERR_IDENTITY_CREDENTIALS', 'the account is gone or switched off')
  }
  return async (personId, methods, { address, userAgent }, vouched) => {
    await requireAccount(personId)
    const pending = !showsSecondFactor(methods) && (await secondFactors.has(personId))
    const by = vouched && { provider: vouched.provider, freshAt: vouched.authenticatedAt }
    const token = await sessions.open({ personId, methods, ...by, pending, address, userAgent })
    try {
      // Switched off meanwhile: then this one was opened too late to be ended with the others.
      await requireAccount(personId)
      return token
    } catch (error) {
      await sessions.end(token)
      throw error
    }
  }
}

function createDevices(
  { system, secret, clock, url }: IdentityOptions,
  guard: SignInGuard,
  accountOf: Identity['account'],
): Devices {
  const known = createKnownDevices(secret, clock)
  const cookie = () => createDeviceCookie(system, url().startsWith('https:'))
  // Guessing is counted by the address at sign-in, and by the person once it is known who they are.
  const namesOf = async (personId: string): Promise<string[]> => {
    const account = await accountOf(personId)
    return account ? [account.email, personId] : [personId]
  }
  return {
    read: (request) => cookie().read(request),
    async admit(request, personId) {
      return cookie().set(known.admit(await namesOf(personId), cookie().read(request)))
    },
    forget: async (personId) => guard.forgetDevices(await namesOf(personId)),
  }
}

/** What needs the public address, or is heavy to load. */
function atFirstUse(options: IdentityOptions, hasher: PasswordHasher, secondFactors: SecondFactors) {
  let loading: Promise<Auth> | null = null
  const load = async (): Promise<Auth> => {
    const { createAuth } = await import('./better-auth/auth.ts')
    const { system, secret, store, clock, policy, passwords = true, outbox } = options
    const hasSecondFactor = (personId: string) => secondFactors.has(personId)
    return createAuth({
      system,
      url: options.url(),
      secret,
      store,
      clock,
      hasher,
      policy,
      passwords,
      hasSecondFactor,
      ...(outbox && {
        onNewAccount: (open, { personId, email }) => outbox.post(signUpLetter(email, personId), open),
      }),
    })
  }
  return { cookie: null as SessionCookie | null, auth: () => (loading ??= load()) }
}
