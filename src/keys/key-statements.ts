import type { DataKeyRow, KeyOwner, RecalledKey } from './tree.ts'

/** SQL over the data keys, for a statement's own transaction. */
export interface KeyStatement {
  readonly sql: string
  readonly parameters: readonly unknown[]
}

/** Reads the row of an owner's data key as it is now, tombstones included. */
export function readKeyOf({ tenant, subject }: KeyOwner): KeyStatement {
  return {
    sql: 'select id, tenant, subject, bucket, wrapped from surety.data_keys where tenant = $1 and subject = $2',
    parameters: [tenant, subject],
  }
}

/** True when the row that was read is the one that a key was recalled from: neither erased nor rewrapped. */
export function isSameKey({ row }: RecalledKey, read: DataKeyRow | undefined): boolean {
  return (
    row.wrapped !== null && read?.id === row.id && read.wrapped !== null && row.wrapped.equals(read.wrapped)
  )
}

/** SQLSTATE of a {@link holdKeys} that found a row changed: division by zero. */
export const KEYS_CHANGED = '22012'

/**
 * Fails the transaction with {@link KEYS_CHANGED} unless the row of every key is as it was recalled.
 * The rows of the keys that seal stay locked `FOR KEY SHARE` to its end, in the order of ids, so an
 * erasure cannot overtake; those of indexes are compared only, as when they are read.
 */
export function holdKeys(sealing: readonly RecalledKey[], indexing: readonly RecalledKey[]): KeyStatement {
  const ids = (keys: readonly RecalledKey[]): string[] => keys.map(({ row }) => row.id)
  const wraps = (keys: readonly RecalledKey[]): (Buffer | null)[] => keys.map(({ row }) => row.wrapped)
  return {
    sql: `with held as materialized (
            select d.id from surety.data_keys d
             where (d.id, d.wrapped) in (select * from unnest($1::uuid[], $2::bytea[])) order by d.id for key share)
          select 1 / case when (select count(*) from held) = cardinality($1::uuid[])
                           and (select count(*) from surety.data_keys d
                                 where (d.id, d.wrapped) in (select * from unnest($3::uuid[], $4::bytea[]))) = cardinality($3::uuid[])
                          then 1 else 0 end`,
    parameters: [ids(sealing), wraps(sealing), ids(indexing), wraps(indexing)],
  }
}
