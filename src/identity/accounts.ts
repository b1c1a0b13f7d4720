import { createPseudonym, type Clock } from '../kernel/index.ts'
import { inOneTransaction, type AccountDatabase, type AccountStore } from './database.ts'
import { canonicalEmail } from './email.ts'
import { REALM } from './resources.ts'

export interface NewAccount {
  /** The person's pseudonym where the app has one already; left out, a new one is made. */
  readonly personId?: string
  readonly email: string
  /** True only where somebody has verified that the address is the person's. */
  readonly emailVerified: boolean
  readonly name: string
}

/** Accounts, as an app that invites people or lets them go handles them. */
export interface Accounts {
  /**
   * Makes an account that nobody can sign in to yet but by a link or an address that a provider verifies.
   * @throws IdentityError `ERR_IDENTITY_EMAIL`; StoreError `ERR_STORE_CONFLICT` where the address is taken
   */
  add(account: NewAccount): Promise<string>
  /** Switches an account on or off. Off, its sessions are gone and no way of signing in opens another. */
  setEnabled(personId: string, enabled: boolean): Promise<void>
  /** Whether the account is there and on. */
  isEnabled(personId: string): Promise<boolean>
  /** Takes away everything that the person could sign in with; what the app stores of them is the app's. */
  remove(personId: string): Promise<void>
}

const OWNED = [
  'sign_in_sessions',
  'recovery_codes',
  'passkeys',
  'authenticators',
  'credentials',
  'sign_in_names',
  'accounts',
] as const

export function createAccounts({
  store,
  clock,
}: {
  readonly store: AccountStore
  readonly clock: Clock
}): Accounts {
  const now = (): Date => new Date(clock.now())
  return {
    add: (account) =>
      inOneTransaction(store('add-account', ['accounts', 'sign_in_names']), (trx) =>
        insertAccount(trx, account, now()),
      ),

    async setEnabled(personId, enabled) {
      await inOneTransaction(store('switch-account', ['accounts', 'sign_in_sessions']), async (trx) => {
        const disabledAt = enabled ? null : now()
        await trx
          .updateTable('accounts')
          .set({ disabledAt, updatedAt: now() })
          .where('personId', '=', personId)
          .execute()
        if (!enabled) await endSessions(trx, personId)
      })
      // A sign-in that was under way may have opened one since: it looks again after that (`isEnabled`).
      if (!enabled) await endSessions(store('switch-account', ['sign_in_sessions']), personId)
    },

    async isEnabled(personId) {
      const account = await store('look-up-account', ['accounts'])
        .selectFrom('accounts')
        .select('disabledAt')
        .where('personId', '=', personId)
        .executeTakeFirst()
      return account?.disabledAt === null
    },

    async remove(personId) {
      await inOneTransaction(store('remove-account', OWNED), async (trx) => {
        for (const table of OWNED) await trx.deleteFrom(table).where('personId', '=', personId).execute()
      })
    },
  }
}

async function endSessions(db: AccountDatabase, personId: string): Promise<void> {
  await db.deleteFrom('sign_in_sessions').where('personId', '=', personId).execute()
}

/** The rows of a new account; gives the person's pseudonym. */
export async function insertAccount(
  db: AccountDatabase,
  { personId = createPseudonym(), email: given, emailVerified, name }: NewAccount,
  updatedAt: Date,
): Promise<string> {
  const email = canonicalEmail(given)
  await db.insertInto('sign_in_names').values({ personId, realmId: REALM, email }).execute()
  await db.insertInto('accounts').values({ personId, email, emailVerified, name, updatedAt }).execute()
  return personId
}
