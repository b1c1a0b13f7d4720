import type { RootOperationNode } from 'kysely'
import { describe, expect, test } from 'vitest'
import { createPseudonym } from '../../kernel/index.ts'
import { planStatement } from './plan.ts'
import {
  compile,
  db,
  everywhere,
  loose,
  policy,
  refusalOf,
  verdict,
  type Loose,
  type Refusal,
} from '../testing/refusals.ts'

describe('statements and clauses', () => {
  test.each<Refusal>([
    [
      'a recursive CTE',
      'UNSUPPORTED',
      () =>
        compile(
          loose
            .withRecursive('c', (qb: Loose) =>
              qb.selectFrom('rates').select('id').unionAll(qb.selectFrom('c').select('id')),
            )
            .selectFrom('c')
            .selectAll(),
        ),
    ],
    [
      'a CTE that inserts',
      'UNSUPPORTED',
      () =>
        compile(
          loose
            .with('c', (qb: Loose) => qb.insertInto('notes').values({ title: 'x', rank: 1 }).returning('id'))
            .selectFrom('c')
            .selectAll(),
        ),
    ],
    [
      'a CTE that deletes',
      'UNSUPPORTED',
      () =>
        compile(
          db
            .with('c', (qb) => qb.deleteFrom('notes').returning('id'))
            .selectFrom('c')
            .selectAll(),
        ),
    ],
    [
      'a CTE that updates',
      'UNSUPPORTED',
      () =>
        compile(
          db
            .with('c', (qb) => qb.updateTable('notes').set({ rank: 1 }).returning('id'))
            .selectFrom('c')
            .selectAll(),
        ),
    ],
    [
      'merge',
      'UNSUPPORTED',
      () => compile(db.mergeInto('notes').using('rates', 'rates.id', 'notes.id').whenMatched().thenDelete()),
    ],
    [
      'insert from a select',
      'UNSUPPORTED',
      () =>
        compile(
          db
            .insertInto('notes')
            .columns(['teamId', 'title', 'rank'])
            .expression((eb) => eb.selectFrom('notes').select(['teamId', 'title', 'rank'])),
        ),
    ],
    ['insert of default values', 'UNSUPPORTED', () => compile(db.insertInto('notes').defaultValues())],
    [
      'insert of a subquery',
      'UNSUPPORTED',
      () =>
        compile(
          loose
            .insertInto('notes')
            .values((eb: Loose) => ({ title: eb.selectFrom('notes').select('title').limit(1), rank: 1 })),
        ),
    ],
    ['replace', 'UNSUPPORTED', () => compile(loose.replaceInto('notes').values({ title: 'x', rank: 1 }))],
    [
      'on duplicate key',
      'UNSUPPORTED',
      () =>
        compile(loose.insertInto('notes').values({ title: 'x', rank: 1 }).onDuplicateKeyUpdate({ rank: 2 })),
    ],
    [
      'insert or ignore',
      'UNSUPPORTED',
      () => compile(loose.insertInto('notes').orIgnore().values({ title: 'x', rank: 1 })),
    ],
    [
      'a conflict on a constraint by name',
      'UNSUPPORTED',
      () =>
        compile(
          loose
            .insertInto('notes')
            .values({ title: 'x', rank: 1 })
            .onConflict((oc: Loose) => oc.constraint('notes_pkey').doNothing()),
        ),
    ],
    [
      'a conflict that changes the owner',
      'OWNER_FIXED',
      () =>
        compile(
          loose
            .insertInto('notes')
            .values({ title: 'x', rank: 1 })
            .onConflict((oc: Loose) => oc.column('id').doUpdateSet({ teamId: createPseudonym() })),
        ),
    ],
    [
      'a conflict on sealed rows that no declared unique set can meet',
      'UPSERT_SEALED',
      () =>
        compile(
          loose
            .insertInto('heartbeats')
            .values({ entity: 'x', time: new Date(0) })
            .onConflict((oc: Loose) => oc.column('language').doUpdateSet({ language: 'x' })),
        ),
    ],
    [
      'an update of sealed rows from another table',
      'UNSUPPORTED',
      () => compile(db.updateTable('heartbeats').from('rates').set({ language: 'x' })),
    ],
    [
      'an update of the id',
      'READONLY',
      () => compile(loose.updateTable('notes').set({ id: createPseudonym() })),
    ],
    [
      'an update of the envelope',
      'READONLY',
      () => compile(loose.updateTable('heartbeats').set({ _envelope: Buffer.alloc(1) })),
    ],
    ['explain', 'UNSUPPORTED', () => planStatement(policy, explained())],
    [
      'row locks of a derived table',
      'UNSUPPORTED',
      () =>
        compile(
          db
            .selectFrom((eb) => eb.selectFrom('heartbeats').selectAll().as('d'))
            .select('d.id')
            .forUpdate(),
        ),
    ],
    [
      'a limit that is an expression',
      'UNSUPPORTED',
      () =>
        compile(
          db
            .selectFrom('rates')
            .select('id')
            .limit((eb: Loose) => eb.selectFrom('heartbeats').select('seconds')),
        ),
    ],
    [
      'a limit that is no number',
      'VALUE',
      () => compile(loose.selectFrom('rates').select('id').limit('1; drop')),
    ],
    ['fetch', 'UNSUPPORTED', () => compile(db.selectFrom('rates').select('id').fetch(1))],
    ['top', 'UNSUPPORTED', () => compile(db.selectFrom('rates').select('id').top(1))],
    [
      'a collation',
      'UNSUPPORTED',
      () =>
        compile(
          db
            .selectFrom('rates')
            .select('id')
            .orderBy('currency', (ob) => ob.collate('C')),
        ),
    ],
    ['creating a table', 'UNSUPPORTED', () => compile(db.schema.createTable('x').addColumn('a', 'text'))],
    ['dropping a table', 'UNSUPPORTED', () => compile(db.schema.dropTable('heartbeats'))],
    [
      'altering a table',
      'UNSUPPORTED',
      () => compile(db.schema.alterTable('heartbeats').dropColumn('language')),
    ],
    ['introspection', 'NOT_OFFERED', () => db.introspection],
    ['introspection without plugins', 'NOT_OFFERED', () => db.withoutPlugins().introspection],
  ])('refuses %s', (_what, codes, build) => {
    expect(verdict(codes, build)).toBe('refused')
  })
})

test('refuses more parameters than Postgres takes', () => {
  const among = (count: number) =>
    everywhere.selectFrom('rates').select('id').where('currency', 'in', Array<string>(count).fill('EUR'))
  expect(among(65_535).compile().parameters).toHaveLength(65_535)
  expect(refusalOf(() => among(65_536).compile())).toBe('ERR_STORE_TOO_LARGE')
})

test('inserts any number of rows by one text', () => {
  const insert = (count: number) =>
    everywhere
      .insertInto('rates')
      .values(Array(count).fill({ currency: 'EUR', value: 1 }))
      .compile()
  expect(insert(20_000).sql).toBe(insert(1).sql)
  expect(insert(20_000).parameters).toHaveLength(4)
})

test('refuses streaming and destroying', async () => {
  await expect(db.destroy()).rejects.toMatchObject({ code: 'ERR_STORE_NOT_OFFERED' })
  await expect(db.selectFrom('rates').selectAll().stream().next()).rejects.toThrow()
})

function explained(): RootOperationNode {
  return {
    ...db.selectFrom('rates').select('id').toOperationNode(),
    explain: { kind: 'ExplainNode' },
  } as RootOperationNode
}
