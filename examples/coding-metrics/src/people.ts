import { createHash, randomBytes, randomUUID } from 'node:crypto'
import type { Principal } from 'surety'
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

/** Life of a sign-in link and of the session it opens, in milliseconds. */
export const TOKEN_LIFE_MS = { link: 12 * 3_600_000, session: 30 * 86_400_000 } as const
export type TokenKind = keyof typeof TOKEN_LIFE_MS

/** The principal a person acts as. */
export function principalOf(person: Person): Principal {
  return { kind: 'user', id: person.id, tenant: person.teamId, roles: [person.role] }
}

/** A key in the form editors accept: `waka_` and a random UUID (122 bits). */
export function mintApiKey(): string {
  return `waka_${randomUUID()}`
}

/** Keys and tokens are random, so one round of SHA-256 is enough to keep them unreadable. */
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

/** Who signed in with the token, or null when it is unknown, of the other kind, or past its end. */
export async function findByToken(
  backend: Backend,
  kind: TokenKind,
  token: string,
  now: number,
): Promise<Person | null> {
  const { db } = backend.as(backend.system('authenticate', ['sessions', 'people']))
  const row = await db
    .selectFrom('sessions')
    .select(['personId', 'kind', 'expiresAt'])
    .where('tokenHash', '=', hashSecret(token))
    .executeTakeFirst()
  if (!row || row.kind !== kind || row.expiresAt.getTime() <= now) return null
  return findPerson(db, row.personId)
}

/** The person with this address, or null. */
export async function findByEmail(backend: Backend, email: string): Promise<Person | null> {
  const { db } = backend.as(backend.system('find-account', ['people']))
  const row = await db.selectFrom('people').select('personId').where('email', '=', email).executeTakeFirst()
  return row ? findPerson(db, row.personId) : null
}

/** Mints a token for the person and keeps its hash. */
export async function openToken(backend: Backend, person: Person, kind: TokenKind, now: number) {
  const token = randomBytes(32).toString('base64url')
  const { db } = backend.as(backend.system('sign-in', ['sessions']))
  await db
    .insertInto('sessions')
    .values({
      personId: person.id,
      teamId: person.teamId,
      kind,
      tokenHash: hashSecret(token),
      expiresAt: new Date(now + TOKEN_LIFE_MS[kind]),
    })
    .execute()
  return token
}

/** Makes the token worthless. */
export async function closeToken(backend: Backend, token: string): Promise<void> {
  const { db } = backend.as(backend.system('sign-out', ['sessions']))
  await db.deleteFrom('sessions').where('tokenHash', '=', hashSecret(token)).execute()
}

/** A new person with a team and an API key; all of it is stored, or nothing. */
export async function createPerson(
  backend: Backend,
  given: NewPerson,
): Promise<{ person: Person; apiKey: string }> {
  const apiKey = given.apiKey ?? mintApiKey()
  const personId = randomUUID()
  const teamId = given.teamId ?? randomUUID()
  const { db } = backend.as(backend.system('sign-up', ['teams', 'people', 'api_keys']))
  await db.transaction().execute(async (trx) => {
    if (given.teamId === undefined) {
      await trx
        .insertInto('teams')
        .values({ teamId, name: given.teamName ?? `${given.displayName}’s team` })
        .execute()
    }
    const { email, displayName, role } = given
    await trx.insertInto('people').values({ personId, teamId, email, displayName, role }).execute()
    await addApiKey(trx, { personId, teamId }, apiKey)
  })
  const person = await findPerson(backend.as(backend.system('sign-up', ['people'])).db, personId)
  if (!person) throw new TypeError('a person just stored does not read back')
  return { person, apiKey }
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

const OWNED = ['heartbeats', 'sessions', 'api_keys', 'people'] as const

/** Deletes a person's rows everywhere, and the team with its last person. The key is dead at once. */
export async function removePerson(backend: Backend, person: Person): Promise<void> {
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
