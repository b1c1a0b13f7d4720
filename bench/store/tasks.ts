import { median } from '../measure.ts'
import type { BenchDatabase } from '../log/server.ts'
import { beat, type Contestant } from './world.ts'

export const INSERT_ROWS = 1_000
export const LIST_ROWS = 100

/** The newest heartbeats, stored by the contestant itself: all that a read or a list meets. */
const NEWEST = 2_000

/** Stores the newest of `count` heartbeats of a year, 1,000 at a time, and keeps the ids of some. */
export async function storeNewest(one: Contestant, count: number): Promise<void> {
  for (let from = Math.max(0, count - NEWEST); from < count; from += INSERT_ROWS) {
    const size = Math.min(INSERT_ROWS, count - from)
    const rows = Array.from({ length: size }, (_, i) => one.row(beat(from + i, count)))
    await one.db.insertInto('heartbeats').values(rows).execute()
  }
  const stored = await heartbeatsOf(one).select('id').orderBy('id').limit(500).execute()
  one.ids.push(...stored.map(({ id }) => id))
}

/**
 * Fills the rest of the year with copies of what is stored under new ids and times, in SQL. Envelopes
 * are copied as they are: a summary of clear columns opens none.
 */
export async function storeRest({ owner }: BenchDatabase, table: string, count: number): Promise<void> {
  const client = await owner.connect()
  try {
    await client.query('begin')
    for (const verb of ['read', 'write']) {
      await client.query(`select set_config($1, 'any', true)`, [`surety.${verb}_heartbeats`])
    }
    const { rows } = await client.query<{ name: string }>(
      `select quote_ident(attname) as name from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped`,
      [table],
    )
    const names = rows.map(({ name }) => name)
    const made: Readonly<Record<string, string>> = {
      id: 'uuidv7()',
      '"time"': `timestamptz '2025-01-01 00:00:00Z' + i * (interval '365 days' / $1)`,
    }
    await client.query(
      `insert into ${table} (${names.join(', ')})
       select ${names.map((name) => made[name] ?? name).join(', ')}
         from generate_series(0, $1 - ${NEWEST + 1}) as i
         join (select *, row_number() over (order by id) - 1 as n from ${table}) as stored on n = i % ${INSERT_ROWS}`,
      [count],
    )
    await client.query('commit')
  } finally {
    client.release()
  }
}

/** Reads one heartbeat by its key with every field. */
export async function readOne(one: Contestant, i: number): Promise<void> {
  const { ids } = one
  const row = await heartbeatsOf(one)
    .select(['id', 'entity', 'project', 'branch', 'language', 'time', 'seconds'])
    .where('id', '=', ids[i % ids.length]!)
    .executeTakeFirstOrThrow()
  if (!row.entity.startsWith('/home/')) throw new TypeError('a heartbeat came back wrongly')
}

/** The newest heartbeats with every field. */
export async function readList(one: Contestant): Promise<void> {
  const rows = await heartbeatsOf(one)
    .select(['id', 'entity', 'project', 'branch', 'language', 'time', 'seconds'])
    .orderBy('time', 'desc')
    .limit(LIST_ROWS)
    .execute()
  if (rows.length !== LIST_ROWS) throw new TypeError('a list came back short')
}

export async function insertMany(one: Contestant): Promise<void> {
  const rows = Array.from({ length: INSERT_ROWS }, (_, i) => one.row(beat(i, INSERT_ROWS)))
  await one.db.insertInto('heartbeats').values(rows).execute()
}

/** A year by language: time and number of heartbeats. */
export async function summarise(one: Contestant): Promise<void> {
  const rows = await heartbeatsOf(one)
    .select((eb) => ['language', eb.fn.sum('seconds').as('seconds'), eb.fn.countAll().as('beats')])
    .where('time', '>=', new Date(Date.UTC(2025, 0, 1)))
    .where('time', '<', new Date(Date.UTC(2026, 0, 1)))
    .groupBy('language')
    .execute()
  if (rows.length !== 8) throw new TypeError('a summary lacks languages')
}

function heartbeatsOf({ db, condition }: Contestant) {
  return db.selectFrom('heartbeats').where((eb) => eb.and(condition))
}

/** Milliseconds of each of `count` runs, one after the other: their median. */
export async function medianMs(count: number, work: (i: number) => Promise<void>): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < count; i++) {
    const start = performance.now()
    await work(i)
    times.push(performance.now() - start)
  }
  return median(times)
}

const CLIENTS = 8

/** `count` reads by 8 clients, a second. */
export async function throughput(count: number, work: (i: number) => Promise<void>): Promise<number> {
  let next = 0
  const client = async (): Promise<void> => {
    while (next < count) await work(next++)
  }
  const start = performance.now()
  await Promise.all(Array.from({ length: CLIENTS }, client))
  return (count * 1000) / (performance.now() - start)
}
