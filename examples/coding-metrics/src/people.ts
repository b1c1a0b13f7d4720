import { randomUUID } from 'node:crypto'
import { createPseudonym, hasCode, tenantResources, type Principal } from 'surety'
import { addApiKey, mintApiKey, personIdOfKey } from './api-keys.ts'
import type { Backend, Database } from './backend.ts'

/** The roles that this product's own configuration declares; a team makes more for itself. */
export type Role = 'member' | 'administrator'

/** Somebody for whom a request is answered. */
export interface Person {
  readonly id: string
  readonly teamId: string
  readonly displayName: string
  /** As whom every query of theirs runs: with all that their roles in the team allow at this moment. */
  readonly principal: Principal
}

/** The same with what this product keeps of them. */
export interface KnownPerson extends Person {
  readonly email: string
  readonly createdAt: Date
}

type PersonRow = Omit<KnownPerson, 'principal'>

export interface NewPerson {
  readonly email: string
  readonly displayName: string
  readonly role: Role
  /** The team to join, by whom; left out, a new one is founded. */
  readonly team?: { readonly id: string; readonly by: Principal }
  readonly teamName?: string
  /** The API key to give; left out, a new one is made. */
  readonly apiKey?: string
}

async function findRow(
  db: Database,
  by: { personId: string } | { email: string },
): Promise<PersonRow | null> {
  const rows = db.selectFrom('people').select(['personId', 'teamId', 'email', 'displayName', 'createdAt'])
  const row = await (
    'email' in by ? rows.where('email', '=', by.email) : rows.where('personId', '=', by.personId)
  ).executeTakeFirst()
  if (!row) return null
  const { personId: id, ...rest } = row
  return { id, ...rest }
}

/**
 * The person with what they may do now; null for who belongs to the team no more.
 * @throws TenantsError `ERR_TENANTS_ADDRESS` from outside the networks that the team allows
 */
async function withPrincipal(
  { tenants }: Backend,
  row: PersonRow,
  address: string | null,
): Promise<KnownPerson | null> {
  const principal = await tenants.principalOf(row.id, { tenant: row.teamId, address })
  return principal && { ...row, principal }
}

/**
 * The person whose key it is, or null: a key for editors, with which one may what its person may; or one for
 * programs (`/account/keys`), which names what it may.
 * @throws TenantsError `ERR_TENANTS_ADDRESS`
 */
export async function findByApiKey(
  backend: Backend,
  apiKey: string,
  address: string | null,
): Promise<KnownPerson | null> {
  const principal = await backend.tenants.keys.principalOf(apiKey, { address })
  if (principal) {
    const row = await findRow(accountsOf(backend), { personId: principal.id })
    return row && row.teamId === principal.tenant ? { ...row, principal } : null
  }
  const personId = await personIdOfKey(backend, apiKey)
  return personId === null ? null : findById(backend, personId, address)
}

/** The person of a pseudonym, or null. @throws TenantsError `ERR_TENANTS_ADDRESS` */
export async function findById(
  backend: Backend,
  personId: string,
  address: string | null,
): Promise<KnownPerson | null> {
  const row = await findRow(accountsOf(backend), { personId })
  return row && withPrincipal(backend, row, address)
}

/** The person with this address, whether or not they belong to their team still; or null. */
export function findByEmail(backend: Backend, email: string): Promise<PersonRow | null> {
  return findRow(accountsOf(backend), { email })
}

function accountsOf(backend: Backend): Database {
  return backend.as(backend.system('find-account', ['people'])).db
}

/** Whether the person can sign in already. */
export async function hasAccount(backend: Backend, personId: string): Promise<boolean> {
  return (await accountOf(backend, personId)) !== null
}

async function accountOf(backend: Backend, personId: string) {
  const { db } = backend.as(backend.system('find-account', ['accounts']))
  const row = await db
    .selectFrom('accounts')
    .select(['email', 'name'])
    .where('personId', '=', personId)
    .executeTakeFirst()
  return row ?? null
}

/**
 * The person behind an account; null for who was taken out of their team, and for our own staff, who have
 * none. Somebody who comes for the first time belongs to the team that has let them in, or founds one, whose
 * id is theirs: of two first requests at once, one makes it and the other finds it, and one that was
 * interrupted is finished by the next.
 *
 * @param principalNow what they may do, asked once they have a team
 */
export async function openPerson(
  backend: Backend,
  personId: string,
  principalNow: () => Promise<Principal | null>,
): Promise<KnownPerson | null> {
  const row = await openRow(backend, personId)
  const principal = row && (await principalNow())
  return principal && principal.tenant === row.teamId ? { ...row, principal } : null
}

async function openRow(backend: Backend, personId: string): Promise<PersonRow | null> {
  const found = await findRow(accountsOf(backend), { personId })
  if (found) return found
  const account = await accountOf(backend, personId)
  if (!account || (await backend.staff.roleOf(personId)) !== null) return null
  await welcome(backend, { personId, email: account.email, displayName: account.name })
  return findRow(accountsOf(backend), { personId })
}

async function welcome(backend: Backend, person: Omit<StoredPerson, 'teamId'>): Promise<void> {
  const { personId } = person
  const [teamId] = await backend.tenants.tenantsOf(personId)
  if (teamId === undefined) await foundTeam(backend, personId, personId)
  const isOwn = teamId === undefined || teamId === personId
  try {
    const teamName = nameOfTeam(person.displayName)
    await insertPerson(backend, { ...person, teamId: teamId ?? personId }, isOwn ? { teamName } : {})
  } catch (error) {
    if (!hasCode(error, 'ERR_STORE_CONFLICT')) throw error
  }
}

/** Makes the person the administrator of a team that nobody belongs to yet. */
async function foundTeam({ tenants }: Backend, teamId: string, personId: string): Promise<void> {
  try {
    await tenants.members.found(teamId, personId)
  } catch (error) {
    if (!hasCode(error, 'ERR_TENANTS_EXISTS')) throw error
  }
}

/** A new person who can sign in, with a team and an API key. */
export async function createPerson(
  backend: Backend,
  given: NewPerson,
): Promise<{ person: KnownPerson; apiKey: string }> {
  const { email, displayName, apiKey = mintApiKey(), team } = given
  // First the account: whoever signs in to one that has nothing yet gets what is missing.
  const personId = await backend.accounts.add({ email, emailVerified: true, name: displayName })
  const teamName = team ? undefined : (given.teamName ?? nameOfTeam(displayName))
  const teamId = await joinTeam(backend, personId, given)
  const row = { personId, teamId, email, displayName }
  await insertPerson(backend, row, { apiKey, ...(teamName !== undefined && { teamName }) })
  const person = await findById(backend, personId, null)
  if (!person) throw new TypeError('a person just stored does not read back')
  return { person, apiKey }
}

/** Gives the person a place in a team: the named one, or a new one. */
async function joinTeam(
  backend: Backend,
  personId: string,
  { role, team }: Pick<NewPerson, 'role' | 'team'>,
): Promise<string> {
  const { tenants } = backend
  if (team) {
    await tenants.members.add(team.by, personId, [role])
    return team.id
  }
  const teamId = randomUUID()
  // A team has an administrator: a member who comes without a team gets one whose founder never signs in.
  const founder = role === 'administrator' ? personId : createPseudonym()
  await tenants.members.found(teamId, founder)
  if (founder === personId) return teamId
  const by = await tenants.principalOf(founder, { tenant: teamId })
  if (!by) throw new TypeError('a team just founded has no founder')
  await tenants.members.add(by, personId, [role])
  return teamId
}

function nameOfTeam(displayName: string): string {
  return `${displayName}’s team`
}

interface StoredPerson extends Pick<PersonRow, 'teamId' | 'email' | 'displayName'> {
  readonly personId: string
}

/** Stores a person, a new team where it is named, and a key where it is given: all of it, or nothing. */
async function insertPerson(
  backend: Backend,
  person: StoredPerson,
  more: { readonly teamName?: string; readonly apiKey?: string },
): Promise<void> {
  const { db } = backend.as(backend.system('sign-up', ['teams', 'people', 'api_keys']))
  const { personId, teamId } = person
  await db.transaction().execute(async (trx) => {
    await trx.insertInto('people').values(person).execute()
    if (more.teamName !== undefined) {
      await trx.insertInto('teams').values({ teamId, name: more.teamName }).execute()
    }
    if (more.apiKey !== undefined) await addApiKey(trx, { personId, teamId }, more.apiKey)
  })
}

/** Gives a person who is there already one more API key. */
export async function grantApiKey(
  backend: Backend,
  person: Pick<Person, 'id' | 'teamId'>,
  apiKey: string,
): Promise<void> {
  const { db } = backend.as(backend.system('grant-key', ['api_keys']))
  await addApiKey(db, { personId: person.id, teamId: person.teamId }, apiKey)
}

const OWNED = ['heartbeats', 'api_keys', 'people'] as const
/** What a team leaves with its last person; what the others hang on goes last. */
const OF_TEAM = (Object.keys(tenantResources) as (keyof typeof tenantResources)[]).toReversed()

/**
 * Deletes a person's rows everywhere, and the team with its last person. Key and sessions are dead at once.
 * @throws TenantsError `ERR_TENANTS_LAST_ADMINISTRATOR`, before anything is gone
 */
export async function removePerson(backend: Backend, { id, teamId, principal }: Person): Promise<void> {
  const { db } = backend.as(backend.system('remove-person', [...OWNED, 'teams', ...OF_TEAM]))
  const team = await db.selectFrom('people').select('personId').where('teamId', '=', teamId).execute()
  const isLast = team.every(({ personId }) => personId === id)
  if (!isLast) await backend.tenants.members.remove(principal, id)
  await backend.accounts.remove(id)
  await db.transaction().execute(async (trx) => {
    for (const table of OWNED) await trx.deleteFrom(table).where('personId', '=', id).execute()
    if (!isLast) return
    await trx.deleteFrom('teams').where('teamId', '=', teamId).execute()
    for (const table of OF_TEAM) await trx.deleteFrom(table).where('tenantId', '=', teamId).execute()
  })
}
