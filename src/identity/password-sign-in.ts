import { hasCode, type Clock } from '../kernel/index.ts'
import { ADDRESS_HEADER, isEnabled } from './account-standing.ts'
import type { Auth } from './better-auth/auth.ts'
import { networkOf, SIGN_UP } from './brute-force/attempt-keys.ts'
import { inOneTransaction, type AccountStore } from './database.ts'
import { canonicalEmail } from './email.ts'
import { IdentityError } from './errors.ts'
import type { PasswordHasher } from './passwords/argon2.ts'
import type { BreachedPasswords } from './passwords/breached-passwords.ts'
import { checkNewPassword, checkPasswordLength } from './passwords/password-rules.ts'
import type { Caller } from './passwords/turns.ts'
import type { Sessions } from './sessions.ts'
import type { SignInAttempt, SignInGuard, Standing } from './sign-in-guard.ts'

/** Where a request comes from, as far as the server that took it knows. */
export interface Client {
  readonly address: string | null
  readonly userAgent: string | null
  /** The id in a known device's cookie. */
  readonly device: string | null
}

export interface PasswordSignInOptions {
  readonly auth: () => Promise<Auth>
  readonly store: AccountStore
  readonly hasher: PasswordHasher
  readonly breached: BreachedPasswords
  readonly guard: SignInGuard
  readonly clock: Clock
  readonly sessions: Pick<Sessions, 'end'>
}

export interface GivenPassword {
  /** As typed. */
  readonly email: string
  readonly password: string
}

export interface NewPerson extends GivenPassword {
  readonly name: string
}

export interface PasswordSignIn {
  /**
   * Makes an account, unless the address was taken. Gives what the new person is called by: where nothing was made,
   * that is nobody's, or null. Only a letter to the address may tell.
   *
   * @param client from where; its sign-ups are limited like failed tries. Default: they are limited elsewhere
   * @throws IdentityError `ERR_IDENTITY_EMAIL`, `ERR_IDENTITY_NAME`, `ERR_IDENTITY_PASSWORD_…`, and what the guard says
   */
  signUp(person: NewPerson, client?: Client): Promise<string | null>
  /**
   * The token of a new session, which waits for a second factor where the person has one.
   *
   * @throws IdentityError `ERR_IDENTITY_CREDENTIALS` whatever was wrong, `ERR_IDENTITY_BUSY`, and what the guard says
   */
  signIn(given: GivenPassword, client: Client): Promise<string>
  /** Whether the password is the person's; asked again before what is sensitive. Guarded like a sign-in. */
  confirm(personId: string, password: string, client: Client): Promise<boolean>
  /** Whether the person has a password. */
  has(personId: string): Promise<boolean>
  /**
   * Gives the person another password. In the same moment their other sessions end; no device is known any more.
   *
   * @param keep id of the session that goes on
   * @throws IdentityError `ERR_IDENTITY_PASSWORD_…`, `ERR_IDENTITY_CREDENTIALS` where they sign in without one
   */
  change(personId: string, password: string, keep: string): Promise<void>
}

const NAME_MAX = 120
/** The provider's name that Better Auth gives to passwords. */
export const PASSWORD_PROVIDER = 'credential'

export function createPasswordSignIn(options: PasswordSignInOptions): PasswordSignIn {
  return new GovernedPasswords(options)
}

class GovernedPasswords implements PasswordSignIn {
  readonly #options: PasswordSignInOptions

  constructor(options: PasswordSignInOptions) {
    this.#options = options
  }

  async signUp({ email: typed, name, password }: NewPerson, client?: Client): Promise<string | null> {
    const { breached, guard } = this.#options
    const email = canonicalEmail(typed)
    await checkNewPassword(password, [email, name.slice(0, NAME_MAX)], breached)
    checkName(name)
    // Each costs a hash and a row, so each counts, and no success takes it back.
    const attempt = client && { ...attemptOf(client), account: `sign-up of ${email}`, method: SIGN_UP }
    const standing = attempt ? await admit(guard, attempt) : 'stranger'
    try {
      return await this.#makeAccount({ email, name, password }, callerOf(client, standing))
    } catch (error) {
      if (isMalformed(error)) throw new IdentityError('ERR_IDENTITY_EMAIL', 'this address cannot be taken')
      // Also what a failing database leads to: only an address that has an account is told apart from it.
      if (!isTaken(error) || !(await this.#hasAccount(email))) throw error
      return null
    }
  }

  async signIn({ email: typed, password }: GivenPassword, client: Client): Promise<string> {
    const { auth, guard, hasher } = this.#options
    // Neither is anybody's: nothing is hashed, nothing looked up, and nothing told apart.
    const email = emailOrNull(typed)
    if (email === null || !isLengthFine(password)) throw wrongCredentials()
    const attempt: SignInAttempt = { ...attemptOf(client), account: email, method: 'password' }
    const began = this.#options.clock.now()
    const standing = await admit(guard, attempt)
    const headers = headersOf(client)
    try {
      const token = await hasher.servedAs(callerOf(client, standing), async () => {
        const { api } = await auth()
        const { token: opened, user } = await api.signInEmail({ body: { email, password }, headers })
        await this.#confirmOpened({ token: opened, personId: user.id, password, began })
        return opened
      })
      await guard.settle(attempt, 'succeeded')
      return token
    } catch (error) {
      if (hasCode(error, 'ERR_IDENTITY_BUSY')) await guard.settle(attempt, 'unread')
      if (!isRefused(error)) throw error
      await guard.settle(attempt, 'failed')
      throw wrongCredentials()
    }
  }

  async confirm(personId: string, password: string, client: Client): Promise<boolean> {
    const { hasher, guard } = this.#options
    if (!isLengthFine(password)) return false
    const attempt: SignInAttempt = { ...attemptOf(client), account: personId, method: 'password' }
    const standing = await admit(guard, attempt)
    try {
      const credential = await this.#credentialOf(personId)
      const stored = credential?.password
      const check = async (): Promise<boolean> => (stored ? hasher.verify(stored, password) : false)
      const right = await hasher.servedAs(callerOf(client, standing), check)
      await guard.settle(attempt, right ? 'succeeded' : 'failed')
      return right
    } catch (error) {
      if (hasCode(error, 'ERR_IDENTITY_BUSY')) await guard.settle(attempt, 'unread')
      throw error
    }
  }

  async change(personId: string, password: string, keep: string): Promise<void> {
    const { store, breached, guard, hasher } = this.#options
    const account = await store('set-password', ['accounts'])
      .selectFrom('accounts')
      .select(['email', 'name'])
      .where('personId', '=', personId)
      .executeTakeFirst()
    const credential = await this.#credentialOf(personId)
    if (!account || !credential) throw wrongCredentials()
    await checkNewPassword(password, [account.email, account.name], breached)
    const hash = await hasher.servedAs(PROVED, () => hasher.hash(password))
    await guard.forgetDevices([account.email, personId])
    await inOneTransaction(store('set-password', ['credentials', 'sign_in_sessions']), async (trx) => {
      const updatedAt = new Date(this.#options.clock.now())
      const own = trx.updateTable('credentials').where('id', '=', credential.id)
      await own.set({ password: hash, updatedAt }).execute()
      const others = trx.deleteFrom('sign_in_sessions').where('personId', '=', personId)
      await others.where('id', '!=', keep).execute()
    })
  }

  async has(personId: string): Promise<boolean> {
    return (await this.#credentialOf(personId))?.password != null
  }

  async #makeAccount(body: NewPerson, caller: Caller): Promise<string> {
    const { api } = await this.#options.auth()
    return (await this.#options.hasher.servedAs(caller, () => api.signUpEmail({ body }))).user.id
  }

  async #hasAccount(email: string): Promise<boolean> {
    const accounts = this.#options.store('sign-up', ['accounts']).selectFrom('accounts').select('id')
    return (await accounts.where('email', '=', email).executeTakeFirst()) !== undefined
  }

  async #credentialOf(personId: string) {
    const rows = await this.#options
      .store('check-password', ['credentials'])
      .selectFrom('credentials')
      .select(['id', 'providerId', 'password', 'updatedAt'])
      .where('personId', '=', personId)
      .execute()
    return rows.find(({ providerId }) => providerId === PASSWORD_PROVIDER) ?? null
  }

  /**
   * Looks once more after the session was opened. What was switched off or changed meanwhile has ended the
   * person's sessions, too early for this one.
   */
  async #confirmOpened({ token, personId, password, began }: OpenedSession): Promise<void> {
    const { store, hasher, sessions } = this.#options
    try {
      const credential = await this.#credentialOf(personId)
      const stored = credential?.password
      if (!credential || !stored || !(await isEnabled(store, personId))) throw wrongCredentials()
      const isNew = credential.updatedAt.getTime() >= began - CLOCKS_APART_MS
      if (isNew && !(await hasher.verify(stored, password))) throw wrongCredentials()
      if (hasher.isOutdated(stored)) await this.#strengthen(credential.id, password, stored)
    } catch (error) {
      await sessions.end(token)
      throw error
    }
  }

  /** Stores a hash by today's parameters. Somebody who set another password meanwhile keeps theirs. */
  async #strengthen(id: string, password: string, insteadOf: string): Promise<void> {
    const { hasher, store } = this.#options
    const hash = await hasher.hash(password)
    await inOneTransaction(store('set-password', ['credentials']), async (trx) => {
      const row = trx.selectFrom('credentials').select('password').where('id', '=', id).forUpdate()
      if ((await row.executeTakeFirst())?.password !== insteadOf) return
      await trx.updateTable('credentials').set({ password: hash }).where('id', '=', id).execute()
    })
  }
}

/** Somebody who has proved who they are: nobody waits behind strangers to mend their password. */
export const PROVED: Caller = { network: null, standing: 'known' }

interface OpenedSession {
  readonly token: string
  readonly personId: string
  /** The password that opened it. */
  readonly password: string
  /** When the sign-in began; Unix milliseconds. */
  readonly began: number
}

/** Milliseconds by which the clocks of two nodes may differ. */
const CLOCKS_APART_MS = 60_000

/** How the attempt waits for its turn. @throws IdentityError `ERR_IDENTITY_LOCKED` with the time to wait */
export async function admit(guard: SignInGuard, attempt: SignInAttempt): Promise<Standing> {
  const answer = await guard.admit(attempt)
  if (answer.verdict === 'go') return answer.standing
  const { retryAfterMs } = answer
  throw new IdentityError('ERR_IDENTITY_LOCKED', 'too many tries have failed', { retryAfterMs })
}

function attemptOf({ address, device }: Client): Pick<SignInAttempt, 'address' | 'device'> {
  return { address, device }
}

function callerOf(client: Client | undefined, standing: Standing): Caller {
  return { network: networkOf(client?.address ?? null), standing }
}

function headersOf({ address, userAgent }: Client): Headers {
  const headers = new Headers()
  if (address !== null) headers.set(ADDRESS_HEADER, address)
  if (userAgent !== null) headers.set('user-agent', userAgent)
  return headers
}

function wrongCredentials(): Error {
  return new IdentityError('ERR_IDENTITY_CREDENTIALS', 'the address or the password is not right')
}

function checkName(name: string): void {
  const fits =
    name.trim().length > 0 && name.length <= NAME_MAX && name.isWellFormed() && !name.includes('\0')
  if (!fits) throw new IdentityError('ERR_IDENTITY_NAME', 'the name is empty, too long or no text')
}

function emailOrNull(typed: string): string | null {
  try {
    return canonicalEmail(typed)
  } catch (error) {
    if (hasCode(error, 'ERR_IDENTITY_EMAIL')) return null
    throw error
  }
}

function isLengthFine(password: string): boolean {
  try {
    checkPasswordLength(password)
    return true
  } catch (error) {
    if (hasCode(error, 'ERR_IDENTITY_PASSWORD_LENGTH')) return false
    throw error
  }
}

/** Two sign-ups for one address that race: the database lets the first in, and Better Auth says no more than this. */
function isTaken(error: unknown): boolean {
  return statusOf(error) === 422
}

function isRefused(error: unknown): boolean {
  return statusOf(error) === 401 || isMalformed(error)
}

/** Better Auth takes fewer addresses than {@link canonicalEmail}: nobody has a password with the others. */
function isMalformed(error: unknown): boolean {
  return statusOf(error) === 400
}

/** The HTTP status of an error of Better Auth's, which is not loaded for its class alone. */
function statusOf(error: unknown): unknown {
  return error instanceof Error && error.name === 'APIError' && 'statusCode' in error
    ? error.statusCode
    : null
}
