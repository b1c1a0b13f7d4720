import { hasCode, type Clock } from '../../kernel/index.ts'
import { insertAccount } from '../accounts.ts'
import { inOneTransaction, type AccountDatabase, type AccountStore } from '../database.ts'
import { canonicalEmail } from '../email.ts'
import { ProviderSignInError } from './errors.ts'
import type { VerifiedIdentity } from './provider-sign-in.ts'

export interface ProviderAccount {
  readonly personId: string
  /** True where this sign-in made the account. */
  readonly isNew: boolean
}

/** Accounts of people who sign in through a provider. */
export interface ProviderAccounts {
  /**
   * Whose account it is. Issuer and subject name the person; nothing else does. The first time, an
   * address that the provider verified joins an account whose own address is verified, and makes one
   * where there is none.
   *
   * @throws ProviderSignInError `ERR_IDENTITY_PROVIDER_EMAIL`, `ERR_IDENTITY_PROVIDER_LINK`, `ERR_IDENTITY_DISABLED`
   */
  accountOf(identity: VerifiedIdentity): Promise<ProviderAccount>
  /** Whom issuer and subject name already; null for nobody. Joins and makes nothing. */
  linked(identity: VerifiedIdentity): Promise<string | null>
}

const TABLES = ['accounts', 'sign_in_names', 'credentials'] as const

export function createProviderAccounts({
  store,
  clock,
}: {
  readonly store: AccountStore
  readonly clock: Clock
}): ProviderAccounts {
  const open = (): AccountDatabase => store('provider-sign-in', TABLES)
  return {
    linked: (identity) => findLink(open(), identity),
    async accountOf(identity) {
      const linked = await findLink(open(), identity)
      if (linked !== null) return { personId: await enabled(open(), linked), isNew: false }
      const email = verifiedEmail(identity)
      try {
        return await firstSignIn(open(), identity, email, new Date(clock.now()))
      } catch (error) {
        // Somebody with the address came first: by now the account is there.
        if (!hasCode(error, 'ERR_STORE_CONFLICT')) throw error
        return firstSignIn(open(), identity, email, new Date(clock.now()))
      }
    },
  }
}

async function findLink(db: AccountDatabase, { issuer, subject }: VerifiedIdentity): Promise<string | null> {
  const row = await db
    .selectFrom('credentials')
    .select('personId')
    .where('providerId', '=', issuer)
    .where('accountId', '=', subject)
    .executeTakeFirst()
  return row?.personId ?? null
}

async function enabled(db: AccountDatabase, personId: string): Promise<string> {
  const account = await db
    .selectFrom('accounts')
    .select('disabledAt')
    .where('personId', '=', personId)
    .executeTakeFirst()
  if (account && account.disabledAt === null) return personId
  throw new ProviderSignInError('ERR_IDENTITY_DISABLED', 'this account is switched off')
}

/**
 * An address that nobody verified names nobody, and would tell whether it has an account: it is refused
 * before anything is looked up.
 */
function verifiedEmail({ provider, email, emailVerified }: VerifiedIdentity): string {
  if (email !== null && emailVerified) return canonicalEmail(email)
  const message = `the provider ${provider} vouches for no e-mail address`
  throw new ProviderSignInError('ERR_IDENTITY_PROVIDER_EMAIL', message)
}

function firstSignIn(
  db: AccountDatabase,
  identity: VerifiedIdentity,
  email: string,
  now: Date,
): Promise<ProviderAccount> {
  return inOneTransaction(db, async (trx) => {
    const found = await trx
      .selectFrom('accounts')
      .select(['personId', 'emailVerified'])
      .where('email', '=', email)
      .executeTakeFirst()
    // Whoever made an account with somebody else's address would be joined by its owner, and keep their password.
    if (found && !found.emailVerified) {
      const message = 'an account has this address and never showed that it is its own'
      throw new ProviderSignInError('ERR_IDENTITY_PROVIDER_LINK', message)
    }
    const personId = found
      ? await enabled(trx, found.personId)
      : await insertAccount(trx, { email, emailVerified: true, name: identity.name ?? nameOf(email) }, now)
    await trx
      .insertInto('credentials')
      .values({ personId, providerId: identity.issuer, accountId: identity.subject, updatedAt: now })
      .execute()
    return { personId, isNew: !found }
  })
}

/** What stands before the @, where a provider knows no name. */
function nameOf(email: string): string {
  return email.slice(0, email.lastIndexOf('@'))
}
