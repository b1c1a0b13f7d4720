/** A table that the library keeps for itself. */
export interface SystemTable {
  readonly schema: string
  /** `*`: every table of a schema that another library owns. */
  readonly name: string
  readonly columns: readonly string[] | 'all'
  /** What it holds, for the public data list. */
  readonly holds: string
}

/** All of them: a live table that stands neither here nor in the data map breaks a promise. */
export const SYSTEM_TABLES: readonly SystemTable[] = [
  {
    schema: 'surety',
    name: 'migrations',
    columns: ['id', 'checksum', 'applied_at'],
    holds: 'which versions of the library’s own tables are in place',
  },
  {
    schema: 'surety',
    name: 'resources',
    columns: ['name', 'declared', 'policies_source', 'policies_live'],
    holds: 'the data map as it was last applied, without any data',
  },
  {
    schema: 'surety',
    name: 'epoch_keys',
    columns: [
      'ladder',
      'epoch',
      'provider',
      'provider_key',
      'starts_at',
      'ends_at',
      'destroyed_at',
      'phase',
      'buckets',
      'destroy_after',
      'destruction',
      'wrapped',
      'replaced',
      'rewrapped',
    ],
    holds: 'names of the keys at the key provider, never the keys',
  },
  {
    schema: 'surety',
    name: 'bucket_keys',
    columns: ['ladder', 'bucket', 'generation', 'epoch', 'wrapped', 'dirty'],
    holds: 'keys of groups of people, encrypted under the provider’s',
  },
  {
    schema: 'surety',
    name: 'data_keys',
    columns: ['id', 'tenant', 'subject', 'bucket', 'wrapped', 'created_at', 'erased_at', 'locked_at'],
    holds: 'for each person’s pseudonym their own key, encrypted, and after an erasure that it is gone',
  },
  {
    schema: 'surety',
    name: 'log_queue',
    columns: ['seq', 'log', 'entry_id', 'body', 'queued_at'],
    holds:
      'entries of the public evidence log, and digests of audit events, for the moment before they are published',
  },
  {
    schema: 'surety',
    name: 'log_state',
    columns: ['log', 'origin', 'vkey', 'size', 'root', 'checkpoint'],
    holds: 'how far the evidence log and the audit log are published',
  },
  {
    schema: 'surety',
    name: 'audit_bodies',
    columns: ['id', 'at', 'period', 'batch', 'commitments', 'sealed'],
    holds:
      'who did what to which rows, by pseudonyms and names of columns, encrypted; it can be opened for a year at most',
  },
  {
    schema: 'surety',
    name: 'audit_keys',
    columns: [
      'period',
      'provider',
      'provider_key',
      'wrapped',
      'first_event_at',
      'rehearsal',
      'destroyed_at',
      'pruned_entries',
      'pruned_leaf',
    ],
    holds: 'keys of the audit events of a month, encrypted, and when they were destroyed',
  },
  {
    schema: 'surety',
    name: 'sign_in_counts',
    columns: ['key', 'level', 'counted_at', 'until', 'forgotten_at'],
    holds:
      'how often signing in has failed, under keyed hashes of account, network address and device; gone within a day',
  },
  {
    schema: 'surety',
    name: 'sign_in_sightings',
    columns: ['scope', 'account', 'succeeded', 'seen_at'],
    holds: 'which accounts failed or succeeded to sign in, under keyed hashes, for some minutes',
  },
  {
    schema: 'surety',
    name: 'planted',
    columns: ['id', 'value'],
    holds: 'one random value that a probe must find, to show that it searches',
  },
  {
    schema: 'pgboss',
    name: '*',
    columns: 'all',
    holds: 'wake-up calls for background work: ids and numbers only',
  },
]
