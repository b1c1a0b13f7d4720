import fc from 'fast-check'
import type { Kysely } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Principal } from '../access/index.ts'
import { createPseudonym, SuretyError } from '../kernel/index.ts'
import { WITHOUT_PREDICATES } from './store.ts'
import type { Loose } from './testing/refusals.ts'
import {
  heartbeatOf,
  openTestStore,
  testResources,
  user,
  type TestStore,
  type TestTables,
} from './testing.ts'

/**
 * Queries of any shape, put together at random, with row-level security taken away: whatever is not
 * refused returns the asking person's rows and nothing else. Every row's `seconds` says whose it is.
 */
const MINE = 1
const FOREIGN = 1_000_000

let context: TestStore
let me: Principal
let db: Kysely<TestTables>
beforeAll(async () => {
  context = await openTestStore()
  me = user(createPseudonym())
  db = context.store.as(me).db
  for (const [person, seconds] of [
    [me, MINE],
    [user(me.tenant!), FOREIGN],
    [user(createPseudonym()), FOREIGN],
  ] as const) {
    const rows = ['apollo', 'gemini', null].map((project) => heartbeatOf(person, { seconds, project }))
    await context.store.as(person).db.insertInto('heartbeats').values(rows).execute()
  }
  for (const { name } of Object.values(testResources)) {
    await context.database.owner.query(`alter table app.${name} disable row level security`)
  }
})
afterAll(() => context.close())

/** How a table, subquery or CTE called `name` with a column `seconds` is put into the query. */
type Step = (query: Loose, name: string, source: (builder: Loose) => Loose) => Loose
const on = (join: Loose): Loose => join.onTrue()
const STEPS: readonly Step[] = [
  (query, name, source) => query.innerJoin((eb: Loose) => source(eb).as(name), on),
  (query, name, source) => query.leftJoin((eb: Loose) => source(eb).as(name), on),
  (query, name, source) => query.rightJoin((eb: Loose) => source(eb).as(name), on),
  (query, name, source) => query.crossJoin((eb: Loose) => source(eb).as(name)),
  (query, name, source) => query.innerJoinLateral((eb: Loose) => source(eb).as(name), on),
  (query, name, source) => query.leftJoinLateral((eb: Loose) => source(eb).as(name), on),
  (query, name) => query.innerJoin(`heartbeats as ${name}`, on),
  (query, name) => query.leftJoin(`heartbeats as ${name}`, on),
  (query, name) =>
    query.fullJoin(`heartbeats as ${name}`, (join: Loose) =>
      join.onRef(`${name}.seconds`, '=', 'base.seconds'),
    ),
]

type Source = (builder: Loose) => Loose
const table: Source = (builder) => builder.selectFrom('heartbeats').select(['seconds', 'id', 'project'])

/** Wraps a source into another one that still has the column `seconds`. */
const WRAPPERS: readonly ((source: Source) => Source)[] = [
  (source) => (builder) =>
    builder.selectFrom((eb: Loose) => source(eb).as('inner')).select(['inner.seconds']),
  (source) => (builder) =>
    source(builder).where((eb: Loose) => eb.or([eb('seconds', '>', 0), eb('seconds', '<', 0)])),
  (source) => (builder) =>
    source(builder).where('seconds', 'in', (eb: Loose) =>
      eb.selectFrom('heartbeats as deep').select('deep.seconds'),
    ),
  (source) => (builder) =>
    builder
      .selectFrom((eb: Loose) => source(eb).as('inner'))
      .select((eb: Loose) => eb.fn.max('inner.seconds').as('seconds')),
  (source) => (builder) =>
    builder
      .selectFrom((eb: Loose) => source(eb).as('inner'))
      .select('inner.seconds')
      .groupBy('inner.seconds'),
  (source) => (builder) =>
    builder
      .selectFrom((eb: Loose) => source(eb).as('inner'))
      .select('inner.seconds')
      .union((eb: Loose) => eb.selectFrom('heartbeats').select('seconds')),
  (source) => (builder) => source(builder).where('project', '=', 'apollo'),
]

const wrapped = fc
  .array(fc.nat(WRAPPERS.length - 1), { maxLength: 3 })
  .map((indexes) => indexes.reduce((source, index) => WRAPPERS[index]!(source), table))

const shape = fc.record({
  base: wrapped,
  steps: fc.array(fc.tuple(fc.nat(STEPS.length - 1), wrapped), { maxLength: 2 }),
  throughCte: fc.boolean(),
  everything: fc.boolean(),
})

interface Query {
  readonly base: Source
  readonly steps: readonly (readonly [number, Source])[]
  readonly throughCte: boolean
  readonly everything: boolean
}

function build(asking: Loose, { base, steps, throughCte, everything }: Query): Loose {
  const started: Loose = throughCte
    ? asking.with('made', (builder: Loose) => base(builder)).selectFrom('made as base')
    : asking.selectFrom((eb: Loose) => base(eb).as('base'))
  const joined = steps.reduce((query, [index, source], i) => STEPS[index]!(query, `s${i}`, source), started)
  const columns = ['base', ...steps.map((_, i) => `s${i}`)].map((name) => `${name}.seconds as ${name}`)
  const filtered = everything
    ? joined
    : joined.where((eb: Loose) => eb.or([eb('base.seconds', '>', 0), eb.lit(true)]))
  return filtered.select(columns)
}

/** Runs random queries, and counts what came back; throws at the first that returned a foreign row. */
async function sweep(asking: Loose, numRuns: number): Promise<{ answered: number; rows: number }> {
  const count = { answered: 0, rows: 0 }
  const property = fc.asyncProperty(shape, async (query) => {
    const result: unknown = await build(asking, query)
      .execute()
      .catch((error: unknown) => error)
    if (result instanceof SuretyError) return
    if (result instanceof Error) throw result
    count.answered += 1
    for (const row of result as Record<string, number | null>[]) {
      count.rows += 1
      expect(Object.values(row).every((seconds) => seconds === MINE || seconds === null)).toBe(true)
    }
  })
  await fc.assert(property, { numRuns })
  return count
}

describe('a query of any shape', () => {
  test('returns nothing foreign, even where the database would', async () => {
    const { answered, rows } = await sweep(db, 300)
    expect(answered).toBeGreaterThan(150)
    expect(rows).toBeGreaterThan(500)
  })

  test('would return foreign rows without the predicates', async () => {
    const unguarded = context.reopen({ [WITHOUT_PREDICATES]: true }).as(me).db
    await expect(sweep(unguarded, 20)).rejects.toThrow(/Property failed/)
  })
})
