import type { Migration } from '../database/index.ts'

/** Tables of the guard against guessing. Only the owner's role reaches them. Times are Unix milliseconds. */
export const identityMigrations: readonly Migration[] = [
  {
    id: 'identity-0001',
    sql: `
create table surety.sign_in_counts (
  key text primary key,
  level double precision not null default 0,
  counted_at bigint not null default 0,
  until bigint not null default 0,
  forgotten_at bigint not null default 0
);
create index sign_in_counts_forgotten on surety.sign_in_counts (forgotten_at);
create table surety.sign_in_sightings (
  scope text not null,
  account text not null,
  succeeded boolean not null,
  seen_at bigint not null,
  primary key (scope, account, succeeded)
);
create index sign_in_sightings_seen on surety.sign_in_sightings (scope, seen_at);
`,
  },
]
