import { sql } from 'kysely'
import type { Loose } from '../../src/store/testing/refusals.ts'
import { PERSONS, TENANTS } from './people.ts'
import type { Condition, Table } from './query.ts'
import type { Verb } from './people.ts'

/** What no principal may ask for, however it is dressed: the code it is refused with. */
interface RefusedCondition {
  readonly code: string
  /** Which columns it is asked of. */
  readonly of: 'any' | 'sealed' | 'hidden'
  build(eb: Loose, name: string): Loose
}

const SEALED = { code: 'ERR_STORE_SEALED_EXPRESSION', of: 'sealed' } as const

/** Conditions, put anywhere inside a random statement. `hidden`: sealed with or without an index. */
export const REFUSED_CONDITIONS: Readonly<Record<string, RefusedCondition>> = {
  'a sealed field compared': { ...SEALED, build: (eb, name) => eb(name, '=', 'secret 1') },
  'a sealed field in a list': { ...SEALED, build: (eb, name) => eb(name, 'in', ['secret 1', 'secret 2']) },
  'a sealed field tested for null': { ...SEALED, build: (eb, name) => eb(name, 'is not', null) },
  'a pattern on a hidden field': { ...SEALED, of: 'hidden', build: (eb, name) => eb(name, 'like', 's%') },
  'the order of a hidden field': { ...SEALED, of: 'hidden', build: (eb, name) => eb(name, '<', 'm') },
  'a function of a hidden field': {
    ...SEALED,
    of: 'hidden',
    build: (eb, name) => eb(eb.fn('length', [eb.ref(name)]), '>', 1),
  },
  'a column that is not declared': {
    code: 'ERR_STORE_UNKNOWN_COLUMN',
    of: 'any',
    build: (eb, name) => eb(`${name.split('.')[0]!}.password`, '=', 'x'),
  },
  'the envelope by its column': {
    code: 'ERR_STORE_UNKNOWN_COLUMN',
    of: 'any',
    build: (eb, name) => eb(`${name.split('.')[0]!}._envelope`, 'is not', null),
  },
  'raw SQL': { code: 'ERR_STORE_RAW', of: 'any', build: () => sql`true` },
  'a function that waits': {
    code: 'ERR_STORE_FUNCTION',
    of: 'any',
    build: (eb) => eb(eb.fn('pg_sleep', [eb.lit(0)]), 'is', null),
  },
  'a setting of its own': {
    code: 'ERR_STORE_FUNCTION',
    of: 'any',
    build: (eb) =>
      eb(eb.fn('set_config', [eb.val('surety.read_heartbeats'), eb.val('any'), eb.lit(true)]), '=', 'any'),
  },
  'a regular expression': {
    code: 'ERR_STORE_FUNCTION',
    of: 'any',
    build: (eb, name) => eb(name, '~', '(a+)+'),
  },
}

export function buildRefusedCondition(
  eb: Loose,
  { shape, column }: Extract<Condition, { is: 'refused' }>,
): Loose {
  return REFUSED_CONDITIONS[shape]!.build(eb, `${column.alias}.${column.name}`)
}

interface RefusedStatement {
  readonly code: string
  /** Who lacks one of these may be told so first. */
  readonly needs: readonly (readonly [Table, Verb])[]
  /** It names a row's owner: others may be told so first. */
  readonly namesOwner?: true
  build(db: Loose): Loose
}

const READS = [['heartbeats', 'read']] as const
const WRITES = [
  ['heartbeats', 'read'],
  ['heartbeats', 'write'],
] as const
const UNSUPPORTED = 'ERR_STORE_UNSUPPORTED'

/** Whole statements. */
export const REFUSED_STATEMENTS: Readonly<Record<string, RefusedStatement>> = {
  'the order of a sealed output': {
    code: SEALED.code,
    needs: READS,
    build: (db) => db.selectFrom('heartbeats').select(['id', 'entity']).orderBy('entity'),
  },
  'distinct over a sealed output': {
    code: SEALED.code,
    needs: READS,
    build: (db) => db.selectFrom('heartbeats').select('entity').distinct(),
  },
  'the sum of a sealed field': {
    code: SEALED.code,
    needs: READS,
    build: (db) => db.selectFrom('heartbeats').select((eb: Loose) => eb.fn.sum('lines').as('lines')),
  },
  'groups by a sealed field': {
    code: SEALED.code,
    needs: READS,
    build: (db) => db.selectFrom('heartbeats').select('entity').groupBy('entity'),
  },
  'rows without those of another tenant, by a sealed field': {
    code: SEALED.code,
    needs: READS,
    build: (db) =>
      db
        .selectFrom('heartbeats')
        .select('project')
        .except((eb: Loose) => eb.selectFrom('heartbeats').select('project')),
  },
  'two indexed fields compared': {
    code: SEALED.code,
    needs: READS,
    build: (db) => db.selectFrom('heartbeats').select('id').whereRef('project', '=', 'branch'),
  },
  'a catalog of the database': {
    code: 'ERR_STORE_UNKNOWN_TABLE',
    needs: [],
    build: (db) => db.selectFrom('pg_stats').selectAll(),
  },
  'a table by its schema': {
    code: UNSUPPORTED,
    needs: READS,
    build: (db) => db.selectFrom('app.heartbeats').select('id'),
  },
  'the table of the data keys': {
    code: UNSUPPORTED,
    needs: [],
    build: (db) => db.selectFrom('surety.data_keys').select('id'),
  },
  'a name of the store’s own': {
    code: 'ERR_STORE_NAME',
    needs: READS,
    build: (db) => db.selectFrom('heartbeats').select('id as _c0_0'),
  },
  'an insert of selected rows': {
    code: UNSUPPORTED,
    needs: [
      ['notes', 'write'],
      ['heartbeats', 'read'],
    ],
    build: (db) =>
      db
        .insertInto('notes')
        .columns(['teamId', 'title'])
        .expression((eb: Loose) => eb.selectFrom('heartbeats').select(['teamId', 'language'])),
  },
  'an id of the caller’s choice': {
    code: 'ERR_VALUE_READONLY',
    needs: [['rates', 'write']],
    build: (db) =>
      db.insertInto('rates').values({ id: '01900000-0000-7000-8000-000000000000', currency: 'go', value: 1 }),
  },
  'a row that moves to a tenant told by a column': {
    code: 'ERR_STORE_OWNER_FIXED',
    needs: WRITES,
    build: (db) => db.updateTable('heartbeats').set((eb: Loose) => ({ teamId: eb.ref('personId') })),
  },
  'a row that moves to a person told by a column': {
    code: 'ERR_STORE_OWNER_FIXED',
    needs: WRITES,
    build: (db) => db.updateTable('heartbeats').set((eb: Loose) => ({ personId: eb.ref('teamId') })),
  },
  'an upsert of a sealed row': {
    code: 'ERR_STORE_UPSERT_SEALED',
    needs: WRITES,
    namesOwner: true,
    build: (db) =>
      db
        .insertInto('heartbeats')
        .values({ personId: PERSONS.ada, teamId: TENANTS.red, entity: 'x', time: new Date(0) })
        .onConflict((oc: Loose) => oc.columns(['teamId', 'id']).doUpdateSet({ seconds: 1 })),
  },
  'a sealed row changed from another table': {
    code: UNSUPPORTED,
    needs: [...WRITES, ['notes', 'read']],
    build: (db) => db.updateTable('heartbeats').from('notes').set({ seconds: 1 }),
  },
  'a change inside a CTE': {
    code: UNSUPPORTED,
    needs: [
      ['notes', 'delete'],
      ['notes', 'read'],
    ],
    build: (db) =>
      db
        .with('gone', (qb: Loose) => qb.deleteFrom('notes').returning('id'))
        .selectFrom('gone')
        .select('id'),
  },
  'a merge': {
    code: UNSUPPORTED,
    needs: [
      ['notes', 'delete'],
      ['notes', 'read'],
    ],
    build: (db) =>
      db.mergeInto('notes').using('rates', 'rates.value', 'notes.rank').whenMatched().thenDelete(),
  },
}
