import { sql } from 'kysely'
import { jsonArrayFrom } from 'kysely/helpers/postgres'
import { describe, expect, test } from 'vitest'
import { planStatement } from './plan.ts'
import { compile, db, loose, policy, verdict, type Loose, type Refusal } from '../testing/refusals.ts'

const raw = sql<number>`1`

describe('raw SQL', () => {
  test.each<Refusal>([
    ['raw SQL as a column', 'RAW', () => compile(db.selectFrom('heartbeats').select(raw.as('x')))],
    [
      'raw SQL in where',
      'RAW',
      () =>
        compile(
          db
            .selectFrom('heartbeats')
            .select('id')
            .where(sql<boolean>`true`),
        ),
    ],
    [
      'raw SQL as an operand',
      'RAW',
      () => compile(db.selectFrom('heartbeats').select('id').where('seconds', '=', raw)),
    ],
    ['raw SQL in order by', 'RAW', () => compile(db.selectFrom('heartbeats').select('id').orderBy(raw))],
    [
      'raw SQL in group by',
      'RAW',
      () =>
        compile(
          db
            .selectFrom('heartbeats')
            .select('language')
            .groupBy(sql`1`),
        ),
    ],
    [
      'raw SQL in having',
      'RAW',
      () =>
        compile(
          db
            .selectFrom('heartbeats')
            .select('language')
            .groupBy('language')
            .having(sql<boolean>`true`),
        ),
    ],
    ['raw SQL as a table', 'RAW', () => compile(loose.selectFrom(sql`pg_stats`.as('s')).selectAll())],
    ['a table by sql.table', 'RAW', () => compile(loose.selectFrom(sql.table('pg_stats')).selectAll())],
    [
      'a reference by sql.ref',
      'RAW',
      () => compile(db.selectFrom('heartbeats').select(sql.ref('_envelope').as('x'))),
    ],
    ['a literal by sql.lit', 'RAW', () => compile(db.selectFrom('heartbeats').select(sql.lit('x').as('x')))],
    [
      'raw SQL inside a function',
      'RAW',
      () => compile(db.selectFrom('heartbeats').select(({ fn }) => fn('lower', [sql`version()`]).as('x'))),
    ],
    [
      'raw SQL inside an aggregate',
      'RAW',
      () => compile(db.selectFrom('heartbeats').select(({ fn }) => fn.max(raw as never).as('x'))),
    ],
    [
      'raw SQL inside a case',
      'RAW',
      () =>
        compile(
          db.selectFrom('heartbeats').select((eb) =>
            eb
              .case()
              .when(sql<boolean>`true`)
              .then(1)
              .end()
              .as('x'),
          ),
        ),
    ],
    [
      'raw SQL inside a subquery of a subquery',
      'RAW',
      () =>
        compile(
          db
            .selectFrom('heartbeats')
            .select('id')
            .where('id', 'in', (eb) =>
              eb
                .selectFrom('heartbeats')
                .select('id')
                .where((e) => e.exists(e.selectFrom('heartbeats').select(raw.as('y')))),
            ),
        ),
    ],
    [
      'raw SQL in a cast',
      'RAW',
      () => compile(db.selectFrom('heartbeats').select((eb) => eb.cast(raw, 'text').as('x'))),
    ],
    [
      'raw SQL as a type',
      'RAW',
      () => compile(db.selectFrom('heartbeats').select((eb) => eb.cast('seconds', sql`text`).as('x'))),
    ],
    [
      'raw SQL in a join condition',
      'RAW',
      () =>
        compile(
          db
            .selectFrom('heartbeats')
            .innerJoin('rates', (join) => join.on(sql<boolean>`true or true`))
            .select('rates.id'),
        ),
    ],
    [
      'raw SQL in limit',
      'UNSUPPORTED|RAW',
      () =>
        compile(
          db
            .selectFrom('heartbeats')
            .select('id')
            .limit(raw as never),
        ),
    ],
    [
      'raw SQL as a modifier',
      'UNSUPPORTED',
      () =>
        compile(
          db
            .selectFrom('heartbeats')
            .select('id')
            .modifyEnd(sql`for update`),
        ),
    ],
    [
      'raw SQL in front',
      'UNSUPPORTED',
      () =>
        compile(
          db
            .selectFrom('heartbeats')
            .select('id')
            .modifyFront(sql`all`),
        ),
    ],
    [
      'raw SQL as an inserted value',
      'RAW',
      () => compile(loose.insertInto('notes').values({ title: sql`current_user`, rank: 1 })),
    ],
    [
      'raw SQL as an updated value',
      'RAW',
      () => compile(loose.updateTable('notes').set({ title: sql`current_user` })),
    ],
    ['raw SQL in returning', 'RAW', () => compile(db.deleteFrom('notes').returning(sql`1`.as('x')))],
    [
      'raw SQL in on conflict',
      'UNSUPPORTED',
      () =>
        compile(
          loose
            .insertInto('notes')
            .values({ title: 'x', rank: 1 })
            .onConflict((oc: Loose) => oc.expression(sql`id`).doNothing()),
        ),
    ],
    [
      'raw SQL in a window',
      'RAW',
      () =>
        compile(
          db.selectFrom('heartbeats').select(({ fn }) =>
            fn
              .agg('rank')
              .over((ob) => ob.orderBy(sql`1`))
              .as('x'),
          ),
        ),
    ],
    ['raw SQL as a statement', 'RAW', () => planStatement(policy, raw.compile(db as never).query)],
    [
      'Kysely’s JSON helper, which is raw',
      'RAW|UNSUPPORTED|FUNCTION',
      () =>
        compile(
          db
            .selectFrom('heartbeats')
            .select((eb) => jsonArrayFrom(eb.selectFrom('rates').select('id')).as('r')),
        ),
    ],
  ])('refuses %s', (_what, codes, build) => {
    expect(verdict(codes, build)).toBe('refused')
  })
})

describe('functions, operators and types', () => {
  test.each<Refusal>([
    [
      'a function that sets settings',
      'FUNCTION',
      () =>
        compile(
          db
            .selectFrom('heartbeats')
            .select(({ fn, val }) => fn('set_config', [val('surety.tenant'), val('x'), val(false)]).as('x')),
        ),
    ],
    [
      'a function that runs text',
      'FUNCTION',
      () =>
        compile(
          db.selectNoFrom(({ fn, val }) =>
            fn('query_to_xml', [val('select 1'), val(true), val(true), val('')]).as('x'),
          ),
        ),
    ],
    [
      'a function that waits',
      'FUNCTION',
      () =>
        compile(
          db
            .selectFrom('heartbeats')
            .select('id')
            .where(({ fn, val, eb }) => eb(fn('pg_sleep', [val(10)]), 'is not', null)),
        ),
    ],
    [
      'a function with a schema',
      'FUNCTION',
      () => compile(db.selectNoFrom(({ fn }) => fn('pg_catalog.version').as('x'))),
    ],
    [
      'SQL in a function’s name',
      'FUNCTION',
      () => compile(db.selectNoFrom(({ fn }) => fn('lower(version()) || lower').as('x'))),
    ],
    [
      'an upper-case function name',
      'FUNCTION',
      () => compile(db.selectNoFrom(({ fn }) => fn('PG_SLEEP').as('x'))),
    ],
    [
      'SQL in an aggregate’s name',
      'FUNCTION',
      () => compile(db.selectFrom('heartbeats').select(({ fn }) => fn.agg('count(*), max', ['id']).as('x'))),
    ],
    [
      'an aggregate that is not listed',
      'FUNCTION',
      () => compile(db.selectFrom('heartbeats').select(({ fn }) => fn.agg('xmlagg', ['language']).as('x'))),
    ],
    [
      'an operator that is not listed',
      'FUNCTION',
      () =>
        compile(
          db
            .selectFrom('heartbeats')
            .select('id')
            .where('language', '~' as never, '(a+)+$'),
        ),
    ],
    [
      'a cast to a catalog type',
      'FUNCTION',
      () => compile(loose.selectNoFrom((eb: Loose) => castTo(eb, 'regclass').as('x'))),
    ],
    [
      'SQL in a type’s name',
      'FUNCTION',
      () => compile(loose.selectNoFrom((eb: Loose) => castTo(eb, 'text) from pg_authid--').as('x'))),
    ],
  ])('refuses %s', (_what, codes, build) => {
    expect(verdict(codes, build)).toBe('refused')
  })
})

function castTo(eb: Loose, type: string): Loose {
  const built = eb.cast(eb.val('x'), 'text')
  const node = { ...built.toOperationNode(), dataType: { kind: 'DataTypeNode', dataType: type } }
  return {
    ...built,
    expressionType: undefined,
    toOperationNode: () => node,
    as: (alias: string) => ({
      expression: built,
      alias,
      isSelectable: true,
      toOperationNode: () => ({ kind: 'AliasNode', node, alias: { kind: 'IdentifierNode', name: alias } }),
    }),
  }
}
