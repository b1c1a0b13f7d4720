import type { Migration } from '../database/index.ts'

/** The tables of this room. */
export const promisesMigrations: readonly Migration[] = [
  {
    id: 'promises-0001',
    // One row: a random value in the clear, by which a search for sealed values shows that it finds.
    sql: 'create table surety.planted (id integer primary key check (id = 1), value text not null)',
  },
]
