import { sql, type Kysely } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createPseudonym } from '../kernel/index.ts'
import type { AuditTrail } from './audit-trail.ts'
import { MOST_OPERATOR_ROWS } from './plan/operator.ts'
import { WITHOUT_PREDICATES } from './store.ts'
import {
  heartbeatOf,
  openTestStore,
  testResources,
  user,
  type TestStore,
  type TestTables,
} from './testing.ts'
import { createTestGate, grantFor, operator } from './testing/operators.ts'
import { populate, SECRET, type World } from './testing/world.ts'

/** Builders as careless or hostile code would use them: without their types. */
type Loose = any // oxlint-disable-line typescript/no-explicit-any -- the point of these queries is that no type stops them

const trail: AuditTrail = {
  async statement(changes) {
    return { sql: 'insert into app.trail values ($1)', parameters: [JSON.stringify(changes)] }
  },
  committed: () => undefined,
  refused: () => undefined,
}
const gate = createTestGate()
let context: TestStore
let world: World
let db: Kysely<TestTables>

async function open(): Promise<TestStore> {
  const opened = await openTestStore()
  await opened.database.owner.query('create table app.trail (changes jsonb not null)')
  await opened.database.owner.query('grant insert on app.trail to surety_app')
  return opened
}

beforeAll(async () => {
  context = await open()
  world = await populate(context)
  db = context.reopen({ operators: gate, trail }).as(operator).db
})
afterAll(() => context.close())
beforeEach(() => {
  gate.recorded.length = 0
  gate.beforeRecord = () => undefined
  gate.grant = grantFor({ tenant: world.stranger.tenant, subject: world.stranger.id })
})

const refusal = (code: string) => ({ code })

describe('an operator', () => {
  test('reaches nothing without a grant, and nothing in a store without a gate', async () => {
    gate.grant = null
    await expect(db.selectFrom('heartbeats').select('id').execute()).rejects.toMatchObject(
      refusal('ERR_ACCESS_GRANT_TIME'),
    )
    const plain = context.store.as(operator).db
    await expect(async () => plain.selectFrom('heartbeats').select('id').execute()).rejects.toMatchObject(
      refusal('ERR_STORE_FORBIDDEN'),
    )
    expect(gate.recorded).toEqual([])
  })

  test('reads the granted person’s rows, opened, and each is recorded with its owner', async () => {
    const rows = await db.selectFrom('heartbeats').select(['entity', 'language as spoken']).execute()
    expect(rows).toEqual([{ entity: SECRET, spoken: SECRET }])
    const [access, ...others] = gate.recorded
    expect(others).toEqual([])
    expect(access).toMatchObject({ action: 'select', operator: { id: operator.id, grant: gate.grant!.id } })
    expect(access!.accessed).toEqual([
      {
        resource: 'heartbeats',
        rows: [{ id: expect.any(String), tenant: world.stranger.tenant, subjects: [world.stranger.id] }],
      },
    ])
    expect(world.foreign).toContain(access!.accessed[0]!.rows[0]!.id)
  })

  test('that finds nothing is recorded, too', async () => {
    expect(await db.selectFrom('heartbeats').select('id').where('seconds', '<', 0).execute()).toEqual([])
    expect(gate.recorded.map(({ accessed }) => accessed)).toEqual([[{ resource: 'heartbeats', rows: [] }]])
  })

  test('whose statement fails in the database is recorded: a failure can tell of rows', async () => {
    const loose = db as Loose
    const oracle = loose
      .selectFrom('heartbeats')
      .select((eb: Loose) => eb(eb.lit(1), '/', eb.parens('seconds', '-', 987_654)).as('n'))
    await expect(oracle.execute()).rejects.toMatchObject(refusal('ERR_STORE_VALUE'))
    expect(gate.recorded.map(({ accessed }) => accessed)).toEqual([[{ resource: 'heartbeats', rows: [] }]])
  })

  test('with a tenant’s grant reads that tenant and no other', async () => {
    gate.grant = grantFor({ tenant: world.attacker.tenant, subject: null })
    const rows = await db.selectFrom('heartbeats').selectAll().execute()
    expect(new Set(rows.map(({ personId }) => personId))).toEqual(
      new Set([world.attacker.id, world.colleague.id]),
    )
    expect(gate.recorded[0]!.accessed[0]!.rows).toHaveLength(2)
  })

  test('reaches people who are their own tenant by their own id', async () => {
    const ada = user(createPseudonym())
    await context.store
      .as(ada)
      .db.insertInto('people')
      .values({ personId: ada.id, email: 'a@x.example', locale: 'en' })
      .execute()
    gate.grant = grantFor(
      { tenant: null, subject: ada.id },
      { resources: { people: null, heartbeats: null } },
    )
    expect(await db.selectFrom('people').select('email').execute()).toEqual([{ email: 'a@x.example' }])
    await expect(db.selectFrom('heartbeats').select('id').execute()).rejects.toMatchObject(
      refusal('ERR_STORE_FORBIDDEN'),
    )
  })

  test('names no column and no resource beyond the grant’s', async () => {
    const scope = { tenant: world.stranger.tenant, subject: world.stranger.id }
    gate.grant = grantFor(scope, { resources: { heartbeats: ['language'] } })
    expect(await db.selectFrom('heartbeats').selectAll().execute()).toEqual([
      {
        id: expect.any(String),
        createdAt: expect.any(Date),
        personId: world.stranger.id,
        teamId: world.stranger.tenant,
        language: SECRET,
      },
    ])
    for (const query of [
      db.selectFrom('heartbeats').select('entity'),
      db.selectFrom('heartbeats').select('id').where('project', '=', 'mine'),
      db.selectFrom('heartbeats').select('id').orderBy('seconds'),
      db.selectFrom('heartbeats').select((eb) => eb.fn('lower', ['entity']).as('e')),
    ])
      await expect(query.execute()).rejects.toMatchObject(refusal('ERR_STORE_UNKNOWN_COLUMN'))
    await expect(db.selectFrom('notes').select('title').execute()).rejects.toMatchObject(
      refusal('ERR_STORE_FORBIDDEN'),
    )
  })

  test('joins only so that every row of each table is told', async () => {
    const joined = db
      .selectFrom('heartbeats as a')
      .leftJoin('heartbeats as b', (join) => join.onRef('a.id', '!=', 'b.id'))
      .select(['a.language as mine', 'b.language as other'])
    gate.grant = grantFor({ tenant: world.attacker.tenant, subject: null })
    expect(await joined.execute()).toHaveLength(2)
    const [rows] = gate.recorded[0]!.accessed.map((one) => one.rows.map(({ id }) => id))
    expect(new Set(rows).size).toBe(2)
  })
})

/** Each would look at rows without telling which. */
const LOSING: Record<string, (loose: Loose) => Loose> = {
  distinct: (q) => q.selectFrom('heartbeats').select('language').distinct(),
  'distinct on': (q) => q.selectFrom('heartbeats').select('language').distinctOn('language'),
  'group by': (q) => q.selectFrom('heartbeats').select('language').groupBy('language'),
  having: (q) => q.selectFrom('heartbeats').select('id').having('id', 'is not', null),
  'count(*)': (q) => q.selectFrom('heartbeats').select((eb: Loose) => eb.fn.countAll().as('n')),
  'an aggregate': (q) => q.selectFrom('heartbeats').select((eb: Loose) => eb.fn.max('seconds').as('n')),
  'a window function': (q) =>
    q.selectFrom('heartbeats').select((eb: Loose) =>
      eb.fn
        .agg('lag', ['seconds'])
        .over((o: Loose) => o.orderBy('id'))
        .as('n'),
    ),
  'a count over a window': (q) =>
    q.selectFrom('heartbeats').select((eb: Loose) => ['id', eb.fn.countAll().over().as('n')]),
  union: (q) => q.selectFrom('heartbeats').select('id').unionAll(q.selectFrom('heartbeats').select('id')),
  except: (q) => q.selectFrom('heartbeats').select('id').except(q.selectFrom('heartbeats').select('id')),
  'a CTE': (q) =>
    q
      .with('c', (c: Loose) => c.selectFrom('heartbeats').select('id'))
      .selectFrom('c')
      .select('id'),
  'a derived table': (q) =>
    q.selectFrom((eb: Loose) => eb.selectFrom('heartbeats').select('id').as('d')).select('d.id'),
  'a lateral join': (q) =>
    q
      .selectFrom('heartbeats as a')
      .innerJoinLateral(
        (eb: Loose) => eb.selectFrom('heartbeats as b').select('b.id').as('x'),
        (join: Loose) => join.onTrue(),
      )
      .select('a.id'),
  'a subquery in the condition': (q) =>
    q.selectFrom('heartbeats').select('id').where('id', 'in', q.selectFrom('heartbeats').select('id')),
  exists: (q) =>
    q
      .selectFrom('heartbeats')
      .select('id')
      .where(({ exists, selectFrom }: Loose) => exists(selectFrom('heartbeats').select('id'))),
  'a selected subquery': (q) =>
    q
      .selectFrom('heartbeats')
      .select((eb: Loose) => eb.selectFrom('heartbeats').select('language').limit(1).as('n')),
  'a subquery in the order': (q) =>
    q.selectFrom('heartbeats').select('id').orderBy(q.selectFrom('heartbeats').select('language').limit(1)),
  'an update chosen by a subquery': (q) =>
    q
      .updateTable('heartbeats')
      .set({ seconds: 1 })
      .where('id', 'in', q.selectFrom('heartbeats').select('id')),
  'a delete with another table': (q) =>
    q.deleteFrom('heartbeats').using('heartbeats as o').whereRef('o.id', '=', 'heartbeats.id'),
  'an upsert': (q) =>
    q
      .insertInto('heartbeats')
      .values(heartbeatOf(world.stranger))
      .onConflict((oc: Loose) => oc.doNothing()),
}

describe('an operator’s statement that loses the ids of rows is refused:', () => {
  test.each(Object.entries(LOSING))('%s', async (_name, build) => {
    const scope = { tenant: world.stranger.tenant, subject: world.stranger.id }
    gate.grant = grantFor(scope, { actions: ['read', 'write', 'delete'] })
    await expect(build(db).execute()).rejects.toMatchObject(refusal('ERR_STORE_OPERATOR'))
    expect(gate.recorded).toEqual([])
  })

  test('raw SQL, streams and whole-Kysely escapes, as for everybody', async () => {
    const loose = db as Loose
    const selected = db.selectFrom('heartbeats').select('id')
    await expect(selected.select(sql`1`.as('n')).execute()).rejects.toMatchObject(refusal('ERR_STORE_RAW'))
    await expect(sql`select 1`.execute(db)).rejects.toMatchObject(refusal('ERR_STORE_RAW'))
    await expect(selected.stream().next()).rejects.toMatchObject(refusal('ERR_STORE_NOT_OFFERED'))
    await expect(selected.explain()).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_STORE_/) })
    await expect(async () => loose.introspection.getTables()).rejects.toMatchObject(
      refusal('ERR_STORE_NOT_OFFERED'),
    )
    await expect(
      loose
        .withoutPlugins()
        .selectFrom('heartbeats')
        .select((eb: Loose) => eb.fn.countAll().as('n'))
        .execute(),
    ).rejects.toMatchObject(refusal('ERR_STORE_OPERATOR'))
  })

  test('a compiled query with SQL of another’s making runs as its tree says', async () => {
    const compiled = db.selectFrom('heartbeats').select('id').compile()
    const forged = { ...compiled, sql: 'select id from app.heartbeats', parameters: [] }
    expect(await db.executeQuery(forged).then(({ rows }) => rows)).toHaveLength(1)
    expect(gate.recorded).toHaveLength(1)
  })
})

describe('no log, no data:', () => {
  test('where the record fails no row is released', async () => {
    gate.beforeRecord = () => Promise.reject(new RangeError('the log is locked'))
    await expect(db.selectFrom('heartbeats').select('entity').execute()).rejects.toMatchObject(
      refusal('ERR_STORE_UNRECORDED'),
    )
  })

  test('rows wait for the record', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    gate.beforeRecord = () => promise
    let released = false
    const reading = db
      .selectFrom('heartbeats')
      .select('entity')
      .execute()
      .then((rows) => ((released = true), rows))
    await new Promise((done) => setTimeout(done, 150))
    expect(released).toBe(false)
    resolve()
    expect(await reading).toHaveLength(1)
  })

  test('a grant that ends while the statement runs releases nothing', async () => {
    const { check } = gate
    let checks = 0
    const ending = {
      ...gate,
      check: (who: typeof operator) => (++checks === 2 ? ((gate.grant = null), check(who)) : check(who)),
    }
    const late = context.reopen({ operators: ending, trail }).as(operator).db
    await expect(late.selectFrom('heartbeats').select('entity').execute()).rejects.toMatchObject(
      refusal('ERR_ACCESS_GRANT_TIME'),
    )
    expect(gate.recorded.map(({ accessed }) => accessed[0]!.rows)).toEqual([[]])
  })

  test('a caller’s transaction that rolls back keeps the record', async () => {
    const transaction = await db.startTransaction().execute()
    expect(await transaction.selectFrom('heartbeats').select('id').execute()).toHaveLength(1)
    await transaction.rollback().execute()
    expect(gate.recorded).toHaveLength(1)
  })

  test('more rows than can be held back are refused, and a limit is kept', async () => {
    const many = user(createPseudonym())
    const one = heartbeatOf(many) as object
    for (let left = MOST_OPERATOR_ROWS + 1; left > 0; left -= 1000) {
      const rows = Array.from({ length: Math.min(left, 1000) }, () => ({ ...one }))
      await context.store
        .as(many)
        .db.insertInto('heartbeats')
        .values(rows as never)
        .execute()
    }
    gate.grant = grantFor({ tenant: many.tenant, subject: many.id })
    await expect(db.selectFrom('heartbeats').select('id').execute()).rejects.toMatchObject(
      refusal('ERR_STORE_OPERATOR'),
    )
    expect(await db.selectFrom('heartbeats').select('id').limit(3).execute()).toHaveLength(3)
    expect(gate.recorded.at(-1)!.accessed[0]!.rows).toHaveLength(3)
  })
})

describe('an operator changes', () => {
  const set = { entity: 'mended' }

  test('nothing with a grant that only reads', async () => {
    for (const query of [
      db.updateTable('heartbeats').set(set),
      db.deleteFrom('heartbeats'),
      db.insertInto('heartbeats').values(heartbeatOf(world.stranger)),
    ])
      await expect(query.execute()).rejects.toMatchObject(refusal('ERR_STORE_FORBIDDEN'))
    await expect(db.selectFrom('heartbeats').select('id').forUpdate().execute()).rejects.toMatchObject(
      refusal('ERR_STORE_FORBIDDEN'),
    )
  })

  test('what the grant says, recorded before it is committed', async () => {
    const { stranger } = world
    gate.grant = grantFor({ tenant: stranger.tenant, subject: stranger.id }, { actions: ['read', 'write'] })
    gate.beforeRecord = () => Promise.reject(new RangeError('the log is locked'))
    await expect(db.updateTable('heartbeats').set(set).execute()).rejects.toMatchObject(
      refusal('ERR_STORE_UNRECORDED'),
    )
    const read = () => context.store.as(stranger).db.selectFrom('heartbeats').select('entity').execute()
    expect(await read()).toEqual([{ entity: SECRET }])
    gate.beforeRecord = () => undefined
    const [result] = await db.updateTable('heartbeats').set(set).execute()
    expect(result?.numUpdatedRows).toBe(1n)
    expect(await read()).toEqual([{ entity: 'mended' }])
    expect(gate.recorded.at(-1)).toMatchObject({
      action: 'update',
      accessed: [{ rows: [{ subjects: [stranger.id] }] }],
    })
    await db.updateTable('heartbeats').set({ entity: SECRET }).execute()
    await expect(db.deleteFrom('heartbeats').execute()).rejects.toMatchObject(refusal('ERR_STORE_FORBIDDEN'))
  })

  test('nothing where changes are not audited', async () => {
    gate.grant = grantFor(
      { tenant: world.stranger.tenant, subject: world.stranger.id },
      { actions: ['read', 'write'] },
    )
    const unaudited = context.reopen({ operators: gate }).as(operator).db
    await expect(unaudited.updateTable('heartbeats').set(set).execute()).rejects.toMatchObject(
      refusal('ERR_STORE_UNRECORDED'),
    )
  })
})

describe.each([
  { guards: 'both guards', predicates: true, rows: true },
  { guards: 'the predicates alone', predicates: true, rows: false },
  { guards: 'row-level security alone', predicates: false, rows: true },
  { guards: 'no guard', predicates: false, rows: false },
])('the scope of a grant, under $guards', ({ predicates, rows }) => {
  let own: TestStore
  let there: World
  beforeAll(async () => {
    own = await open()
    there = await populate(own)
    if (rows) return
    for (const { name } of Object.values(testResources))
      await own.database.owner.query(`alter table app.${name} disable row level security`)
    await own.database.owner.query('alter table surety.data_keys disable row level security')
  })
  afterAll(() => own.close())

  const holds = predicates || rows
  test(holds ? 'holds' : 'falls', async () => {
    const options = { operators: gate, trail, ...(predicates ? {} : { [WITHOUT_PREDICATES]: true as const }) }
    const reader = own.reopen(options).as(operator).db
    gate.grant = grantFor({ tenant: there.attacker.tenant, subject: there.attacker.id })
    const seen = await reader.selectFrom('heartbeats').select('personId').execute()
    expect(seen.some(({ personId }) => personId !== there.attacker.id)).toBe(!holds)
    gate.grant = grantFor({ tenant: there.attacker.tenant, subject: null })
    const team = await reader.selectFrom('heartbeats').select('teamId').execute()
    expect(team.some(({ teamId }) => teamId !== there.attacker.tenant)).toBe(!holds)
  })
})
