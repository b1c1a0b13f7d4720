import type { Clock } from '../../kernel/index.ts'
import type { MailMessage } from '../../declare/index.ts'
import type { Outbox } from '../../mail/index.ts'
import { inOneTransaction, type AccountDatabase, type AccountStore } from '../database.ts'
import { canonicalEmail } from '../email.ts'
import { PASSWORD_PROVIDER, PROVED, type Client } from '../password-sign-in.ts'
import type { PasswordHasher } from '../passwords/argon2.ts'
import type { BreachedPasswords } from '../passwords/breached-passwords.ts'
import { checkNewPassword } from '../passwords/password-rules.ts'
import type { SignInGuard } from '../sign-in-guard.ts'
import { accountOf, ADDRESS, setVerified, spentLink, type AddressedAccount } from './addresses.ts'
import type { LetterLimit } from './letter-limit.ts'
import { noResetLetter, passwordResetLetter, resetLetter, type LetterFrom } from './letters.ts'
import { dropLinks, LINK_HOURS, type MailLinks } from './mail-links.ts'

/** A new password in place of a forgotten one, by a link to the account's address. */
export interface PasswordReset {
  /**
   * Writes to the address, if it has an account. Returns before anything is looked up, so that neither the answer
   * nor its time says whether it has one. The letter goes to the address that is stored, not to what was typed.
   *
   * @param request id of the request, for whoever is told
   * @throws IdentityError `ERR_IDENTITY_EMAIL`, `ERR_IDENTITY_LOCKED`
   */
  ask(typed: string, client: Client, request: string): Promise<void>
  /** Who is told whom a request was about, once that is known. The last one who says so is. */
  tell(told: (personId: string, request: string) => void): void
  /** Whether a link could be used now. */
  isLive(token: string): Promise<boolean>
  /**
   * Sets the password, once for each link; gives whose it is. All sessions and known devices of the person end; a
   * second factor stays. An address that was never confirmed is confirmed by this, where no second factor is.
   *
   * @throws IdentityError `ERR_IDENTITY_LINK`, and, leaving the link as it was, `ERR_IDENTITY_PASSWORD_…`
   */
  finish(token: string, password: string): Promise<string>
}

export interface PasswordResetOptions {
  readonly store: AccountStore
  readonly clock: Clock
  readonly outbox: Outbox
  readonly links: MailLinks
  readonly limit: LetterLimit
  readonly guard: SignInGuard
  readonly hasher: PasswordHasher
  readonly breached: BreachedPasswords
  readonly from: () => LetterFrom
}

export function createPasswordReset(options: PasswordResetOptions): PasswordReset {
  return new PasswordResets(options)
}

const FACTORS = ['authenticators', 'passkeys'] as const
const SIGN_IN = ['accounts', 'credentials', 'sign_in_sessions'] as const
const TABLES = ['mail_links', 'waiting_letters', ...SIGN_IN, ...FACTORS] as const

class PasswordResets implements PasswordReset {
  readonly #options: PasswordResetOptions
  #told: (personId: string, request: string) => void = () => {}

  constructor(options: PasswordResetOptions) {
    this.#options = options
    const { outbox, from } = options
    outbox.writes('reset-password', ({ email = '', request = '' }) => this.#answer(email, request))
    outbox.writes('password-reset', async ({ email = '' }) => passwordResetLetter(from(), email))
  }

  tell(told: (personId: string, request: string) => void): void {
    this.#told = told
  }

  async ask(typed: string, client: Client, request: string): Promise<void> {
    const { limit, outbox } = this.#options
    const email = canonicalEmail(typed)
    await limit.admit(email, client)
    const lifeMs = LINK_HOURS['reset-password'] * 3_600_000
    await outbox.post({ kind: 'reset-password', about: { email, request }, lifeMs })
  }

  async isLive(token: string): Promise<boolean> {
    return (await this.#options.links.find(token))?.purpose === 'reset-password'
  }

  async finish(token: string, password: string): Promise<string> {
    const { store, links, breached, hasher, guard, outbox } = this.#options
    const link = await links.find(token)
    if (link?.purpose !== 'reset-password') throw spentLink()
    const { personId, email } = link
    await checkNewPassword(password, [email, await this.#nameOf(personId)], breached)
    const hash = await hasher.servedAs(PROVED, () => hasher.hash(password))
    await guard.forgetDevices([email, personId])
    await inOneTransaction(store('reset-password', TABLES), (open) => this.#replace(open, token, hash))
    // A sign-in that was under way with the old password may have opened one since.
    await store('reset-password', ['sign_in_sessions'])
      .deleteFrom('sign_in_sessions')
      .where('personId', '=', personId)
      .execute()
    outbox.wake()
    return personId
  }

  async #answer(email: string, request: string): Promise<MailMessage | null> {
    const { store, links, from } = this.#options
    const db = store('ask-reset', TABLES)
    const rows = db.selectFrom('accounts').select(ADDRESS).where('email', '=', email)
    const account = await rows.executeTakeFirst()
    if (!account || account.disabledAt !== null) return null
    this.#told(account.personId, request)
    if (!(await mayReset(db, account))) return noResetLetter(from(), account.email)
    const { personId } = account
    const token = await links.mint({ personId, purpose: 'reset-password', email: account.email })
    return resetLetter(from(), account.email, token)
  }

  async #replace(open: AccountDatabase, token: string, password: string): Promise<void> {
    const { links, clock, outbox } = this.#options
    const updatedAt = new Date(clock.now())
    const link = await links.take(open, token)
    if (link?.purpose !== 'reset-password') throw spentLink()
    const { personId } = link
    const account = await accountOf(open, personId, true)
    const isSame = account !== null && account.disabledAt === null && account.email === link.email
    if (!isSame || !(await mayReset(open, account))) throw spentLink()
    await dropLinks(open, personId, ['reset-password', 'change-address'])
    await setPassword(open, personId, password, updatedAt)
    if (!account.emailVerified) await setVerified(open, personId, account.email, updatedAt)
    await open.deleteFrom('sign_in_sessions').where('personId', '=', personId).execute()
    await outbox.post({ kind: 'password-reset', about: { email: link.email } }, open)
  }

  async #nameOf(personId: string): Promise<string> {
    const rows = this.#options.store('reset-password', ['accounts']).selectFrom('accounts').select('name')
    return (await rows.where('personId', '=', personId).executeTakeFirst())?.name ?? ''
  }
}

/**
 * Whether a letter may set the account's password. Not where only an identity provider signs in to it: that one
 * decides who does. And not where the address was never confirmed and there is a second factor: whoever made the
 * account would keep a way into what the reader of the letter takes for their own.
 */
async function mayReset(
  db: AccountDatabase,
  { personId, emailVerified }: AddressedAccount,
): Promise<boolean> {
  const ways = await credentialsOf(db, personId)
  if (ways.length > 0 && !ways.some(isPassword)) return false
  return emailVerified || !(await hasFactor(db, personId))
}

async function credentialsOf(db: AccountDatabase, personId: string) {
  const rows = db.selectFrom('credentials').select(['id', 'providerId', 'password'])
  return rows.where('personId', '=', personId).execute()
}

function isPassword({ providerId }: { readonly providerId: string }): boolean {
  return providerId === PASSWORD_PROVIDER
}

async function hasFactor(db: AccountDatabase, personId: string): Promise<boolean> {
  for (const table of FACTORS) {
    const rows = db.selectFrom(table).select('id').where('personId', '=', personId)
    if (await rows.executeTakeFirst()) return true
  }
  return false
}

async function setPassword(
  open: AccountDatabase,
  personId: string,
  password: string,
  updatedAt: Date,
): Promise<void> {
  const own = (await credentialsOf(open, personId)).find(isPassword)
  if (own) {
    await open.updateTable('credentials').set({ password, updatedAt }).where('id', '=', own.id).execute()
    return
  }
  const values = { personId, providerId: PASSWORD_PROVIDER, accountId: personId, password, updatedAt }
  await open.insertInto('credentials').values(values).execute()
}
