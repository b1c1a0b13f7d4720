import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemPrincipal, type Principal } from '../access/index.ts'
import { inTransaction } from '../database/index.ts'
import { createPseudonym } from '../kernel/index.ts'
import { WITHOUT_PREDICATES } from './store.ts'
import { openSharedStore, person, sharedResources, type SharedStore } from './testing/shared-rows.ts'
import type { Loose } from './testing/refusals.ts'

let context: SharedStore
beforeAll(async () => {
  context = await openSharedStore()
})
afterAll(() => context.close())

const newcomer = () => person(createPseudonym())
const as = (who: Principal) => context.store.as(who).db
const document = (who: Principal, slug: string, number: number, body = 'first') => ({
  personId: who.id,
  teamId: who.tenant!,
  slug,
  number,
  body,
  words: 1,
})
const bodies = async (who: Principal) =>
  as(who).selectFrom('documents').select(['slug', 'number', 'body', 'words']).orderBy('number').execute()

/** Inserts, or takes the new text. */
const save = (who: Principal, ...rows: ReturnType<typeof document>[]) =>
  as(who)
    .insertInto('documents')
    .values(rows)
    .onConflict((oc) => oc.column('slug').doUpdateSet((eb) => ({ body: eb.ref('excluded.body') })))

describe('an upsert of sealed rows', () => {
  test('inserts what is not there and reseals what is, and says which rows', async () => {
    const who = newcomer()
    await save(who, document(who, 'a', 1)).execute()
    const returned = await save(who, document(who, 'b', 2, 'new'), document(who, 'a', 9, 'second'))
      .returning(['slug', 'body', 'number'])
      .execute()
    expect(returned).toEqual([
      { slug: 'b', body: 'new', number: 2 },
      { slug: 'a', body: 'second', number: 1 },
    ])
    const result = await save(who, document(who, 'a', 1, 'third')).executeTakeFirstOrThrow()
    expect(result.numInsertedOrUpdatedRows).toBe(1n)
    expect(await bodies(who)).toEqual([
      { slug: 'a', number: 1, body: 'third', words: 1 },
      { slug: 'b', number: 2, body: 'new', words: 1 },
    ])
  })

  test('keeps the id and the time of receipt of the row that is there', async () => {
    const who = newcomer()
    const [first] = await save(who, document(who, 'a', 1))
      .returning(['id', 'createdAt'])
      .execute()
    context.clock.advance(1000)
    expect(
      await save(who, document(who, 'a', 1))
        .returning(['id', 'createdAt'])
        .execute(),
    ).toEqual([first])
  })

  test('takes literals, clear keys, the tenant beside the set, and a condition', async () => {
    const who = newcomer()
    const row = document(who, 'a', 7)
    const bump = (most: number) =>
      as(who)
        .insertInto('documents')
        .values(row)
        .onConflict((oc) =>
          oc.columns(['teamId', 'number']).doUpdateSet({ words: 5 }).where('documents.words', '<', most),
        )
        .executeTakeFirstOrThrow()
    expect((await bump(3)).numInsertedOrUpdatedRows).toBe(1n)
    expect((await bump(1)).numInsertedOrUpdatedRows).toBe(0n)
    expect(await bodies(who)).toMatchObject([{ words: 1 }])
    expect((await bump(3)).numInsertedOrUpdatedRows).toBe(1n)
    expect(await bodies(who)).toMatchObject([{ words: 5 }])
  })

  test('recomputes the blind index of a field that it changes', async () => {
    const who = newcomer()
    const db = as(who)
    await db
      .insertInto('documents')
      .values(document(who, 'old', 1))
      .execute()
    await db
      .insertInto('documents')
      .values(document(who, 'new', 1))
      .onConflict((oc) => oc.column('number').doUpdateSet((eb) => ({ slug: eb.ref('excluded.slug') })))
      .execute()
    const found = (slug: string) =>
      db.selectFrom('documents').select('slug').where('slug', '=', slug).execute()
    expect(await found('new')).toHaveLength(1)
    expect(await found('old')).toHaveLength(0)
  })

  test('does nothing where asked to', async () => {
    const who = newcomer()
    await save(who, document(who, 'a', 1)).execute()
    const nothing = await as(who)
      .insertInto('documents')
      .values([document(who, 'a', 2, 'other'), document(who, 'b', 3)])
      .onConflict((oc) => oc.column('slug').doNothing())
      .executeTakeFirstOrThrow()
    expect(nothing.numInsertedOrUpdatedRows).toBe(1n)
    expect(await bodies(who)).toMatchObject([{ body: 'first' }, { slug: 'b' }])
  })

  test('gives one row and one result each when many meet, and no deadlock', async () => {
    const who = newcomer()
    const slugs = ['a', 'b', 'c']
    const racing = Array.from({ length: 8 }, (_, i) => {
      const rows = slugs.map((slug, n) => document(who, slug, n, `writer ${i}`))
      return save(who, ...(i % 2 ? rows : rows.toReversed()))
        .returning('slug')
        .execute()
    })
    const settled = await Promise.allSettled(racing)
    const codes = settled.flatMap((one) => (one.status === 'rejected' ? [(one.reason as Loose).code] : []))
    expect(codes.filter((code) => code !== 'ERR_STORE_RETRY')).toEqual([])
    expect(codes.length).toBeLessThan(8)
    const stored = await bodies(who)
    expect(stored.map(({ slug }) => slug)).toEqual(slugs)
    expect(new Set(stored.map(({ body }) => body)).size).toBe(1)
  })

  test('waits for a transaction that inserts the same key, and updates its row', async () => {
    const who = newcomer()
    const inserting = await as(who).startTransaction().execute()
    await inserting
      .insertInto('documents')
      .values(document(who, 'a', 1))
      .execute()
    const waiting = save(who, document(who, 'a', 2, 'second')).execute()
    expect(await Promise.race([waiting, setTimeout(200, 'waits')])).toBe('waits')
    await inserting.commit().execute()
    await waiting
    expect(await bodies(who)).toEqual([{ slug: 'a', number: 1, body: 'second', words: 1 }])
  })

  test('undoes all of itself when one of its rows does not fit, in a transaction that goes on', async () => {
    const who = newcomer()
    await save(who, document(who, 'a', 1), document(who, 'b', 2)).execute()
    await as(who)
      .transaction()
      .execute(async (trx) => {
        const taken = trx
          .insertInto('documents')
          .values([document(who, 'c', 3), document(who, 'a', 9)])
          .onConflict((oc) => oc.column('slug').doUpdateSet({ number: 2 }))
        await expect(taken.execute()).rejects.toMatchObject({ code: 'ERR_STORE_CONFLICT' })
        await trx.updateTable('documents').set({ words: 9 }).where('slug', '=', 'b').execute()
      })
    expect(await bodies(who)).toMatchObject([
      { slug: 'a', words: 1 },
      { slug: 'b', words: 9 },
    ])
  })

  test('stays in the tenant: another one’s row with the same values does not exist for it', async () => {
    const [mine, theirs] = [newcomer(), newcomer()]
    await save(theirs, document(theirs, 'same', 1, 'theirs')).execute()
    for (const store of [context.store, context.reopen({ [WITHOUT_PREDICATES]: true })]) {
      const result = await store
        .as(mine)
        .db.insertInto('documents')
        .values(document(mine, 'same', 1, 'mine'))
        .onConflict((oc) => oc.column('slug').doUpdateSet({ words: 2 }))
        .returning(['body'])
        .execute()
      expect(result).toEqual([{ body: 'mine' }])
    }
    expect(await bodies(theirs)).toEqual([{ slug: 'same', number: 1, body: 'theirs', words: 1 }])
    expect(await bodies(mine)).toMatchObject([{ words: 2 }])
  })

  test('does not touch a colleague’s row, with either guard alone', async () => {
    const colleague = newcomer()
    const me = person(colleague.tenant!)
    await save(colleague, document(colleague, 'a', 1)).execute()
    for (const store of [context.store, context.reopen({ [WITHOUT_PREDICATES]: true })]) {
      const attempt = store
        .as(me)
        .db.insertInto('documents')
        .values(document(me, 'a', 2, 'mine'))
        .onConflict((oc) => oc.column('slug').doUpdateSet({ body: 'taken' }))
      await expect(attempt.execute()).rejects.toMatchObject({ code: 'ERR_STORE_CONFLICT' })
    }
    expect(await bodies(colleague)).toMatchObject([{ body: 'first' }])
  })

  test('serves a task that reaches every tenant, each row under its own tenant’s index', async () => {
    const [one, two] = [newcomer(), newcomer()]
    const task = as(systemPrincipal('tests', Object.keys(sharedResources)))
    const rows = [document(one, 'x', 1, 'one'), document(two, 'x', 1, 'two')]
    for (const body of ['once', 'twice'])
      await task
        .insertInto('documents')
        .values(rows.map((row) => ({ ...row, body: `${body} ${row.body}` })))
        .onConflict((oc) => oc.column('slug').doUpdateSet((eb) => ({ body: eb.ref('excluded.body') })))
        .execute()
    expect(await bodies(one)).toMatchObject([{ body: 'twice one' }])
    expect(await bodies(two)).toMatchObject([{ body: 'twice two' }])
  })

  test('refuses an erased subject, and stores nothing for it', async () => {
    const who = newcomer()
    await save(who, document(who, 'a', 1)).execute()
    await inTransaction(context.database.owner, (connection) =>
      context.keys.erase(connection, [{ tenant: who.tenant!, subject: who.id }]),
    )
    await expect(save(who, document(who, 'a', 1, 'again')).execute()).rejects.toMatchObject({
      code: 'ERR_KEYS_ERASED',
    })
    const { rowCount } = await context.ungoverned('select from app.documents where "personId" = $1', [who.id])
    expect(rowCount).toBe(1)
  })

  test('notices a clear column that was edited behind its back', async () => {
    const who = newcomer()
    await save(who, document(who, 'a', 1)).execute()
    await context.ungoverned('update app.documents set words = 900 where "personId" = $1', [who.id])
    await expect(save(who, document(who, 'a', 1, 'again')).execute()).rejects.toMatchObject({
      code: 'ERR_STORE_TAMPERED',
    })
  })

  const refused: [string, string, (db: Loose, row: object) => Loose][] = [
    [
      'a conflict without columns',
      'ERR_STORE_UPSERT_SEALED',
      (db, row) => db.values(row).onConflict((oc: Loose) => oc.doUpdateSet({ words: 2 })),
    ],
    [
      'a conflict on a set that is not declared unique',
      'ERR_STORE_UPSERT_SEALED',
      (db, row) =>
        db.values(row).onConflict((oc: Loose) => oc.columns(['slug', 'number']).doUpdateSet({ words: 2 })),
    ],
    [
      'an expression',
      'ERR_STORE_UNSUPPORTED',
      (db, row) =>
        db
          .values(row)
          .onConflict((oc: Loose) =>
            oc.column('slug').doUpdateSet((eb: Loose) => ({ words: eb('words', '+', 1) })),
          ),
    ],
    [
      'another field of the inserted row',
      'ERR_STORE_UNSUPPORTED',
      (db, row) =>
        db
          .values(row)
          .onConflict((oc: Loose) =>
            oc.column('slug').doUpdateSet((eb: Loose) => ({ words: eb.ref('excluded.number') })),
          ),
    ],
    [
      'a new owner',
      'ERR_STORE_OWNER_FIXED',
      (db, row) =>
        db
          .values(row)
          .onConflict((oc: Loose) =>
            oc.column('slug').doUpdateSet((eb: Loose) => ({ personId: eb.ref('excluded.personId') })),
          ),
    ],
    [
      'a condition on the inserted row',
      'ERR_STORE_UNKNOWN_COLUMN',
      (db, row) =>
        db
          .values(row)
          .onConflict((oc: Loose) =>
            oc.column('slug').doUpdateSet({ words: 2 }).where('excluded.words', '>', 1),
          ),
    ],
    [
      'a value that its field does not take',
      'ERR_VALUE_RANGE',
      (db, row) => db.values(row).onConflict((oc: Loose) => oc.column('slug').doUpdateSet({ words: 1001 })),
    ],
    [
      'two rows with one key',
      'ERR_STORE_VALUE',
      (db, row) =>
        db.values([row, row]).onConflict((oc: Loose) => oc.column('slug').doUpdateSet({ words: 2 })),
    ],
  ]
  test.each(refused)('refuses %s', async (_what, code, build) => {
    const who = newcomer()
    const run = async () => build(as(who).insertInto('documents'), document(who, 'a', 1)).execute()
    await expect(run()).rejects.toMatchObject({ code })
    expect(await bodies(who)).toEqual([])
  })

  test('asks for the permission to read as well as to write', async () => {
    const writer = context.reopen({ roles: { member: ['documents:write:own'] } })
    const who = newcomer()
    const run = async () =>
      writer
        .as(who)
        .db.insertInto('documents')
        .values(document(who, 'a', 1))
        .onConflict((oc) => oc.column('slug').doUpdateSet({ words: 2 }))
        .execute()
    await expect(run()).rejects.toMatchObject({ code: 'ERR_STORE_FORBIDDEN' })
  })
})
