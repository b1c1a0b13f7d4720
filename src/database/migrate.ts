import { createHash } from 'node:crypto'
import type pg from 'pg'
import type { Clock } from '../kernel/index.ts'
import type { Connection } from './connection.ts'
import { DatabaseError } from './errors.ts'
import { asConnection, inTransaction } from './pools.ts'
import { APP_ROLE } from './roles.ts'

/** One step of the system's own schema. Never edited once released: a new step is added instead. */
export interface Migration {
  /** Unique in the whole system, such as `keys-0001`. */
  readonly id: string
  /** Statements, separated by semicolons; run inside one transaction with all others. */
  readonly sql: string
}

/** Held while schemas change: one process migrates at a time. */
export const MIGRATION_LOCK = 0x5375_7265

/**
 * Brings schema `surety` up to date: every step that the ledger `surety.migrations` lacks, room
 * by room, in order, all in one transaction. Applied steps are checked, never run again.
 *
 * @param rooms the steps of each room, in the order of the rooms
 * @throws DatabaseError `ERR_DATABASE_MIGRATION_CHANGED` when an applied step differs from the code's,
 *   or a step was put before applied ones; `ERR_DATABASE_NEWER` when the ledger knows more than the code
 */
export async function migrateSystem(
  owner: pg.Pool,
  rooms: readonly (readonly Migration[])[],
  clock: Clock,
): Promise<readonly string[]> {
  return inTransaction(owner, async (connection) => {
    const applied = await migrateIn(connection, rooms, clock)
    return applied.map(({ id }) => id)
  })
}

/**
 * What {@link migrateSystem} would apply, and what `look` sees after it. All of it is rolled back.
 * @throws DatabaseError those of {@link migrateSystem}
 */
export async function previewMigration<Seen>(
  owner: pg.Pool,
  rooms: readonly (readonly Migration[])[],
  clock: Clock,
  look: (connection: Connection) => Promise<Seen>,
): Promise<{ readonly pending: readonly Migration[]; readonly seen: Seen }> {
  const client = await owner.connect()
  try {
    await client.query('begin')
    const connection = asConnection(client)
    const pending = await migrateIn(connection, rooms, clock)
    return { pending, seen: await look(connection) }
  } finally {
    const broken = await client.query('rollback').then(
      () => false,
      () => true,
    )
    client.release(broken)
  }
}

/** Applies what is due and returns it. */
async function migrateIn(
  connection: Connection,
  rooms: readonly (readonly Migration[])[],
  clock: Clock,
): Promise<readonly Migration[]> {
  refuseDoubles(rooms.flat())
  await connection.query('select pg_advisory_xact_lock($1)', [MIGRATION_LOCK])
  for (const statement of BOOTSTRAP) await connection.query(statement)
  const ledger = await readLedger(connection)
  refuseUnknown(ledger, rooms.flat())
  const due = rooms.flatMap((room) => dueSteps(room, ledger))
  for (const step of due) {
    await connection.query(step.sql)
    await connection.query('insert into surety.migrations (id, checksum, applied_at) values ($1, $2, $3)', [
      step.id,
      checksum(step),
      new Date(clock.now()),
    ])
  }
  return due
}

const BOOTSTRAP = [
  'create schema if not exists surety',
  'create schema if not exists app',
  `grant usage on schema surety, app to ${APP_ROLE}`,
  `create table if not exists surety.migrations (
     id text primary key, checksum text not null, applied_at timestamptz(3) not null)`,
]

/** SHA-256 of the statements with line ends normalised. */
function checksum(step: Migration): string {
  return createHash('sha256').update(step.sql.replaceAll('\r\n', '\n').trim()).digest('hex')
}

async function readLedger(connection: Connection): Promise<Map<string, string>> {
  const rows = await connection.query<{ id: string; checksum: string }>(
    'select id, checksum from surety.migrations',
  )
  return new Map(rows.map((row) => [row.id, row.checksum]))
}

function refuseDoubles(steps: readonly Migration[]): void {
  const seen = new Set<string>()
  for (const { id } of steps) {
    if (seen.has(id)) throw new TypeError(`two migrations are named ${id}`)
    seen.add(id)
  }
}

function refuseUnknown(ledger: ReadonlyMap<string, string>, steps: readonly Migration[]): void {
  const known = new Set(steps.map(({ id }) => id))
  const unknown = [...ledger.keys()].filter((id) => !known.has(id))
  if (unknown.length === 0) return
  throw new DatabaseError(
    'ERR_DATABASE_NEWER',
    `the database has migrations that this version does not know: ${unknown.join(', ')}`,
  )
}

function dueSteps(room: readonly Migration[], ledger: ReadonlyMap<string, string>): Migration[] {
  const due: Migration[] = []
  for (const step of room) {
    const applied = ledger.get(step.id)
    if (applied === undefined) {
      due.push(step)
    } else if (applied !== checksum(step) || due.length > 0) {
      const why =
        due.length > 0
          ? `comes after ${due[0]!.id}, which was not applied before it`
          : 'differs from what was applied'
      throw new DatabaseError('ERR_DATABASE_MIGRATION_CHANGED', `migration ${step.id} ${why}`)
    }
  }
  return due
}
