import type { Migration } from '../database/index.ts'

/** Entries of one append at most. */
export const MAX_APPEND_LEAVES = 131_072
/** Bytes of one append's sealed bodies at most. */
export const MAX_APPEND_BYTES = 67_108_864

/**
 * The logs' tables: the queue of what is to be published, what was published last, and the sealed
 * bodies of the audit log with the keys of their periods. The app's role can append audit entries
 * through one function, and neither read, change nor remove any.
 */
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
  {
    id: 'log-0002',
    sql: `
alter table surety.log_queue add column queued_at timestamptz(3);
create table surety.audit_keys (
  period integer generated always as identity primary key,
  provider text not null,
  provider_key text not null,
  wrapped bytea,
  first_event_at timestamptz(3) not null,
  rehearsal boolean not null,
  destroyed_at timestamptz(3),
  pruned_entries bigint,
  pruned_leaf bytea,
  check ((wrapped is null) = (destroyed_at is not null))
);
create table surety.audit_bodies (
  id uuid primary key,
  at timestamptz(3) not null,
  period integer not null,
  batch uuid not null,
  commitments bytea not null,
  sealed bytea not null
);
alter table surety.audit_bodies alter column sealed set storage external, alter column commitments set storage external;
create function surety.append_audit(
  id uuid, at timestamptz, period integer, batch uuid, commitments bytea, sealed bytea
) returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if octet_length(commitments) = 0 or octet_length(commitments) % 32 <> 0 then
    raise exception 'the leaves of an audit append are malformed' using errcode = 'check_violation';
  end if;
  insert into surety.audit_bodies values (id, at, period, batch, commitments, sealed);
  insert into surety.log_queue (log, entry_id, body, queued_at)
    values ('audit', encode(substring(commitments from 1 for 32), 'hex'), commitments, at);
end $$;
revoke all on function surety.append_audit from public;
grant execute on function surety.append_audit to surety_app;
`,
  },
  {
    id: 'log-0003',
    sql: `
create or replace function surety.append_audit(
  id uuid, at timestamptz, period integer, batch uuid, commitments bytea, sealed bytea
) returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if octet_length(commitments) = 0 or octet_length(commitments) % 32 <> 0
    or octet_length(commitments) > ${MAX_APPEND_LEAVES} * 32 or octet_length(sealed) > ${MAX_APPEND_BYTES} then
    raise exception 'the leaves or bodies of an audit append are malformed' using errcode = 'check_violation';
  end if;
  if at not between '2000-01-01Z' and '9999-12-31Z' then
    raise exception 'the time of an audit append is none' using errcode = 'check_violation';
  end if;
  if not exists (select from surety.audit_keys k where k.period = append_audit.period and k.wrapped is not null) then
    raise exception 'the period of an audit append is not open' using errcode = 'check_violation';
  end if;
  insert into surety.audit_bodies values (id, at, period, batch, commitments, sealed);
  insert into surety.log_queue (log, entry_id, body, queued_at)
    values ('audit', encode(substring(commitments from 1 for 32), 'hex'), commitments, at);
end $$;
`,
  },
  {
    id: 'log-0004',
    sql: 'create index audit_bodies_period on surety.audit_bodies (period);',
  },
]
