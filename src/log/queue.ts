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

/** Bytes of queued rows that are read at once, and the row that exceeds them. */
const READ_BYTES = 4_194_304

const oldest = (log: string, limit: string): string =>
  `select seq, entry_id, body from (
     select seq, entry_id, body, sum(octet_length(body)) over (order by seq) - octet_length(body) as before
       from (select seq, entry_id, body from surety.log_queue where log = ${log} order by seq limit ${limit}) as queued
   ) as summed where before < ${READ_BYTES}`

/** What a tick begins with. */
export interface Turn {
  /** False where another transaction has the log's turn; null where nothing waits. */
  readonly taken: boolean | null
  /** What the database says was published last; null before the first time. */
  readonly state: Omit<LogState, 'checkpoint'> | null
  /** As {@link readQueue}. */
  readonly rows: readonly QueuedRow[]
}

/**
 * Takes the log's turn, which is its lock, until the transaction ends, and reads what the tick needs.
 * State and rows are as of the moment before the turn was taken: the checkpoint in the folder, read after
 * it, shows whether somebody published in between.
 *
 * The transaction's commit does not wait for the disk: what it says is in the folder already, durably, and
 * the next tick says it again where a crash of the database took it back.
 *
 * @param always true to take the turn though nothing waits
 */
export async function takeTurn(
  connection: Connection,
  log: string,
  limit: number,
  always: boolean,
): Promise<Turn> {
  const found = await connection.query<
    { readonly taken: boolean | null } & Nullable<Omit<LogState, 'checkpoint'>> & Nullable<QueuedRow>
  >(
    `with turn as materialized (
       select case when $4 or exists (select from surety.log_queue where log = $2)
         then pg_try_advisory_xact_lock($1, hashtext($2)) end as taken,
         set_config('synchronous_commit', 'off', true)
     )
     select turn.taken, state.origin, state.vkey, state.size, state.root, row.seq, row.entry_id, row.body
       from turn left join surety.log_state state on state.log = $2
       left join lateral (${oldest('$2', '$3')}) row on turn.taken order by row.seq`,
    [LOCK_CLASS, log, limit, always],
  )
  const first = found[0]!
  return {
    taken: first.taken,
    state: first.origin === null ? null : (first as NonNullable<Turn['state']>),
    rows: first.seq === null ? [] : (found as QueuedRow[]),
  }
}

type Nullable<Row> = { readonly [Name in keyof Row]: Row[Name] | null }

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

/** The oldest queued rows, in the order they were queued; no more than fit into memory. */
export async function readQueue(connection: Connection, log: string, limit: number): Promise<QueuedRow[]> {
  return connection.query<QueuedRow>(`${oldest('$1', '$2')} order by seq`, [log, limit])
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

/** Says what is published, and takes the rows that became of it out of the queue. */
export async function writeState(
  connection: Connection,
  log: string,
  state: LogState,
  seqs: readonly number[],
): Promise<void> {
  await connection.query(
    `with published as (delete from surety.log_queue where seq = any($7::bigint[]))
     insert into surety.log_state (log, origin, vkey, size, root, checkpoint) values ($1, $2, $3, $4, $5, $6)
     on conflict (log) do update set size = excluded.size, root = excluded.root, checkpoint = excluded.checkpoint`,
    [log, state.origin, state.vkey, state.size, Buffer.from(state.root), state.checkpoint, seqs],
  )
}
