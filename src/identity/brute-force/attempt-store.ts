import type pg from 'pg'
import { asConnection, inTransaction, type Connection } from '../../database/index.ts'
import type { Count, Seen } from './limits.ts'

/** Counts by key; what was never counted is missing. */
export type Counts = ReadonlyMap<string, Count>

/** A count to keep until nothing of it is left. */
export interface KeptCount extends Count {
  /** Unix milliseconds. */
  readonly forgottenAt: number
}

/** An account seen to fail or to succeed, in each of the scopes that it belongs to. */
export interface Sighting {
  readonly scopes: readonly string[]
  readonly account: string
  readonly succeeded: boolean
  /** Unix milliseconds. */
  readonly at: number
}

/** Where failures are counted, for all processes of an installation. Throws where it is away. */
export interface AttemptStore {
  /** Nothing waits for it, and it waits for nothing. */
  read(keys: readonly string[]): Promise<Counts>
  /**
   * Runs `step` on the counts and keeps what it gives, as if alone: two changes of one key never both see
   * the same count. `step` may run more than once.
   */
  change(keys: readonly string[], step: (counts: Counts) => ReadonlyMap<string, KeptCount>): Promise<void>
  /** Remembers a sighting, and tells what each scope has seen since then. */
  see(sighting: Sighting, since: number): Promise<ReadonlyMap<string, Seen>>
  /** Removes counts that are forgotten by now, and sightings from before `since`. */
  forget(now: number, since: number): Promise<void>
}

interface CountRow {
  readonly key: string
  readonly level: number
  readonly counted_at: number
  readonly until: number
}

/** Over the library's own tables, which the app's role cannot reach. */
export function createPostgresAttempts(owner: pg.Pool): AttemptStore {
  return new PostgresAttempts(owner)
}

class PostgresAttempts implements AttemptStore {
  readonly #owner: pg.Pool

  constructor(owner: pg.Pool) {
    this.#owner = owner
  }

  async read(keys: readonly string[]): Promise<Counts> {
    return toCounts(await asConnection(this.#owner).query<CountRow>(`${SELECT}`, [keys]))
  }

  async change(
    keys: readonly string[],
    step: (counts: Counts) => ReadonlyMap<string, KeptCount>,
  ): Promise<void> {
    await inTransaction(this.#owner, async (connection) => {
      // One order for all: whoever changes the same keys waits instead of dying of a deadlock.
      await connection.query(INSERT, [keys])
      const counts = await connection.query<CountRow>(`${SELECT} order by key for update`, [keys])
      await keep(connection, step(toCounts(counts)))
    })
  }

  async see({ scopes, account, succeeded, at }: Sighting, since: number): Promise<ReadonlyMap<string, Seen>> {
    const connection = asConnection(this.#owner)
    await connection.query(SEE, [scopes, account, succeeded, at])
    const rows = await connection.query<Seen & { readonly scope: string }>(SEEN, [scopes, since])
    return new Map(rows.map(({ scope, ...seen }) => [scope, seen]))
  }

  async forget(now: number, since: number): Promise<void> {
    const connection = asConnection(this.#owner)
    await connection.query(FORGET, [now])
    await connection.query('delete from surety.sign_in_sightings where seen_at < $1', [since])
  }
}

const SELECT = 'select key, level, counted_at, until from surety.sign_in_counts where key = any($1::text[])'
const INSERT = `insert into surety.sign_in_counts (key)
  select key from unnest($1::text[]) as key order by key on conflict do nothing`
const UPDATE = `update surety.sign_in_counts as c
  set level = n.level, counted_at = n.counted_at, until = n.until, forgotten_at = n.forgotten_at
  from unnest($1::text[], $2::float8[], $3::bigint[], $4::bigint[], $5::bigint[])
    as n (key, level, counted_at, until, forgotten_at)
  where c.key = n.key`
const SEE = `insert into surety.sign_in_sightings (scope, account, succeeded, seen_at)
  select scope, $2, $3, $4 from unnest($1::text[]) as scope order by scope
  on conflict (scope, account, succeeded) do update set seen_at = excluded.seen_at`
const SEEN = `select scope, count(*) filter (where not succeeded) as failed,
    count(*) filter (where succeeded) as succeeded
  from surety.sign_in_sightings where scope = any($1::text[]) and seen_at >= $2 group by scope`
// Rows that somebody holds are looked at next time.
const FORGET = `delete from surety.sign_in_counts where key in (
  select key from surety.sign_in_counts where forgotten_at < $1 for update skip locked)`

async function keep(connection: Connection, counts: ReadonlyMap<string, KeptCount>): Promise<void> {
  if (counts.size === 0) return
  const rows = [...counts.values()]
  await connection.query(UPDATE, [
    [...counts.keys()],
    rows.map(({ level }) => level),
    rows.map(({ at }) => at),
    rows.map(({ until }) => until),
    rows.map(({ forgottenAt }) => forgottenAt),
  ])
}

function toCounts(rows: readonly CountRow[]): Counts {
  return new Map(rows.map(({ key, level, counted_at: at, until }) => [key, { level, at, until }]))
}
