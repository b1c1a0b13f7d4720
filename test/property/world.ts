import { blindColumn, ENVELOPE_COLUMN } from '../../src/declare/index.ts'
import { systemPrincipal } from '../../src/access/index.ts'
import { openTestStore, testResources, type TestStore } from '../../src/store/testing.ts'
import type { Loose } from '../../src/store/testing/refusals.ts'
import { randomDraft } from './columns.ts'
import { PERSONS, TENANTS } from './people.ts'
import { TABLES, type Row, type Table, type Value } from './query.ts'
import { seededRandom } from './random.ts'

/** The rows as the reference knows them, and as the database stores them. */
export interface World {
  readonly context: TestStore
  readonly tables: Readonly<Record<Table, readonly Row[]>>
  readonly ids: Readonly<Record<Table, readonly string[]>>
  readonly rowSecurity: boolean
  close(): Promise<void>
}

const ROWS_OF: readonly (readonly [
  person: keyof typeof PERSONS,
  tenant: keyof typeof TENANTS,
  rows: number,
])[] = [
  ['ada', 'red', 4],
  ['ada', 'blue', 3],
  ['bob', 'red', 4],
  ['cleo', 'red', 2],
  ['dora', 'red', 3],
  ['egon', 'red', 3],
  ['finn', 'blue', 4],
  ['gina', 'blue', 2],
]
const ROWS_OF_TENANT = 4
const ROWS_OF_NOBODY = 4
const WORLD_SEED = 20_260_901

/** A database with two tenants and seven persons; its rows are the same every time, but for random bits of ids. */
export async function openWorld(): Promise<World> {
  const context = await openTestStore()
  await limitStatements(context)
  await context.database.owner.query('create unique index on app.notes ("teamId", rank)')
  const random = seededRandom(WORLD_SEED)
  const tables: Record<Table, Row[]> = { heartbeats: [], people: [], teams: [], notes: [], rates: [] }
  const { db }: { db: Loose } = context.store.as(systemPrincipal('property suite', TABLES))
  for (const [table, owner, number] of ownersOfRows()) {
    // One millisecond apart, so that ids are in the same order in every run.
    context.clock.advance(1)
    const row = { ...owner, ...randomDraft(random, table), ...(table === 'notes' && { rank: number }) }
    const { id } = await db
      .insertInto(table)
      .values(completed(table, row))
      .returning('id')
      .executeTakeFirstOrThrow()
    tables[table].push({ id, ...row })
  }
  context.clock.advance(1)
  const idsOf = (table: Table): string[] => tables[table].map(({ id }) => id as string)
  const ids = {
    heartbeats: idsOf('heartbeats'),
    people: idsOf('people'),
    teams: idsOf('teams'),
    notes: idsOf('notes'),
    rates: idsOf('rates'),
  }
  return { context, tables, ids, rowSecurity: true, close: () => context.close() }
}

function* ownersOfRows(): Generator<[Table, Record<string, string>, number]> {
  for (const [name, tenant, rows] of ROWS_OF) {
    for (let i = 0; i < rows; i++)
      yield ['heartbeats', { personId: PERSONS[name], teamId: TENANTS[tenant] }, i]
  }
  for (const personId of Object.values(PERSONS)) yield ['people', { personId }, 0]
  for (let i = 0; i < ROWS_OF_TENANT; i++) {
    for (const teamId of Object.values(TENANTS)) {
      yield ['teams', { teamId }, i]
      yield ['notes', { teamId }, 2 * i]
    }
  }
  for (let i = 0; i < ROWS_OF_NOBODY; i++) yield ['rates', {}, i]
}

/** A row with the members that the suite does not look at, and without those that the store is to fill in. */
export function completed(table: Table, row: Row, omits: readonly string[] = []): Record<string, unknown> {
  const kept = Object.fromEntries(Object.entries(row).filter(([name]) => !omits.includes(name)))
  return table === 'heartbeats' ? { ...kept, time: new Date(0) } : kept
}

const STATEMENT_TIMEOUT = '30s'

/** A statement that hangs fails, and its case with it. */
async function limitStatements({ database }: TestStore): Promise<void> {
  const { rows } = await database.owner.query<{ name: string }>(
    'select quote_ident(current_database()) as name',
  )
  await database.owner.query(`alter database ${rows[0]!.name} set statement_timeout = '${STATEMENT_TIMEOUT}'`)
}

/** The world with row-level security taken away. */
export async function withoutRowSecurity(world: World): Promise<World> {
  for (const table of [...TABLES.map((name) => `app.${name}`), 'surety.data_keys']) {
    await world.context.database.owner.query(`alter table ${table} disable row level security`)
  }
  return { ...world, rowSecurity: false }
}

/** A row as it is stored, by its id: clear columns by name, and everything else as one text. */
export interface Stored {
  readonly clear: Row
  readonly hidden: string
}

/** Reads a whole table on a connection, past every permission: what a transaction changed is seen before it ends. */
export async function readStored(
  query: (sql: string) => Promise<{ rows: readonly Record<string, unknown>[] }>,
  table: Table,
): Promise<Map<string, Stored>> {
  await query(`select set_config('surety.read_${table}', 'any', true)`)
  const { rows } = await query(`select * from app.${table}`)
  return new Map(rows.map((row) => [row['id'] as string, toStored(table, row)]))
}

function toStored(table: Table, row: Record<string, unknown>): Stored {
  const { fields } = testResources[table]
  const isHidden = (name: string): boolean =>
    name === ENVELOPE_COLUMN || Object.keys(fields).some((field) => blindColumn(field) === name)
  const [hidden, clear] = [true, false].map((wanted) =>
    Object.entries(row).filter(([name]) => isHidden(name) === wanted),
  )
  const known = clear!.filter(([name]) => name !== 'createdAt')
  return { clear: Object.fromEntries(known) as Record<string, Value>, hidden: JSON.stringify(hidden) }
}
