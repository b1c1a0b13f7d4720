import { randomBytes } from 'node:crypto'
import { asConnection, inTransaction } from '../../src/database/index.ts'
import { createPseudonym, systemClock } from '../../src/kernel/index.ts'
import type { KeyProvider } from '../../src/keys/index.ts'
import { bucketOf, growBuckets } from '../../src/keys/bucket-count.ts'
import { createBucketKeys, type BucketKey } from '../../src/keys/bucket-keys.ts'
import { createDataKey, rewrapDataKey, type DataKeyName } from '../../src/keys/data-key.ts'
import { takeKey } from '../../src/keys/gcm.ts'
import type { BenchDatabase } from '../log/server.ts'

const BATCH = 5_000

/** The number of buckets that a system of this size has grown to. */
export function settledBuckets(subjects: number, deletions: number): number {
  let count = 4_096
  for (let epoch = 0; epoch < 5; epoch++) count = growBuckets(count, subjects, deletions)
  return count
}

/** What opens a data key of the rival's table: the key of its bucket, or the one key of all. */
export type RivalKeys = (bucket: number) => BucketKey

/**
 * Makes as many data keys, really wrapped, in as many buckets. The rival's table is a copy of them, so
 * that both wrap the same keys; its first round opens each with its bucket's key.
 */
export async function makeSubjects(
  { owner }: BenchDatabase,
  provider: KeyProvider,
  subjects: number,
  count: number,
  progress: (done: number) => void,
): Promise<RivalKeys> {
  await owner.query(`update surety.epoch_keys set buckets = $1 where ladder = 'live'`, [count])
  const buckets = createBucketKeys(provider, owner)
  const opened = new Map<number, BucketKey>()
  for (let from = 0; from < count; from += 1_024) {
    const some = Array.from({ length: Math.min(1_024, count - from) }, (_, i) => from + i)
    for (const [bucket, key] of await buckets.open(some)) opened.set(bucket, key)
  }
  for (let done = 0; done < subjects; done += BATCH) {
    const names = Array.from({ length: Math.min(BATCH, subjects - done) }, () => nameSubject(count))
    const wraps = names.map((name) => createDataKey(name, opened.get(name.bucket)!).wrapped)
    await insert(owner, names, wraps)
    progress(done + names.length)
  }
  await owner.query(`
    create table surety.rival_keys as table surety.data_keys;
    alter table surety.rival_keys add primary key (id), add unique (tenant, subject);
    create index on surety.rival_keys (bucket)`)
  await owner.query('vacuum analyze')
  return (bucket) => opened.get(bucket)!
}

function nameSubject(count: number): DataKeyName {
  const id = createPseudonym()
  return { id, bucket: bucketOf(id, count), tenant: createPseudonym(), subject: createPseudonym() }
}

async function insert(
  owner: BenchDatabase['owner'],
  names: readonly DataKeyName[],
  wraps: readonly Buffer[],
): Promise<void> {
  await owner.query(
    `insert into surety.data_keys (id, tenant, subject, bucket, wrapped, created_at)
     select *, $6::timestamptz from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::integer[], $5::bytea[])`,
    [
      names.map(({ id }) => id),
      names.map(({ tenant }) => tenant),
      names.map(({ subject }) => subject),
      names.map(({ bucket }) => bucket),
      wraps,
      new Date(systemClock.now()),
    ],
  )
}

/** The rival: every data key under one key, so that the end of an epoch wraps all of them again. */
export async function rewrapAll({ owner }: BenchDatabase, from: RivalKeys): Promise<RivalKeys> {
  const to: BucketKey = { bucket: 0, generation: 1, key: takeKey(randomBytes(32)) }
  let last = '00000000-0000-0000-0000-000000000000'
  for (;;) {
    const rows = await asConnection(owner).query<DataKeyName & { wrapped: Buffer }>(
      `select id, tenant, subject, bucket, wrapped from surety.rival_keys
        where id > $1 and wrapped is not null order by id limit 1000`,
      [last],
    )
    if (rows.length === 0) return () => to
    const wraps = rows.map((row) => rewrapDataKey(row, row.wrapped, from(row.bucket), to))
    await inTransaction(owner, async (connection) => {
      // Else the database reads the whole table for every batch, which would flatter us.
      await connection.query('set local enable_hashjoin = off')
      await connection.query('set local enable_mergejoin = off')
      await connection.query(
        `update surety.rival_keys d set wrapped = moved.wrapped, bucket = 0
           from unnest($1::uuid[], $2::bytea[]) as moved (id, wrapped) where d.id = moved.id`,
        [rows.map(({ id }) => id), wraps],
      )
    })
    last = rows.at(-1)!.id
  }
}
