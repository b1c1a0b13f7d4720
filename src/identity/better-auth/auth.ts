import { betterAuth } from 'better-auth'
import { systemClock, type Clock } from '../../kernel/index.ts'
import { ADDRESS_HEADER, isEnabled } from '../account-standing.ts'
import type { AccountStore } from '../database.ts'
import type { PasswordHasher } from '../passwords/argon2.ts'
import { MAX_PASSWORD_BYTES, MIN_PASSWORD_CHARACTERS } from '../passwords/password-rules.ts'
import { sessionCookieName } from '../session-cookie.ts'
import type { SessionPolicy } from '../session-policy.ts'
import { MAX_USER_AGENT, type SignInMethod } from '../sessions.ts'
import { suretyAdapter, type AdapterOptions } from './adapter.ts'

export interface AuthOptions {
  /** Name of the system, for cookies. */
  readonly system: string
  /** Public address of the app: the `Host` header is never believed. */
  readonly url: string
  readonly secret: string
  readonly store: AccountStore
  readonly clock: Clock
  readonly hasher: PasswordHasher
  readonly policy: SessionPolicy
  readonly passwords: boolean
  /** Whether the person has a second factor, so that a new session waits for it. */
  readonly hasSecondFactor: (personId: string) => Promise<boolean>
  /** Told of a sign-up in its transaction. */
  readonly onNewAccount?: AdapterOptions['onNewAccount']
}

/** Better Auth wants to know where it would answer; its own routes are not served. */
const AUTH_PATH = '/account/auth'

export type Auth = ReturnType<typeof createAuth>

/**
 * Better Auth over the governed store: accounts and passwords. Sessions that
 * it opens get this room's ends and, where the person has a second factor, wait for it.
 */
export function createAuth(options: AuthOptions) {
  const { system, url, secret, store, clock, hasher, policy, passwords, onNewAccount } = options
  const secure = url.startsWith('https:')
  return betterAuth({
    appName: system,
    baseURL: url,
    basePath: AUTH_PATH,
    secret,
    trustedOrigins: [new URL(url).origin],
    database: suretyAdapter({ store, clock, ...(onNewAccount && { onNewAccount }) }),
    telemetry: { enabled: false },
    // Its lines carry addresses.
    logger: { disabled: true },
    rateLimit: { enabled: false },
    emailAndPassword: {
      enabled: passwords,
      // Who signs up learns nothing about addresses that are taken, and signs in as everybody else does.
      autoSignIn: false,
      minPasswordLength: MIN_PASSWORD_CHARACTERS,
      maxPasswordLength: MAX_PASSWORD_BYTES,
      password: {
        hash: (password) => hasher.hash(password),
        verify: ({ hash, password }) => hasher.verify(hash, password),
      },
    },
    session: {
      expiresIn: Math.floor(policy.idleMs / 1000),
      additionalFields: {
        endsAt: { type: 'date', required: true, input: false },
        authenticatedAt: { type: 'date', required: true, input: false },
        methods: { type: 'string[]', required: true, input: false },
        pending: { type: 'boolean', required: true, input: false },
      },
    },
    user: { additionalFields: { disabledAt: { type: 'date', required: false, input: false } } },
    advanced: {
      database: { generateId: false },
      cookiePrefix: system,
      // The prefix of its own choice would stand before ours.
      useSecureCookies: false,
      defaultCookieAttributes: { secure, httpOnly: true, sameSite: 'lax' },
      cookies: { session_token: { name: sessionCookieName(system, secure) } },
      ipAddress: { ipAddressHeaders: [ADDRESS_HEADER] },
    },
    databaseHooks: {
      session: { create: { before: (session, context) => completed(options, session, context) } },
    },
  })
}

/** What a session of Better Auth's still needs; false where the person may not sign in. */
async function completed(
  { policy, hasSecondFactor, store }: AuthOptions,
  { userId, userAgent }: { readonly userId: string; readonly userAgent?: string | null | undefined },
  context: { readonly path?: string } | null,
) {
  if (!(await isEnabled(store, userId))) return false
  // Better Auth's times are the machine's; the adapter shifts them.
  const now = systemClock.now()
  const method: SignInMethod = context?.path?.endsWith('/sign-in/email') ? 'password' : 'oidc'
  return {
    data: {
      endsAt: new Date(now + policy.absoluteMs),
      expiresAt: new Date(now + Math.min(policy.idleMs, policy.absoluteMs)),
      authenticatedAt: new Date(now),
      methods: [method],
      pending: await hasSecondFactor(userId),
      userAgent: userAgent?.slice(0, MAX_USER_AGENT) ?? null,
    },
  }
}
