import { createHash, randomUUID } from 'node:crypto'
import { hasCode, isId } from 'surety'
import type { Backend, Database } from './backend.ts'
import type { Person } from './people.ts'

/** Keys of one person: more than anybody has editors. */
export const MOST_KEYS = 20

/** What is shown of a key: nothing of its text. */
export interface ShownKey {
  readonly id: string
  readonly createdAt: Date
}

/** A key in the form that editors accept: `waka_` and a random UUID (122 bits). */
export function mintApiKey(): string {
  return `waka_${randomUUID()}`
}

/** Keys are random, so one round of SHA-256 is enough to keep them unreadable. */
function hashKey(apiKey: string): string {
  return createHash('sha256').update(apiKey).digest('hex')
}

/** Whose key it is, or null when nobody's. */
export async function personIdOfKey(backend: Backend, apiKey: string): Promise<string | null> {
  const { db } = backend.as(backend.system('authenticate', ['api_keys']))
  const row = await db
    .selectFrom('api_keys')
    .select('personId')
    .where('keyHash', '=', hashKey(apiKey))
    .executeTakeFirst()
  return row?.personId ?? null
}

export async function addApiKey(
  db: Database,
  owner: { readonly personId: string; readonly teamId: string },
  apiKey: string,
): Promise<void> {
  await db
    .insertInto('api_keys')
    .values({ ...owner, keyHash: hashKey(apiKey) })
    .execute()
}

/** The person's own keys, the oldest first; null where their roles give them none. */
export async function listApiKeys(backend: Backend, { id, principal }: Person): Promise<ShownKey[] | null> {
  const { db } = backend.as(principal)
  try {
    return await db
      .selectFrom('api_keys')
      .select(['id', 'createdAt'])
      .where('personId', '=', id)
      .orderBy('id')
      .execute()
  } catch (error) {
    if (hasCode(error, 'ERR_STORE_FORBIDDEN')) return null
    throw error
  }
}

/**
 * Makes a key for the person, as the person: whose roles or grant do not let them, the store refuses. Null
 * where they have as many as they may.
 */
export async function makeApiKey(backend: Backend, person: Person): Promise<string | null> {
  // LIMIT: requests of one person at the same instant may make a few more.
  const { length } = (await listApiKeys(backend, person)) ?? []
  if (length >= MOST_KEYS) return null
  const apiKey = mintApiKey()
  await addApiKey(backend.as(person.principal).db, { personId: person.id, teamId: person.teamId }, apiKey)
  return apiKey
}

/** Ends a key of the person's own at once; that of anybody else stays. */
export async function revokeApiKey(backend: Backend, { id, principal }: Person, key: string): Promise<void> {
  if (!isId(key)) return
  const { db } = backend.as(principal)
  await db.deleteFrom('api_keys').where('id', '=', key).where('personId', '=', id).execute()
}
