import { describe, expect, test } from 'vitest'
import { compile, db, loose, verdict, type Loose, type Refusal } from '../testing/refusals.ts'

describe('tables, columns and names', () => {
  test.each<Refusal>([
    ['an unknown table', 'UNKNOWN_TABLE', () => compile(loose.selectFrom('pg_stats').selectAll())],
    [
      'a table of another schema',
      'UNSUPPORTED',
      () => compile(loose.selectFrom('surety.data_keys').selectAll()),
    ],
    ['the tables’ own schema', 'UNSUPPORTED', () => compile(loose.selectFrom('app.heartbeats').selectAll())],
    [
      'withSchema',
      'UNSUPPORTED',
      () => compile(loose.withSchema('surety').selectFrom('heartbeats').selectAll()),
    ],
    [
      'a dynamic table that is not declared',
      'UNKNOWN_TABLE',
      () => compile(loose.selectFrom(loose.dynamic.table('pg_authid').as('x')).selectAll()),
    ],
    [
      'a table named like a member of Object',
      'UNKNOWN_TABLE',
      () => compile(loose.selectFrom('constructor').selectAll()),
    ],
    [
      'a join with an unknown table',
      'UNKNOWN_TABLE',
      () =>
        compile(
          loose.selectFrom('heartbeats').innerJoin('pg_class', 'pg_class.oid', 'heartbeats.id').selectAll(),
        ),
    ],
    [
      'a union with an unknown table',
      'UNKNOWN_TABLE',
      () =>
        compile(
          loose
            .selectFrom('heartbeats')
            .select('id')
            .union((eb: Loose) => eb.selectFrom('pg_stats').select('tablename')),
        ),
    ],
    [
      'a CTE over an unknown table',
      'UNKNOWN_TABLE',
      () =>
        compile(
          loose
            .with('c', (qb: Loose) => qb.selectFrom('pg_stats').selectAll())
            .selectFrom('c')
            .selectAll(),
        ),
    ],
    [
      'a CTE before it is made',
      'UNKNOWN_TABLE',
      () =>
        compile(
          loose
            .with('a', (qb: Loose) => qb.selectFrom('b').selectAll())
            .with('b', (qb: Loose) => qb.selectFrom('rates').selectAll())
            .selectFrom('a')
            .selectAll(),
        ),
    ],
    [
      'an update of an unknown table',
      'UNKNOWN_TABLE',
      () => compile(loose.updateTable('pg_authid').set({ rolsuper: true })),
    ],
    [
      'a delete from a CTE',
      'UNKNOWN_TABLE',
      () => compile(loose.with('c', (qb: Loose) => qb.selectFrom('rates').selectAll()).deleteFrom('c')),
    ],

    ['the envelope', 'NAME', () => compile(loose.selectFrom('heartbeats').select('_envelope'))],
    [
      'a blind index',
      'UNKNOWN_COLUMN',
      () =>
        compile(
          loose
            .selectFrom('heartbeats')
            .select('h._blind_project as p')
            .select('id'.replace('id', 'heartbeats._blind_project')),
        ),
    ],
    ['a system column', 'UNKNOWN_COLUMN', () => compile(loose.selectFrom('heartbeats').select('ctid'))],
    ['a whole row', 'UNKNOWN_COLUMN', () => compile(loose.selectFrom('heartbeats').select('heartbeats'))],
    [
      'a whole row as JSON',
      'UNSUPPORTED',
      () =>
        compile(loose.selectFrom('heartbeats').select(({ fn }: Loose) => fn.toJson('heartbeats').as('x'))),
    ],
    [
      'a whole row counted',
      'UNSUPPORTED',
      () => compile(db.selectFrom('heartbeats').select(({ fn }) => fn.countAll('heartbeats').as('x'))),
    ],
    [
      'SQL in a column’s name',
      'UNKNOWN_COLUMN',
      () => compile(loose.selectFrom('heartbeats').select('id" from app.heartbeats --')),
    ],
    [
      'SQL in order by',
      'UNKNOWN_COLUMN',
      () => compile(loose.selectFrom('heartbeats').select('id').orderBy('id;drop')),
    ],
    [
      'a dynamic reference that is not declared',
      'UNKNOWN_COLUMN',
      () => compile(db.selectFrom('heartbeats').select(db.dynamic.ref('xmin'))),
    ],
    [
      'a column of a table beside the derived one',
      'UNKNOWN_COLUMN|UNKNOWN_TABLE',
      () =>
        compile(
          loose
            .selectFrom('heartbeats as h')
            .innerJoin(
              (eb: Loose) => eb.selectFrom('rates').select('rates.id').where('h.id', '=', 'x').as('r'),
              (join: Loose) => join.onTrue(),
            )
            .select('r.id'),
        ),
    ],
    [
      'an ambiguous column',
      'NAME',
      () =>
        compile(
          loose.selectFrom('heartbeats as a').innerJoin('heartbeats as b', 'a.id', 'b.id').select('language'),
        ),
    ],
    [
      'two tables of one name',
      'NAME',
      () =>
        compile(loose.selectFrom('heartbeats as a').innerJoin('rates as a', 'a.id', 'a.id').select('a.id')),
    ],
    [
      'two columns of one name',
      'NAME',
      () => compile(db.selectFrom('heartbeats as a').innerJoin('rates as b', 'a.id', 'b.id').selectAll()),
    ],
    [
      'an alias that begins with an underscore',
      'NAME',
      () => compile(db.selectFrom('heartbeats').select('id as _c0_0')),
    ],
    [
      'a table alias that begins with an underscore',
      'NAME',
      () => compile(db.selectFrom('heartbeats as _h').select('_h.id')),
    ],
    [
      'a CTE that begins with an underscore',
      'NAME',
      () =>
        compile(
          db
            .with('_c', (qb) => qb.selectFrom('rates').select('id'))
            .selectFrom('_c')
            .selectAll(),
        ),
    ],
  ])('refuses %s', (_what, codes, build) => {
    expect(verdict(codes, build)).toBe('refused')
  })
})

test('a refusal has a message that repeats no name from the query but plain identifiers', () => {
  const hostile = 'x" or <script>'
  for (const build of [
    () => loose.selectFrom(hostile).selectAll().compile(),
    () => loose.selectFrom('rates').select(hostile).compile(),
  ]) {
    expect(() => build()).toThrow(expect.objectContaining({ message: expect.not.stringContaining('script') }))
  }
})
