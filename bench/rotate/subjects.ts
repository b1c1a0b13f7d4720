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

/** Makes as many data keys, really wrapped, in as many buckets; those of the rival's table under one key. */
export async function makeSubjects(
  { owner }: BenchDatabase,
  provider: KeyProvider,
  subjects: number,
  count: number,
): Promise<BucketKey> {
  await owner.query(`update surety.epoch_keys set buckets = $1 where ladder = 'live'`, [count])
  const buckets = createBucketKeys(provider, owner)
  const opened = new Map<number, BucketKey>()
  for (let from = 0; from < count; from += 1_024) {
    const some = Array.from({ length: Math.min(1_024, count - from) }, (_, i) => from + i)
    for (const [bucket, key] of await buckets.open(some)) opened.set(bucket, key)
  }
  await owner.query(`create table surety.rival_keys (like surety.data_keys including all)`)
  const single: BucketKey = { bucket: 0, generation: 1, key: takeKey(randomBytes(32)) }
  for (let done = 0; done < subjects; done += BATCH) {
    const size = Math.min(BATCH, subjects - done)
    const names = Array.from({ length: size }, () => nameSubject(count))
    await insert(
      owner,
      'data_keys',
      names.map((name) => ({ name, ...createDataKey(name, opened.get(name.bucket)!) })),
    )
    const plain = names.map((name) => ({ ...name, bucket: 0 }))
    await insert(
      owner,
      'rival_keys',
      plain.map((name) => ({ name, ...createDataKey(name, single) })),
    )
  }
  await owner.query('vacuum analyze')
  return single
}

function nameSubject(count: number): DataKeyName {
  const id = createPseudonym()
  return { id, bucket: bucketOf(id, count), tenant: createPseudonym(), subject: createPseudonym() }
}

async function insert(
  owner: BenchDatabase['owner'],
  table: string,
  rows: readonly { readonly name: DataKeyName; readonly wrapped: Buffer }[],
): Promise<void> {
  await owner.query(
    `insert into surety.${table} (id, tenant, subject, bucket, wrapped, created_at)
     select *, $6::timestamptz from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::integer[], $5::bytea[])`,
    [
      rows.map(({ name }) => name.id),
      rows.map(({ name }) => name.tenant),
      rows.map(({ name }) => name.subject),
      rows.map(({ name }) => name.bucket),
      rows.map(({ wrapped }) => wrapped),
      new Date(systemClock.now()),
    ],
  )
}

/** The rival: every data key under one key, so that the end of an epoch wraps all of them again. */
export async function rewrapAll({ owner }: BenchDatabase, from: BucketKey): Promise<BucketKey> {
  const to: BucketKey = { bucket: 0, generation: from.generation + 1, key: takeKey(randomBytes(32)) }
  let last = '00000000-0000-0000-0000-000000000000'
  for (;;) {
    const rows = await asConnection(owner).query<DataKeyName & { wrapped: Buffer }>(
      `select id, tenant, subject, bucket, wrapped from surety.rival_keys
        where id > $1 and wrapped is not null order by id limit 1000`,
      [last],
    )
    if (rows.length === 0) return to
    const wraps = rows.map((row) => rewrapDataKey(row, row.wrapped, from, to))
    await inTransaction(owner, (connection) =>
      connection.query(
        `update surety.rival_keys d set wrapped = moved.wrapped
           from unnest($1::uuid[], $2::bytea[]) as moved (id, wrapped) where d.id = moved.id`,
        [rows.map(({ id }) => id), wraps],
      ),
    )
    last = rows.at(-1)!.id
  }
}
