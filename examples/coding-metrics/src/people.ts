import { createHash, randomUUID } from 'node:crypto'
import { hasCode, type Principal } from 'surety'
import type { Backend, Database } from './backend.ts'

export type Role = 'member' | 'administrator'

/** A person who has proved who they are, and as whom every query of theirs runs. */
export interface Person {
  readonly id: string
  readonly teamId: string
  readonly email: string
  readonly displayName: string
  readonly role: Role
  readonly createdAt: Date
}

export interface NewPerson {
  readonly email: string
  readonly displayName: string
  readonly role: Role
  /** The team to join; left out, a new one is made. */
  readonly teamId?: string
  readonly teamName?: string
  /** The API key to give; left out, a new one is made. */
  readonly apiKey?: string
}

/** The principal a person acts as. */
export function principalOf(person: Person): Principal {
  return { kind: 'user', id: person.id, tenant: person.teamId, roles: [person.role] }
}

/** A key in the form editors accept: `waka_` and a random UUID (122 bits). */
export function mintApiKey(): string {
  return `waka_${randomUUID()}`
}

/** Keys are random, so one round of SHA-256 is enough to keep them unreadable. */
function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}

async function findPerson(db: Database, personId: string): Promise<Person | null> {
  const row = await db
    .selectFrom('people')
    .select(['personId', 'teamId', 'email', 'displayName', 'role', 'createdAt'])
    .where('personId', '=', personId)
    .executeTakeFirst()
  if (!row) return null
  const { email, displayName, role, createdAt, teamId } = row
  return { id: row.personId, teamId, email, displayName, role, createdAt }
}

/** Whose API key it is, or null when nobody's. */
export async function findByApiKey(backend: Backend, apiKey: string): Promise<Person | null> {
  const { db } = backend.as(backend.system('authenticate', ['api_keys', 'people']))
  const row = await db
    .selectFrom('api_keys')
    .select('personId')
    .where('keyHash', '=', hashSecret(apiKey))
    .executeTakeFirst()
  return row ? findPerson(db, row.personId) : null
}

/** The person with this address, or null. */
export async function findByEmail(backend: Backend, email: string): Promise<Person | null> {
  const { db } = backend.as(backend.system('find-account', ['people']))
  const row = await db.selectFrom('people').select('personId').where('email', '=', email).executeTakeFirst()
  return row ? findPerson(db, row.personId) : null
}

/** The person's row, or null for a pseudonym that has none. */
export async function findById(backend: Backend, personId: string): Promise<Person | null> {
  return findPerson(backend.as(backend.system('find-account', ['people'])).db, personId)
}

/** Whether the person can sign in already. */
export async function hasAccount(backend: Backend, personId: string): Promise<boolean> {
  const { db } = backend.as(backend.system('find-account', ['accounts']))
  const row = await db.selectFrom('accounts').select('id').where('personId', '=', personId).executeTakeFirst()
  return row !== undefined
}

/**
 * The person behind an account. Somebody who signs in for the first time gets a team of their own,
 * whose id is theirs: of two first requests at once, one makes it and the other finds it.
 */
export async function openPerson(backend: Backend, personId: string): Promise<Person | null> {
  const found = await findById(backend, personId)
  if (found) return found
  const { db } = backend.as(backend.system('first-visit', ['accounts']))
  const account = await db
    .selectFrom('accounts')
    .select(['email', 'name'])
    .where('personId', '=', personId)
    .executeTakeFirst()
  if (!account) return null
  const { email, name: displayName } = account
  try {
    await insertPerson(backend, { personId, teamId: personId, email, displayName, role: 'administrator' })
  } catch (error) {
    if (!hasCode(error, 'ERR_STORE_CONFLICT')) throw error
  }
  return findById(backend, personId)
}

/** A new person who can sign in, with a team and an API key. */
export async function createPerson(
  backend: Backend,
  given: NewPerson,
): Promise<{ person: Person; apiKey: string }> {
  const { email, displayName, role, apiKey = mintApiKey(), teamId } = given
  // First the account: whoever signs in to one that has nothing yet gets what is missing.
  const personId = await backend.accounts.add({ email, emailVerified: true, name: displayName })
  const teamName = teamId === undefined ? (given.teamName ?? nameOfTeam(displayName)) : undefined
  const row = { personId, teamId: teamId ?? randomUUID(), email, displayName, role }
  await insertPerson(backend, row, { apiKey, ...(teamName !== undefined && { teamName }) })
  const person = await findById(backend, personId)
  if (!person) throw new TypeError('a person just stored does not read back')
  return { person, apiKey }
}

function nameOfTeam(displayName: string): string {
  return `${displayName}’s team`
}

type PersonRow = Pick<Person, 'teamId' | 'email' | 'displayName' | 'role'> & { readonly personId: string }

/** Stores a person, a new team where it is named, and a key where it is given: all of it, or nothing. */
async function insertPerson(
  backend: Backend,
  person: PersonRow,
  more: { readonly teamName?: string; readonly apiKey?: string } = {
    teamName: nameOfTeam(person.displayName),
  },
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

async function addApiKey(db: Database, owner: { personId: string; teamId: string }, apiKey: string) {
  await db
    .insertInto('api_keys')
    .values({ ...owner, keyHash: hashSecret(apiKey) })
    .execute()
}

/** Gives a person who is there already one more API key. */
export async function grantApiKey(backend: Backend, person: Person, apiKey: string): Promise<void> {
  const { db } = backend.as(backend.system('grant-key', ['api_keys']))
  await addApiKey(db, { personId: person.id, teamId: person.teamId }, apiKey)
}

const OWNED = ['heartbeats', 'api_keys', 'people'] as const

/** Deletes a person's rows everywhere, and the team with its last person. Key and sessions are dead at once. */
export async function removePerson(backend: Backend, person: Person): Promise<void> {
  await backend.accounts.remove(person.id)
  const { db } = backend.as(backend.system('remove-person', [...OWNED, 'teams']))
  await db.transaction().execute(async (trx) => {
    for (const table of OWNED) await trx.deleteFrom(table).where('personId', '=', person.id).execute()
    const left = await trx
      .selectFrom('people')
      .select('personId')
      .where('teamId', '=', person.teamId)
      .execute()
    if (left.length === 0) await trx.deleteFrom('teams').where('teamId', '=', person.teamId).execute()
  })
}
