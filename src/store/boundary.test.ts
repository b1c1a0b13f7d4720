import { sql, type Kysely } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createPseudonym, SuretyError } from '../kernel/index.ts'
import { WITHOUT_PREDICATES } from './store.ts'
import { openTestStore, user, type TestStore, type TestTables } from './testing.ts'
import { populate, SECRET, type World } from './testing/world.ts'

let context: TestStore
let world: World
beforeAll(async () => {
  context = await openTestStore()
  world = await populate(context)
})
afterAll(() => context.close())

type Attack = (db: Kysely<TestTables>) => Promise<unknown>

describe('permissions', () => {
  const forbidden: [string, Parameters<typeof user>[1], Attack][] = [
    ['read a resource without permission', 'reader', (db) => db.selectFrom('notes').selectAll().execute()],
    [
      'read it in a join',
      'reader',
      (db) =>
        db
          .selectFrom('heartbeats')
          .innerJoin('notes', 'notes.teamId', 'heartbeats.teamId')
          .select('heartbeats.id')
          .execute(),
    ],
    [
      'read it in a subquery',
      'reader',
      (db) =>
        db
          .selectFrom('heartbeats')
          .select('id')
          .where('teamId', 'in', (eb) => eb.selectFrom('notes').select('teamId'))
          .execute(),
    ],
    [
      'read it in a CTE that nothing uses',
      'reader',
      (db) =>
        db
          .with('n', (qb) => qb.selectFrom('notes').select('id'))
          .selectFrom('heartbeats')
          .select('id')
          .execute(),
    ],
    [
      'write with permission to read',
      'reader',
      (db) => db.updateTable('heartbeats').set({ language: 'x' }).execute(),
    ],
    [
      'insert with permission to read',
      'reader',
      (db) =>
        db
          .insertInto('heartbeats')
          .values({} as never)
          .execute(),
    ],
    ['delete with permission to read', 'reader', (db) => db.deleteFrom('heartbeats').execute()],
    [
      'lock with permission to read',
      'reader',
      (db) => db.selectFrom('heartbeats').select('id').forUpdate().execute(),
    ],
    [
      'read as anonymous what only members may',
      'anonymous',
      (db) => db.selectFrom('heartbeats').select('id').execute(),
    ],
  ]
  test.each(forbidden)('refuse to %s', async (_what, role, attack) => {
    const { db } = context.store.as(user(createPseudonym(), role))
    await expect(attack(db)).rejects.toMatchObject({ code: 'ERR_STORE_FORBIDDEN' })
  })

  test('refuse an operator everything', () => {
    const { db } = context.store.as({
      kind: 'operator',
      id: createPseudonym(),
      tenant: null,
      roles: ['administrator'],
      grant: 'x',
    })
    expect(() => db.selectFrom('rates').selectAll().compile()).toThrow(
      expect.objectContaining({ code: 'ERR_STORE_FORBIDDEN' }),
    )
  })

  test('show a team’s rows to its administrator, sealed fields included, and no other team’s', async () => {
    const { attacker, colleague, stranger } = world
    const { db } = context.store.as(user(attacker.tenant!, 'administrator'))
    const rows = await db.selectFrom('heartbeats').select(['personId', 'entity', 'project']).execute()
    expect(new Set(rows.map(({ personId }) => personId))).toEqual(new Set([attacker.id, colleague.id]))
    expect(rows.map(({ entity }) => entity)).toContain(SECRET)
    expect(
      await db
        .selectFrom('heartbeats')
        .select(['project', ({ fn }) => fn.countAll().as('n')])
        .groupBy('project')
        .execute(),
    ).toEqual([{ project: 'mine', n: 2 }])
    expect(
      await db.selectFrom('heartbeats').select('id').where('personId', '=', stranger.id).execute(),
    ).toEqual([])
  })
})

describe('what does not come from the governed builder', () => {
  test('a query compiled for another principal is planned anew', async () => {
    const theirs = context.store.as(world.stranger).db.selectFrom('heartbeats').select('language').compile()
    const { rows } = await context.store.as(world.attacker).db.executeQuery(theirs)
    expect(rows).toEqual([{ language: 'TypeScript' }])
  })

  test('SQL text beside a harmless tree is not what runs', async () => {
    const { db } = context.store.as(world.attacker)
    const compiled = db.selectFrom('heartbeats').select('language').compile()
    const forged = { ...compiled, sql: 'select language from app.heartbeats', parameters: [] }
    expect((await db.executeQuery(forged)).rows).toEqual([{ language: 'TypeScript' }])
    const direct = db.getExecutor().provideConnection((connection) => connection.executeQuery(forged))
    expect((await direct).rows).toEqual([{ language: 'TypeScript' }])
  })

  test('raw SQL is refused in every way of running it', async () => {
    const { db } = context.store.as(world.attacker)
    const raw = sql`select language from app.heartbeats`
    const ways = [
      () => raw.execute(db),
      () => db.executeQuery(raw.compile(db)),
      () => db.withoutPlugins().executeQuery(raw.compile(db)),
      () => db.transaction().execute((trx) => raw.execute(trx)),
      () => db.connection().execute((held) => raw.execute(held)),
    ]
    for (const way of ways)
      await expect(Promise.resolve().then(way)).rejects.toMatchObject({ code: 'ERR_STORE_RAW' })
  })

  test('a plugin rewrites only what is governed afterwards', async () => {
    const { db } = context.store.as(world.attacker)
    const reading = (transform: (node: object) => object) =>
      db
        .withPlugin({
          transformQuery: ({ node }) => transform(node) as typeof node,
          transformResult: async ({ result }) => result,
        })
        .selectFrom('heartbeats')
        .select('language')
        .execute()
    expect(await reading(({ ...node }) => ({ ...node, where: undefined }))).toEqual([
      { language: 'TypeScript' },
    ])
    const table = sql`app.heartbeats`.toOperationNode()
    const rawTable = reading((node) => ({ ...node, from: { kind: 'FromNode', froms: [table] } }))
    await expect(rawTable).rejects.toMatchObject({ code: 'ERR_STORE_RAW' })
  })

  test('an upsert does not reach a foreign row that it conflicts with', async () => {
    await context.database.owner.query('create unique index notes_title on app.notes (title)')
    const admin = user(createPseudonym(), 'administrator')
    for (const store of [context.store, context.reopen({ [WITHOUT_PREDICATES]: true })]) {
      const upsert = store
        .as(admin)
        .db.insertInto('notes')
        .values({ teamId: admin.tenant!, title: SECRET, rank: 9 })
        .onConflict((oc) => oc.column('title').doUpdateSet({ rank: 9 }))
        .returningAll()
        .execute()
      const result: unknown = await upsert.catch((error: unknown) => error)
      expect(result instanceof SuretyError ? [] : result).toEqual([])
    }
    const { rows } = await context.ungoverned<{ rank: string }>(
      'select rank from app.notes where title = $1',
      [SECRET],
    )
    expect(rows.map(({ rank }) => Number(rank))).toEqual([1])
  })

  test('no error tells a value of a row', async () => {
    const { db } = context.store.as(world.attacker)
    const failing = db
      .selectFrom('heartbeats')
      .select((eb) => eb.cast('language', 'integer').as('x'))
      .execute()
    const error: unknown = await failing.catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(SuretyError)
    expect(error).toMatchObject({ code: 'ERR_STORE_VALUE', cause: { sqlstate: '22P02' } })
    expect(`${String(error)}${JSON.stringify(error)}${JSON.stringify((error as Error).cause)}`).not.toContain(
      'TypeScript',
    )
  })
})
