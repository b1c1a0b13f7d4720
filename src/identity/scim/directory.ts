import { hasCode } from '../../kernel/index.ts'
import type { Account, Accounts } from '../accounts.ts'
import { canonicalEmail } from '../email.ts'
import { ScimError } from './errors.ts'
import type { Groups } from './groups.ts'
import type { WantedUser } from './scim-user.ts'

/** An account as one directory sees it. */
export interface ScimUser {
  readonly account: Account
  readonly active: boolean
}

/** Whom a directory's token lets it see and change. */
export interface Directory {
  /** Null for who is not the directory's. */
  find(by: { readonly personId: string } | { readonly email: string }): Promise<ScimUser | null>
  list(page: {
    readonly offset: number
    readonly count: number
  }): Promise<{ readonly users: readonly ScimUser[]; readonly total: number }>
  /** Gives the new person's pseudonym. @throws ScimError `ERR_SCIM_TAKEN`; IdentityError `ERR_IDENTITY_EMAIL` */
  add(user: WantedUser): Promise<string>
  /** Off: what the person could do through this directory is gone when it resolves. */
  setActive(personId: string, active: boolean): Promise<void>
  rename(personId: string, name: string): Promise<void>
  remove(personId: string): Promise<void>
  /** Null where groups mean nothing. */
  readonly groups: Groups | null
}

/** The directory of the whole installation: every account, and whether it is switched on. */
export function installationDirectory(accounts: Accounts): Directory {
  return {
    groups: null,
    async find(by) {
      const account = await accounts.find(by)
      return account && toUser(account)
    },
    async list(page) {
      const { accounts: found, total } = await accounts.list(page)
      return { users: found.map(toUser), total }
    },
    // Whoever runs the installation vouches for the addresses of its own directory.
    add: (user) => addAccount(accounts, user, true),
    setActive: (personId, active) => accounts.setEnabled(personId, active),
    rename: (personId, name) => accounts.rename(personId, name),
    remove: (personId) => accounts.remove(personId),
  }
}

function toUser(account: Account): ScimUser {
  return { account, active: account.enabled }
}

export async function addAccount(
  accounts: Accounts,
  { email, name }: WantedUser,
  emailVerified: boolean,
): Promise<string> {
  try {
    return await accounts.add({ email, emailVerified, name })
  } catch (error) {
    if (!hasCode(error, 'ERR_STORE_CONFLICT')) throw error
    throw new ScimError('ERR_SCIM_TAKEN', 'an account has this userName')
  }
}

/** The address that a filter asks for; null where it can be nobody's. */
export function addressIn(text: string): string | null {
  try {
    return canonicalEmail(text)
  } catch {
    return null
  }
}
