import type { Database } from './backend.ts'

/** What replies about stored heartbeats are made of. */
export const WIRE_COLUMNS = [
  'id',
  'createdAt',
  'time',
  'entity',
  'type',
  'category',
  'language',
  'project',
  'branch',
  'machine',
  'userAgent',
  'dependencies',
  'isWrite',
  'lines',
  'lineNumber',
  'cursorPosition',
] as const

type Row = Awaited<ReturnType<typeof selectRow>>

/** Exists for its type: what a query of these columns returns. */
function selectRow(db: Database) {
  return db.selectFrom('heartbeats').select(WIRE_COLUMNS).executeTakeFirstOrThrow()
}

/** A stored heartbeat under the names of the WakaTime API. */
export function toWire(row: Row) {
  const { createdAt, time, isWrite, lineNumber, cursorPosition, userAgent, machine, ...same } = row
  return {
    ...same,
    time: time.getTime() / 1000,
    is_write: isWrite,
    lineno: lineNumber,
    cursorpos: cursorPosition,
    machine_name: machine,
    user_agent: userAgent,
    created_at: createdAt.toISOString(),
  }
}
