import type { Migration } from '../database/index.ts'

/** The logs' tables: the queue of what is to be published, and what was published last. */
export const logMigrations: readonly Migration[] = [
  {
    id: 'log-0001',
    sql: `
create table surety.log_queue (
  seq bigint generated always as identity primary key,
  log text not null,
  entry_id text not null,
  body bytea not null,
  unique (log, entry_id)
);
create index log_queue_order on surety.log_queue (log, seq);
create table surety.log_state (
  log text primary key,
  origin text not null,
  vkey text not null,
  size bigint not null check (size >= 0),
  root bytea not null,
  checkpoint text not null
);
`,
  },
]
