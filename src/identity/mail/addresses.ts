import { hasCode, type Clock } from '../../kernel/index.ts'
import type { MailMessage } from '../../declare/index.ts'
import type { Outbox } from '../../mail/index.ts'
import { inOneTransaction, type AccountDatabase, type AccountStore } from '../database.ts'
import { canonicalEmail } from '../email.ts'
import { IdentityError } from '../errors.ts'
import { REALM } from '../resources.ts'
import type { SignInGuard } from '../sign-in-guard.ts'
import type { LetterLimit } from './letter-limit.ts'
import {
  addressChangedLetter,
  addressTakenLetter,
  changeAddressLetter,
  confirmAddressLetter,
  type LetterFrom,
} from './letters.ts'
import { dropLinks, type MailLinks } from './mail-links.ts'

/** Whose an e-mail address is, shown by a link that was sent to it and a session of the account together. */
export interface Addresses {
  /**
   * Has written to the address that somebody signed up with: a link to confirm it, which was stored with the
   * account, or, where the address had an account already, that it has one. The caller cannot tell which.
   * @param personId as sign-up gave it
   */
  signedUp(typed: string, personId: string | null): Promise<void>
  /**
   * Sends the person another link to confirm their address; the earlier one ends. Nothing where it is confirmed.
   * @throws IdentityError `ERR_IDENTITY_LOCKED`
   */
  send(personId: string): Promise<void>
  /**
   * Sends a link to another address, which becomes the person's once they open it. An address that has an
   * account gets a letter that says so; the caller cannot tell.
   * @throws IdentityError `ERR_IDENTITY_EMAIL`, `ERR_IDENTITY_LOCKED`
   */
  change(personId: string, typed: string): Promise<void>
  /**
   * Takes the person's link. One of another person's, or for another address than the account now has, is refused
   * and stays as it was.
   * @throws IdentityError `ERR_IDENTITY_LINK`
   */
  confirm(personId: string, token: string): Promise<'confirmed' | 'changed'>
  /** Takes for confirmed what a link of another room's has shown; false where the account has another address. */
  prove(personId: string, email: string): Promise<boolean>
  /** True where the mailbox may get another letter, which is counted then. For letters of other rooms. */
  mayWriteTo(email: string): Promise<boolean>
}

export interface AddressesOptions {
  readonly store: AccountStore
  readonly clock: Clock
  readonly outbox: Outbox
  readonly links: MailLinks
  readonly limit: LetterLimit
  readonly guard: SignInGuard
  readonly from: () => LetterFrom
}

export function createAddresses(options: AddressesOptions): Addresses {
  return new ConfirmedAddresses(options)
}

class ConfirmedAddresses implements Addresses {
  readonly #options: AddressesOptions

  constructor(options: AddressesOptions) {
    this.#options = options
    const { outbox, from } = options
    outbox.writes('sign-up', ({ email = '', personId }, again) => this.#greeting(email, personId, again))
    outbox.writes('confirm-address', async ({ personId = '' }) => {
      const account = await accountOf(this.#accounts(), personId)
      return account && !account.emailVerified ? this.#confirmation(account) : null
    })
    outbox.writes('change-address', ({ personId = '', email = '' }) => this.#proposal(personId, email))
    outbox.writes('address-changed', async ({ email = '' }) => addressChangedLetter(from(), email))
  }

  async signedUp(typed: string, personId: string | null): Promise<void> {
    const { outbox } = this.#options
    const email = canonicalEmail(typed)
    const account = await this.#accountAt(email)
    if (account?.personId === personId) outbox.wake()
    else await outbox.post(signUpLetter(email, ''))
  }

  async send(personId: string): Promise<void> {
    const { outbox, limit } = this.#options
    const account = await accountOf(this.#accounts(), personId)
    if (!account || account.emailVerified) return
    await limit.admit(account.email)
    await outbox.post({ kind: 'confirm-address', about: { personId } })
  }

  async change(personId: string, typed: string): Promise<void> {
    const { outbox, limit } = this.#options
    const email = canonicalEmail(typed)
    const own = await accountOf(this.#accounts(), personId)
    if (own?.email === email)
      throw new IdentityError('ERR_IDENTITY_EMAIL', 'this is the address that the account has')
    // Whoever is signed in writes to strangers no more often than strangers are written to.
    await limit.admit(personId)
    await limit.admit(email)
    await outbox.post({ kind: 'change-address', about: { personId, email } })
  }

  async confirm(personId: string, token: string): Promise<'confirmed' | 'changed'> {
    const { store, outbox, guard } = this.#options
    const tables = ['mail_links', 'accounts', 'sign_in_names', 'waiting_letters'] as const
    const { purpose, before } = await orSpent(() =>
      inOneTransaction(store('confirm-address', tables), (open) => this.#settle(open, personId, token)),
    )
    if (purpose === 'confirm-address') return 'confirmed'
    // Whoever has the old address next is somebody else.
    await guard.forgetDevices([before.email])
    outbox.wake()
    return 'changed'
  }

  async prove(personId: string, email: string): Promise<boolean> {
    const { store, clock } = this.#options
    return inOneTransaction(store('prove-address', ['accounts']), async (open) => {
      const account = await accountOf(open, personId, true)
      if (account?.email !== email) return false
      if (!account.emailVerified) await setVerified(open, personId, email, new Date(clock.now()))
      return true
    })
  }

  async mayWriteTo(email: string): Promise<boolean> {
    try {
      await this.#options.limit.admit(email)
      return true
    } catch (error) {
      if (hasCode(error, 'ERR_IDENTITY_LOCKED')) return false
      throw error
    }
  }

  async #settle(open: AccountDatabase, personId: string, token: string) {
    const { links, clock, outbox } = this.#options
    const now = new Date(clock.now())
    const link = await links.take(open, token)
    const before = await accountOf(open, personId, true)
    // What is thrown here undoes that the link was taken.
    if (!link || link.personId !== personId || !before) throw spentLink()
    if (link.purpose === 'confirm-address') {
      if (before.email !== link.email) throw spentLink()
    } else if (link.purpose === 'change-address') {
      await claimName(open, personId, link.email)
      await dropLinks(open, personId, ['confirm-address', 'change-address', 'reset-password'])
      if (before.emailVerified)
        await outbox.post({ kind: 'address-changed', about: { email: before.email } }, open)
    } else throw spentLink()
    await setVerified(open, personId, link.email, now)
    return { purpose: link.purpose, before }
  }

  /** To whoever signed up; null where that is settled by now, or the mailbox had enough letters. */
  async #greeting(email: string, personId: string | undefined, again: boolean): Promise<MailMessage | null> {
    const account = await this.#accountAt(email)
    if (!account || !(again || (await this.mayWriteTo(account.email)))) return null
    if (account.personId !== personId) return addressTakenLetter(this.#options.from(), account.email)
    return account.emailVerified ? null : this.#confirmation(account)
  }

  async #proposal(personId: string, email: string): Promise<MailMessage | null> {
    const { links, from } = this.#options
    const owner = await this.#accountAt(email)
    if (owner) return owner.personId === personId ? null : addressTakenLetter(from(), email)
    const token = await links.mint({ personId, purpose: 'change-address', email })
    return changeAddressLetter(from(), email, token)
  }

  async #confirmation({ personId, email }: AddressedAccount) {
    const { links, from } = this.#options
    const token = await links.mint({ personId, purpose: 'confirm-address', email })
    return confirmAddressLetter(from(), email, token)
  }

  #accounts(): AccountDatabase {
    return this.#options.store('addresses', ['accounts'])
  }

  async #accountAt(email: string): Promise<AddressedAccount | null> {
    const rows = this.#accounts().selectFrom('accounts').select(ADDRESS)
    return (await rows.where('email', '=', email).executeTakeFirst()) ?? null
  }
}

/** To whoever signed up with an address. @param personId whom it made an account for; empty where none was made */
export function signUpLetter(email: string, personId: string) {
  return { kind: 'sign-up', about: { email, personId } } as const
}

export interface AddressedAccount {
  readonly personId: string
  readonly email: string
  readonly emailVerified: boolean
  readonly disabledAt: Date | null
}

export const ADDRESS = ['personId', 'email', 'emailVerified', 'disabledAt'] as const

/** @param lock true: nobody else changes it until the transaction ends */
export async function accountOf(
  db: AccountDatabase,
  personId: string,
  lock = false,
): Promise<AddressedAccount | null> {
  const rows = db.selectFrom('accounts').select(ADDRESS).where('personId', '=', personId)
  return (await (lock ? rows.forUpdate() : rows).executeTakeFirst()) ?? null
}

export async function setVerified(
  open: AccountDatabase,
  personId: string,
  email: string,
  updatedAt: Date,
): Promise<void> {
  await open
    .updateTable('accounts')
    .set({ email, emailVerified: true, updatedAt })
    .where('personId', '=', personId)
    .execute()
}

/** @throws StoreError `ERR_STORE_CONFLICT` where another account has it */
async function claimName(open: AccountDatabase, personId: string, email: string): Promise<void> {
  await open.deleteFrom('sign_in_names').where('personId', '=', personId).execute()
  await open.insertInto('sign_in_names').values({ personId, realmId: REALM, email }).execute()
}

/** An address that somebody else took meanwhile makes its link worthless. */
async function orSpent<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (hasCode(error, 'ERR_STORE_CONFLICT')) throw spentLink()
    throw error
  }
}

export function spentLink(): Error {
  return new IdentityError('ERR_IDENTITY_LINK', 'the link was used, has ended, or is for another account')
}
