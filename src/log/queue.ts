import type { Connection } from '../database/index.ts'

/** First key of the advisory locks of all logs. */
const LOCK_CLASS = 0x746c_6f67

/** What the database knows of a log's last publication. */
export interface LogState {
  readonly origin: string
  readonly vkey: string
  readonly size: number
  readonly root: Uint8Array
  readonly checkpoint: string
}

export interface QueuedRow {
  readonly seq: number
  readonly entry_id: string
  readonly body: Uint8Array
}

/**
 * Takes the log's lock until the transaction ends; false where another transaction holds it. The
 * transaction's commit does not wait for the disk: what it says is in the folder already, durably, and
 * the next tick says it again where a crash of the database took it back.
 */
export async function tryLock(connection: Connection, log: string): Promise<boolean> {
  const rows = await connection.query<{ held: boolean }>(
    `select pg_try_advisory_xact_lock($1, hashtext($2)) as held, set_config('synchronous_commit', 'off', true)`,
    [LOCK_CLASS, log],
  )
  return rows[0]?.held === true
}

export async function enqueue(
  connection: Connection,
  log: string,
  entries: readonly { readonly id: string; readonly body: Uint8Array }[],
): Promise<void> {
  await connection.query(
    `insert into surety.log_queue (log, entry_id, body)
     select $1, id, decode(body, 'base64') from unnest($2::text[], $3::text[]) with ordinality as row (id, body, n) order by n`,
    [log, entries.map(({ id }) => id), entries.map(({ body }) => Buffer.from(body).toString('base64'))],
  )
}

/** Bytes of queued rows that are read at once, and the row that exceeds them. */
const READ_BYTES = 4_194_304

/** The oldest queued rows, in the order they were queued; no more than fit into memory. */
export async function readQueue(connection: Connection, log: string, limit: number): Promise<QueuedRow[]> {
  return connection.query<QueuedRow>(
    `select seq, entry_id, body from (
       select seq, entry_id, body, sum(octet_length(body)) over (order by seq) - octet_length(body) as before
         from (select seq, entry_id, body from surety.log_queue where log = $1 order by seq limit $2) as oldest
     ) as summed where before < ${READ_BYTES} order by seq`,
    [log, limit],
  )
}

/** Deletes rows by their ids: what a start finds published, whose rows nobody has read. */
export async function deleteQueued(
  connection: Connection,
  log: string,
  ids: readonly string[],
): Promise<void> {
  await connection.query('delete from surety.log_queue where log = $1 and entry_id = any($2::text[])', [
    log,
    ids,
  ])
}

/** Deletes the rows that one tick has read and published. */
export async function deleteRows(connection: Connection, seqs: readonly number[]): Promise<void> {
  await connection.query('delete from surety.log_queue where seq = any($1::bigint[])', [seqs])
}

/** The newest row waiting to be published; null where none is. */
export async function newestQueued(connection: Connection, log: string): Promise<number | null> {
  const rows = await connection.query<{ seq: number | null }>(
    'select max(seq) as seq from surety.log_queue where log = $1',
    [log],
  )
  return rows[0]?.seq ?? null
}

/** True while a row up to `seq` waits to be published. */
export async function isQueued(connection: Connection, log: string, seq: number): Promise<boolean> {
  const rows = await connection.query('select 1 from surety.log_queue where log = $1 and seq <= $2 limit 1', [
    log,
    seq,
  ])
  return rows.length > 0
}

export async function readState(connection: Connection, log: string): Promise<LogState | null> {
  const rows = await connection.query<LogState>(
    'select origin, vkey, size, root, checkpoint from surety.log_state where log = $1',
    [log],
  )
  return rows[0] ?? null
}

export async function writeState(connection: Connection, log: string, state: LogState): Promise<void> {
  await connection.query(
    `insert into surety.log_state (log, origin, vkey, size, root, checkpoint) values ($1, $2, $3, $4, $5, $6)
     on conflict (log) do update set size = excluded.size, root = excluded.root, checkpoint = excluded.checkpoint`,
    [log, state.origin, state.vkey, state.size, Buffer.from(state.root), state.checkpoint],
  )
}
