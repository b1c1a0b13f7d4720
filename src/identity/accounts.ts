import { createPseudonym, type Clock } from '../kernel/index.ts'
import { isEnabled } from './account-standing.ts'
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

/** An account as its administrators see it. */
export interface Account {
  readonly personId: string
  readonly email: string
  readonly name: string
  readonly enabled: boolean
  readonly createdAt: Date
  readonly updatedAt: Date
}

export interface AccountPage {
  readonly accounts: readonly Account[]
  readonly total: number
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
  /** Changes what the person is called. */
  rename(personId: string, name: string): Promise<void>
  /** One account; null where there is none. */
  find(by: { readonly personId: string } | { readonly email: string }): Promise<Account | null>
  /** Accounts in the order they were made, at most `count` from the one at `offset`, and how many there are. */
  list(page: { readonly offset: number; readonly count: number }): Promise<AccountPage>
  /** Whether the account is there and on. */
  isEnabled(personId: string): Promise<boolean>
  /** Takes away everything that the person could sign in with; what the app stores of them is the app's. */
  remove(personId: string): Promise<void>
}

const OWNED = [
  'mail_links',
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
    ...accountReads(store),

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

    async rename(personId, name) {
      await store('rename-account', ['accounts'])
        .updateTable('accounts')
        .set({ name, updatedAt: now() })
        .where('personId', '=', personId)
        .execute()
    },

    async remove(personId) {
      await inOneTransaction(store('remove-account', OWNED), async (trx) => {
        for (const table of OWNED) await trx.deleteFrom(table).where('personId', '=', personId).execute()
      })
    },
  }
}

const COLUMNS = ['personId', 'email', 'name', 'disabledAt', 'createdAt', 'updatedAt'] as const

function toAccount(row: Omit<Account, 'enabled'> & { readonly disabledAt: Date | null }): Account {
  const { disabledAt, ...account } = row
  return { ...account, enabled: disabledAt === null }
}

/** What only looks accounts up. */
function accountReads(store: AccountStore): Pick<Accounts, 'find' | 'list' | 'isEnabled'> {
  return {
    async find(by) {
      const rows = store('look-up-account', ['accounts']).selectFrom('accounts').select(COLUMNS)
      const row = await (
        'email' in by ? rows.where('email', '=', by.email) : rows.where('personId', '=', by.personId)
      ).executeTakeFirst()
      return row ? toAccount(row) : null
    },

    async list({ offset, count }) {
      const db = store('list-accounts', ['accounts'])
      const rows = await db
        .selectFrom('accounts')
        .select(COLUMNS)
        .orderBy('id')
        .offset(offset)
        .limit(count)
        .execute()
      const all = await db
        .selectFrom('accounts')
        .select((eb) => eb.fn.countAll().as('total'))
        .executeTakeFirst()
      return { accounts: rows.map(toAccount), total: Number(all?.total ?? 0) }
    },

    isEnabled: (personId) => isEnabled(store, personId),
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
