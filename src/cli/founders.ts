import type { Kysely } from 'kysely'
import { canonicalEmail, type AccountTables } from '../identity/index.ts'
import { isId } from '../kernel/index.ts'
import type { NewMember } from '../staff/index.ts'
import type { AnySurety } from '../surety.ts'
import { CliError } from './errors.ts'

/** Somebody who becomes one of the first members of staff. */
export interface Founder {
  readonly role: string
  /** The address of their account, or their id. */
  readonly who: string
}

/**
 * Who they are. Accounts are made for addresses that have none, once all the others are known to fit.
 * @throws CliError `ERR_CLI_STAFF`; IdentityError `ERR_IDENTITY_EMAIL`
 */
export async function membersOf(surety: AnySurety, founders: readonly Founder[]): Promise<NewMember[]> {
  const known: (string | null)[] = []
  for (const [at, { who }] of founders.entries()) {
    const place = `the ${at + 1}. of those named`
    known.push(isId(who) ? await ofId(surety, who, place) : await ofAddress(surety, who, place))
  }
  const named = founders.map(({ who }, at) => known[at] ?? canonicalEmail(who))
  if (new Set(named).size < named.length) throw unfit('somebody is named twice', 'give each one role')
  const members: NewMember[] = []
  for (const [at, { role, who }] of founders.entries())
    members.push({ role, personId: known[at] ?? (await addAccount(surety, who)) })
  return members
}

async function ofId({ accounts }: AnySurety, personId: string, place: string): Promise<string> {
  // Where people sign in elsewhere nobody here knows them.
  if (accounts && !(await accounts.isEnabled(personId)))
    throw unfit(`${place} has no account, or one that is switched off`, 'let them sign up first')
  return personId
}

/** Null for an address whose account is still to be made. */
async function ofAddress(surety: AnySurety, who: string, place: string): Promise<string | null> {
  const { signIn, mail } = surety.config
  if (!signIn) throw unfit(`${place} is no id, and people sign in elsewhere`, 'name people by their ids')
  const { db } = surety.as(surety.system('staff.found', ['accounts']))
  const account = await (db as unknown as Kysely<AccountTables>)
    .selectFrom('accounts')
    .select(['personId', 'emailVerified', 'disabledAt'])
    .where('email', '=', canonicalEmail(who))
    .executeTakeFirst()
  if (!account) {
    if (mail || (signIn.providers ?? []).length > 0) return null
    throw unfit(
      `${place} has no account, and nobody could sign in to a new one: there is no mail and no identity provider`,
      'let them sign up, and name them by their id',
    )
  }
  if (account.disabledAt !== null)
    throw unfit(`the account of ${place} is switched off`, 'switch it on first')
  // Whoever signed up with somebody else's address would become staff in their place.
  if (!account.emailVerified)
    throw unfit(
      `${place} has an address that nobody confirmed`,
      'let them confirm it, or name them by their id',
    )
  return account.personId
}

/** Who runs the system vouches for the address; its owner still has to prove it to get in. */
async function addAccount({ accounts }: AnySurety, who: string): Promise<string> {
  const [name = who] = who.split('@')
  return accounts!.add({ email: who, emailVerified: true, name })
}

export function unfit(what: string, mend: string): Error {
  return new CliError('ERR_CLI_STAFF', what, { mend })
}
