import {
  KEYS_SETTING,
  settingSql,
  SUBJECT_SETTING,
  TENANT_SETTING,
  type Migration,
} from '../database/index.ts'

const TENANT = settingSql(TENANT_SETTING, 'uuid')
const SUBJECT = settingSql(SUBJECT_SETTING, 'uuid')
/** A data key is open to its tenant, to the person who is its own tenant, and to a system task. */
const OPEN = `tenant = ${TENANT} or (tenant = subject and subject = ${SUBJECT}) or ${settingSql(KEYS_SETTING)} = 'any'`

/** The installation's own owner, in place of a tenant: its key derives the indexes that precede a tenant. */
export const INSTALLATION = '00000000-0000-0000-0000-000000000000'

/**
 * The key tables, schema `surety`. Bucket keys are stored under the live ladder alone: a wrap under
 * a backup epoch, which lives as long as backups do, would keep production's old pages and WAL
 * readable. A backup makes its own wraps. A data key's row outlives the key as a tombstone.
 */
export const keysMigrations: readonly Migration[] = [
  {
    id: 'keys-0001',
    sql: `
create table surety.epoch_keys (
  ladder text not null check (ladder in ('live', 'backup')),
  epoch integer not null check (epoch > 0),
  provider text not null,
  provider_key text not null,
  starts_at timestamptz(3) not null,
  ends_at timestamptz(3),
  destroyed_at timestamptz(3),
  primary key (ladder, epoch)
);
create table surety.bucket_keys (
  ladder text not null,
  bucket integer not null check (bucket between 0 and 65535),
  generation integer not null check (generation > 0),
  epoch integer not null,
  wrapped bytea not null,
  dirty boolean not null,
  primary key (ladder, bucket),
  foreign key (ladder, epoch) references surety.epoch_keys (ladder, epoch)
);
create table surety.data_keys (
  id uuid primary key,
  tenant uuid not null,
  subject uuid not null,
  bucket integer not null,
  wrapped bytea,
  created_at timestamptz(3) not null,
  erased_at timestamptz(3),
  locked_at timestamptz(3),
  unique (tenant, subject),
  check ((wrapped is null) = (erased_at is not null))
);
create index data_keys_bucket on surety.data_keys (bucket);
alter table surety.data_keys enable row level security;
alter table surety.data_keys force row level security;
create policy app_read on surety.data_keys for select to surety_app using (${OPEN} or tenant = '${INSTALLATION}');
create policy app_insert on surety.data_keys for insert to surety_app with check ((${OPEN}) and erased_at is null);
create policy app_lock on surety.data_keys for update to surety_app using (${OPEN}) with check (${OPEN});
create policy owner_all on surety.data_keys to current_user using (true) with check (true);
grant select, insert (id, tenant, subject, bucket, wrapped, created_at), update (locked_at) on surety.data_keys to surety_app;
`,
  },
  {
    id: 'keys-0002',
    sql: `
delete from surety.bucket_keys where ladder = 'backup';
alter table surety.bucket_keys add constraint live_only check (ladder = 'live');
alter table surety.epoch_keys
  add column phase text not null default 'current' check (phase in ('next', 'current', 'ended', 'destroyed')),
  add column buckets integer not null default 4096 check (buckets > 0 and buckets <= 65536 and buckets % 4096 = 0),
  add column destroy_after timestamptz(3),
  add column destruction text check (destruction in ('confirmed', 'attested')),
  add column wrapped integer not null default 0,
  add column replaced integer not null default 0,
  add column rewrapped integer not null default 0,
  add constraint ended check ((phase in ('ended', 'destroyed')) = (ends_at is not null and destroy_after is not null)),
  add constraint destroyed check ((phase = 'destroyed') = (destroyed_at is not null and destruction is not null));
create unique index epoch_keys_one on surety.epoch_keys (ladder, phase) where phase in ('next', 'current');
create index bucket_keys_dirty on surety.bucket_keys (bucket) where dirty;
`,
  },
]
