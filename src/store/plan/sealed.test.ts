import { describe, expect, test } from 'vitest'
import {
  compile,
  db,
  everywhere,
  loose,
  refusalOf,
  verdict,
  type Loose,
  type Refusal,
} from '../testing/refusals.ts'

describe('sealed fields', () => {
  test.each<Refusal>([
    [
      'a sealed field in an expression',
      'SEALED_EXPRESSION',
      () => compile(db.selectFrom('heartbeats').select(({ fn }) => fn('lower', ['entity']).as('x'))),
    ],
    [
      'a sealed field compared without an index',
      'SEALED_EXPRESSION',
      () => compile(db.selectFrom('heartbeats').select('id').where('entity', '=', 'x')),
    ],
    [
      'a sealed field tested for null without an index',
      'SEALED_EXPRESSION',
      () => compile(db.selectFrom('heartbeats').select('id').where('entity', 'is', null)),
    ],
    [
      'an indexed field compared by order',
      'SEALED_EXPRESSION',
      () => compile(db.selectFrom('heartbeats').select('id').where('project', '>', 'x')),
    ],
    [
      'an indexed field compared by pattern',
      'SEALED_EXPRESSION',
      () => compile(db.selectFrom('heartbeats').select('id').where('project', 'like', 'x%')),
    ],
    [
      'an indexed field compared with another field',
      'SEALED_EXPRESSION',
      () => compile(db.selectFrom('heartbeats').select('id').whereRef('project', '=', 'branch')),
    ],
    [
      'an indexed field compared with a clear one',
      'SEALED_EXPRESSION',
      () => compile(db.selectFrom('heartbeats').select('id').whereRef('project', '=', 'language')),
    ],
    [
      'a clear field compared with a sealed one',
      'SEALED_EXPRESSION',
      () => compile(db.selectFrom('heartbeats').select('id').whereRef('language', '=', 'project')),
    ],
    [
      'an indexed field compared with an expression',
      'SEALED_EXPRESSION',
      () =>
        compile(
          db
            .selectFrom('heartbeats')
            .select('id')
            .where((eb) => eb('project', '=', eb.fn<string>('lower', ['language']))),
        ),
    ],
    [
      'an indexed field compared with a subquery',
      'SEALED_EXPRESSION',
      () =>
        compile(
          db
            .selectFrom('heartbeats')
            .select('id')
            .where('project', 'in', (eb) => eb.selectFrom('heartbeats').select('project')),
        ),
    ],
    [
      'a sealed field in a scalar subquery',
      'SEALED_EXPRESSION',
      () =>
        compile(
          db
            .selectFrom('rates')
            .select((eb) => eb.selectFrom('heartbeats').select('entity').limit(1).as('x')),
        ),
    ],
    [
      'ordering by a sealed field',
      'SEALED_EXPRESSION',
      () => compile(db.selectFrom('heartbeats').select('project').orderBy('project')),
    ],
    [
      'ordering by the alias of a sealed field',
      'SEALED_EXPRESSION',
      () => compile(db.selectFrom('heartbeats').select('project as p').orderBy('p')),
    ],
    [
      'distinct sealed fields',
      'SEALED_EXPRESSION',
      () => compile(db.selectFrom('heartbeats').select('project').distinct()),
    ],
    [
      'grouping by a field without an index',
      'SEALED_EXPRESSION',
      () => compile(db.selectFrom('heartbeats').select('entity').groupBy('entity')),
    ],
    [
      'a sealed field that is not grouped by',
      'SEALED_EXPRESSION',
      () => compile(db.selectFrom('heartbeats').select(['language', 'entity']).groupBy('language')),
    ],
    [
      'another sealed field than the one grouped by',
      'SEALED_EXPRESSION',
      () => compile(db.selectFrom('heartbeats').select(['project', 'branch']).groupBy('project')),
    ],
    [
      'the greatest sealed value',
      'SEALED_EXPRESSION',
      () => compile(db.selectFrom('heartbeats').select(({ fn }) => fn.max('project').as('x'))),
    ],
    [
      'a union without duplicates of sealed fields',
      'SEALED_EXPRESSION',
      () =>
        compile(
          db
            .selectFrom('heartbeats')
            .select('project')
            .union((eb) => eb.selectFrom('heartbeats').select('project')),
        ),
    ],
    [
      'a union of two different sealed fields',
      'SEALED_EXPRESSION',
      () =>
        compile(
          db
            .selectFrom('heartbeats')
            .select('project')
            .unionAll((eb) => eb.selectFrom('heartbeats').select('branch as project')),
        ),
    ],
    [
      'a union of a sealed and a clear field',
      'SEALED_EXPRESSION',
      () =>
        compile(
          db
            .selectFrom('heartbeats')
            .select('language')
            .unionAll((eb) => eb.selectFrom('heartbeats').select('project as language')),
        ),
    ],
    [
      'a sealed field cast',
      'SEALED_EXPRESSION',
      () => compile(db.selectFrom('heartbeats').select((eb) => eb.cast('project', 'text').as('x'))),
    ],
    [
      'a path into a sealed field',
      'SEALED_EXPRESSION',
      () =>
        compile(
          loose.selectFrom('heartbeats').select((eb: Loose) => eb.ref('project', '->>').key('a').as('x')),
        ),
    ],
    [
      'a sealed field compared with an object',
      'VALUE',
      () => compile(loose.selectFrom('heartbeats').select('id').where('project', '=', { a: 1 })),
    ],
  ])('refuses %s', (_what, codes, build) => {
    expect(verdict(codes, build)).toBe('refused')
  })
})

test('refuses a tenant’s index across tenants', () => {
  expect(
    refusalOf(() => everywhere.selectFrom('heartbeats').select('id').where('project', '=', 'x').compile()),
  ).toBe('ERR_STORE_BLIND_SCOPE')
  expect(
    refusalOf(() => everywhere.selectFrom('heartbeats').select('project').groupBy('project').compile()),
  ).toBe('ERR_STORE_BLIND_SCOPE')
  expect(
    refusalOf(() => everywhere.selectFrom('people').select('id').where('email', '=', 'x').compile()),
  ).toMatchObject({ sql: expect.any(String) })
})

describe('the clear columns that open an envelope', () => {
  const fetched = (query: Loose, column: string): number =>
    (query.compile() as { sql: string }).sql.split(' from (')[0]!.split(`"${column}"`).length - 1
  const listed = loose.selectFrom('heartbeats').select(['language', 'time as at', 'entity'])

  test('come once where they are selected anyway, under whatever name', () => {
    for (const column of ['language', 'time', 'createdAt']) expect(fetched(listed, column)).toBe(1)
  })

  test('come beside what only has their name', () => {
    const renamed = loose.selectFrom('heartbeats').select(['createdAt as time', 'entity'])
    expect(fetched(renamed, 'createdAt')).toBe(1)
    expect(fetched(renamed, 'time')).toBe(2)
  })

  test('come by themselves where rows of several selects must line up', () => {
    const other = loose.selectFrom('heartbeats').select(['language', 'createdAt as at', 'entity'])
    expect(fetched(listed.unionAll(other), 'time')).toBe(2)
    expect(fetched(listed.unionAll(other), 'language')).toBe(2)
  })
})
