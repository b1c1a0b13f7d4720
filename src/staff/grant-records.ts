import type { Kysely } from 'kysely'
import { parseGrant, type Grant, type PasskeyAssertion } from '../access/index.ts'
import { SuretyError, type JsonValue } from '../kernel/index.ts'
import { StaffError } from './errors.ts'
import type { StaffTables } from './resources.ts'

/** One thing that somebody decided about a grant. */
export interface Decision {
  readonly what: 'approved' | 'broke-glass' | 'consented' | 'refused' | 'ended' | 'reviewed' | 'acknowledged'
  /** A staff member; for a consent the person who gave it for the customer; `system` for the library. */
  readonly by: string
  /** Unix milliseconds. */
  readonly at: number
  /** What a passkey signed; null where a session was enough. */
  readonly assertion: PasskeyAssertion | null
  /** Verdict and words of a review, the consequence of an acknowledgement; null otherwise. */
  readonly note: string | null
}

export type GrantState = 'waiting' | 'open' | 'refused' | 'ended'

/** A grant as it is stored. */
export interface GrantRecord {
  readonly id: string
  readonly grant: Grant
  readonly state: GrantState
  readonly decisions: readonly Decision[]
}

type Tables = Kysely<StaffTables>
const COLUMNS = ['id', 'personId', 'body', 'state', 'decisions'] as const

/** @throws StaffError `ERR_STAFF_GRANT`; StoreError `ERR_STORE_TAMPERED` where a row was changed outside */
export async function readGrant(tables: Tables, id: string): Promise<GrantRecord> {
  const row = await tables.selectFrom('staff_grants').select(COLUMNS).where('id', '=', id).executeTakeFirst()
  return toRecord(row)
}

/** The same, locked to the end of the transaction: of two decisions one comes second. */
export async function lockGrant(tables: Tables, id: string): Promise<GrantRecord> {
  const row = await tables
    .selectFrom('staff_grants')
    .select(COLUMNS)
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst()
  return toRecord(row)
}

export interface Listing {
  /** At most so many, the newest. Default all of them. */
  readonly most?: number
  /** Of this member only. */
  readonly requester?: string
  /** Asked for no earlier; Unix milliseconds. */
  readonly since?: number
}

/** The newest grants first; a row that holds none opens nothing and is left out. */
export async function listGrants(
  tables: Tables,
  { most, requester, since }: Listing,
): Promise<GrantRecord[]> {
  let query = tables.selectFrom('staff_grants').select(COLUMNS).orderBy('id', 'desc')
  if (requester !== undefined) query = query.where('personId', '=', requester)
  if (since !== undefined) query = query.where('createdAt', '>=', new Date(since))
  const rows = await (most === undefined ? query : query.limit(most)).execute()
  return rows.flatMap((row) => {
    try {
      return [toRecord(row)]
    } catch (error) {
      if (error instanceof SuretyError) return []
      throw error
    }
  })
}

export async function insertGrant(
  tables: Tables,
  grant: Grant,
  state: GrantState,
  decisions: readonly Decision[],
): Promise<string> {
  const values = { personId: grant.requester, body: toJson(grant), state, decisions: toJson(decisions) }
  const { id } = await tables
    .insertInto('staff_grants')
    .values(values)
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

/** Adds a decision, and says where the grant stands then. */
export async function decide(
  tables: Tables,
  { id, decisions }: GrantRecord,
  state: GrantState,
  decision: Decision,
): Promise<void> {
  await tables
    .updateTable('staff_grants')
    .set({ state, decisions: toJson([...decisions, decision]) })
    .where('id', '=', id)
    .execute()
}

interface Row {
  readonly id: string
  readonly personId: string
  readonly body: unknown
  readonly state: string
  readonly decisions: unknown
}

function toRecord(row: Row | undefined): GrantRecord {
  if (!row) throw new StaffError('ERR_STAFF_GRANT', 'there is no such grant')
  const grant = parseGrant(row.body)
  if (grant.requester !== row.personId) throw new StaffError('ERR_STAFF_GRANT', 'the grant is another’s')
  return {
    id: row.id,
    grant,
    state: row.state as GrantState,
    decisions: row.decisions as readonly Decision[],
  }
}

function toJson(value: unknown): JsonValue {
  return value as JsonValue
}
