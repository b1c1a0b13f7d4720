import {
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresQueryCompiler,
  sql,
  type RootOperationNode,
} from 'kysely'
import { describe, expect, test } from 'vitest'
import { systemPrincipal, type Principal } from '../../access/index.ts'
import { createPseudonym } from '../../kernel/index.ts'
import { user, type TestTables } from '../testing.ts'
import { policy as testPolicy, type Loose } from '../testing/refusals.ts'
import type { Policy } from './authority.ts'
import { PlanCache } from './plan-cache.ts'
import { planStatement, type Plan } from './plan.ts'

/** Builds trees and knows nothing of governance. */
const plain = new Kysely<TestTables>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: () => ({}) as never,
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
})
const loose: Loose = plain

const treeOf = (query: Loose): RootOperationNode => query.toOperationNode()
const as = (principal: Principal): Policy => ({ ...testPolicy, principal })
const member = () => user(createPseudonym())
const administrator = () => user(createPseudonym(), 'administrator')

/** What a plan would do, or the code that it is refused with. */
function outcome(make: () => Plan): unknown {
  try {
    const { recurs: _, ...plan } = make()
    return plan
  } catch (error) {
    return (error as { code?: string }).code ?? error
  }
}

const at = new Date(Date.UTC(2026, 0, 1))
type Build = (a: Loose, b: Loose) => Loose

/** Queries with two values, and pairs of values that fit them or do not. */
const QUERIES: [string, Build, [unknown, unknown][]][] = [
  [
    'by key',
    (a, b) => loose.selectFrom('heartbeats').selectAll().where('id', '=', a).where('seconds', '>', b),
    [
      [createPseudonym(), 1],
      [null, 2],
      ['x', undefined],
      [1n, at],
    ],
  ],
  [
    'by blind index',
    (a, b) => loose.selectFrom('heartbeats').select(['project', 'time']).where('project', 'in', [a, b]),
    [
      ['apollo', 'gemini'],
      [null, 'x'],
      [7, 'x'],
      ['\ud800', 'x'],
      [{}, 'x'],
    ],
  ],
  [
    'by equality with a sealed field',
    (a, b) => loose.selectFrom('people').select('email').where('email', 'is distinct from', a).limit(b),
    [
      ['ada@example.com', 1],
      [1, 1],
      [true, 1],
    ],
  ],
  [
    'a page',
    (a, b) => loose.selectFrom('heartbeats').select('id').orderBy('time', 'desc').limit(a).offset(b),
    [
      [10, 20],
      [10n, 0],
      [-1, 0],
      [0.5, 1],
      ['10', 1],
      [null, 1],
      [sql`10`, 1],
    ],
  ],
  [
    'in a subquery, a join and a pattern',
    (a, b) =>
      loose
        .selectFrom('heartbeats as h')
        .innerJoin('rates as r', (join: Loose) => join.on('r.currency', '=', a))
        .select(['h.id', 'h.entity', 'r.value'])
        .where('h.language', 'ilike', b)
        .where((eb: Loose) =>
          eb.exists(
            eb.selectFrom('notes').select('id').where('title', '=', a).whereRef('rank', '=', 'h.seconds'),
          ),
        ),
    [
      ['EUR', '%script%'],
      ['%', 'EUR'],
    ],
  ],
  [
    'groups of sealed fields',
    (a, b) =>
      loose
        .selectFrom('heartbeats')
        .select((eb: Loose) => ['project', eb.fn.sum('seconds').as('sum')])
        .where('time', '>', a)
        .groupBy('project')
        .having((eb: Loose) => eb.fn.countAll(), '>', b),
    [
      [at, 1],
      ['2026-01-01', 2],
    ],
  ],
  [
    'a path into JSON',
    (a, b) =>
      loose
        .selectFrom('heartbeats')
        .select((eb: Loose) => eb.ref('extra', '->>').key(a).as('value'))
        .where('id', '=', b),
    [
      ['list', 'x'],
      ['nested', 'x'],
      [2, 'x'],
    ],
  ],
  [
    'a literal and a value',
    (a, b) =>
      loose
        .selectFrom('heartbeats')
        .select((eb: Loose) => [eb.val(a).as('value'), eb.lit(typeof b === 'number' ? b : 0).as('literal')]),
    [
      ['x', 1],
      [0, 2],
      [-0, -0],
      [true, Number.NaN],
    ],
  ],
  [
    'a delete',
    (a, b) => loose.deleteFrom('heartbeats').where('project', '=', a).where('seconds', '=', b),
    [
      ['apollo', 1],
      [3, 1],
    ],
  ],
  [
    'a value where none may stand',
    (a, b) => loose.selectFrom('heartbeats').select('id').where('entity', '=', a).orderBy(b),
    [
      ['x', 'time'],
      ['x', 'entity'],
    ],
  ],
]

const people: [string, () => Principal][] = [
  ['a member', member],
  ['an administrator', administrator],
  ['a reader', () => user(createPseudonym(), 'reader')],
  ['nobody known', () => ({ kind: 'anonymous', id: 'x', tenant: null, roles: ['administrator'] })],
  ['a member without a tenant', () => ({ ...member(), tenant: null })],
  ['an operator', () => ({ ...member(), kind: 'operator' })],
  ['a system task', () => systemPrincipal('tests', ['heartbeats', 'notes', 'rates', 'people'])],
]

describe('a kept plan', () => {
  test.each(QUERIES)('of a query %s is what planning anew would be, for everybody', (_what, build, pairs) => {
    const cache = new PlanCache()
    // Twice, so that everybody meets plans that others left.
    for (const [who, make] of [...people, ...people]) {
      const principal = make()
      for (const [a, b] of pairs) {
        const node = treeOf(build(a, b))
        const anew = outcome(() => planStatement(as(principal), node))
        expect(
          outcome(() => cache.plan(as(principal), node)),
          `${who} with ${String(a)}, ${String(b)}`,
        ).toEqual(anew)
      }
    }
  })

  test('is found again by another person of the same roles, with values of its own', () => {
    const cache = new PlanCache()
    const query = (id: string) => treeOf(plain.selectFrom('heartbeats').select('entity').where('id', '=', id))
    const [ada, grace] = [member(), member()]
    for (const person of [ada, grace, ada]) {
      const id = createPseudonym()
      const plan = cache.plan(as(person), query(id))
      expect(plan.template.parameters).toEqual([person.tenant, person.id, id])
      expect(plan.settings.get('surety.tenant')).toBe(person.tenant)
      expect(plan.settings.get('surety.subject')).toBe(person.id)
    }
    expect(cache.size).toBe(1)
  })

  test('is not shared between roles, kinds, grants or people without a tenant', () => {
    const cache = new PlanCache()
    const node = treeOf(plain.selectFrom('rates').select('currency'))
    const base = member()
    const others: Principal[] = [
      base,
      { ...base, roles: ['administrator'] },
      { ...base, roles: ['member', 'administrator'] },
      { ...base, kind: 'anonymous' },
      { ...base, tenant: null },
      { ...base, grant: 'g1' },
    ]
    for (const principal of others) cache.plan(as(principal), node)
    expect(cache.size).toBe(others.length)
  })

  test('is not found by lists of another length, nulls, literals or names', () => {
    const cache = new PlanCache()
    const policy = as(member())
    const from = plain.selectFrom('heartbeats').select('id')
    const different = [
      from.where('seconds', 'in', [1]),
      from.where('seconds', 'in', [1, 2]),
      from.where('seconds', 'in', [1, 2, 3]),
      from.where('seconds', '=', null),
      from.where('seconds', '=', 1),
      from.where('seconds', '=', '1' as never),
      from.where('seconds', '!=', 1),
      from.where('time', '=', at),
      from.where((eb) => eb('seconds', '=', eb.lit(1))),
      from.where((eb) => eb('seconds', '=', eb.lit(2))),
      from.clearSelect().select('id as seconds').where('seconds', '=', 1),
      from.where((eb) => eb('seconds', '=', eb.lit(0))),
      from.where((eb) => eb('seconds', '=', eb.lit(-0))),
      from.where('seconds', '=', 1).limit(1),
      from.where('seconds', '=', 1).offset(1),
    ]
    for (const query of different) {
      const node = treeOf(query)
      expect(outcome(() => cache.plan(policy, node))).toEqual(outcome(() => planStatement(policy, node)))
    }
    expect(cache.size).toBe(different.length)
  })

  test('is not found by a tree that only compiles to the same text', () => {
    const cache = new PlanCache()
    const policy = as(member())
    const governed = loose.selectFrom('heartbeats').select('id').where('seconds', '=', 1)
    const lookAlikes = [
      loose
        .selectFrom('heartbeats')
        .select('id')
        .where(sql`"seconds" = ${1}`),
      loose
        .selectFrom('heartbeats')
        .select('id')
        .where(sql.ref('seconds'), '=', sql`${1}`),
      loose.selectFrom(sql.table('heartbeats').as('heartbeats')).select('id').where('seconds', '=', 1),
      loose.selectFrom('heartbeats').select('id').where('seconds', sql.raw('='), 1),
    ]
    expect(cache.plan(policy, treeOf(governed)).action).toBe('select')
    for (const query of lookAlikes) {
      const node = treeOf(query)
      expect(node.kind).toBe('SelectQueryNode')
      expect(outcome(() => cache.plan(policy, node))).toEqual(outcome(() => planStatement(policy, node)))
    }
  })

  test('is not left by a tree that changes between two looks', () => {
    const cache = new PlanCache()
    const victim = as(member())
    const honest = treeOf(plain.selectFrom('heartbeats').select('id'))
    const other = treeOf(plain.selectFrom('notes').select('title'))
    let looks = 0
    const shifting = {
      ...honest,
      get from() {
        return (looks++ === 0 ? honest : other)['from' as never]
      },
      get selections() {
        return (looks <= 1 ? honest : other)['selections' as never]
      },
    } as RootOperationNode
    outcome(() => cache.plan(victim, shifting))
    expect(cache.plan(victim, honest).tables).toEqual(['heartbeats'])
  })

  test('holds every value against its rule, also when it was kept with one that fits', () => {
    const cache = new PlanCache()
    const policy = as(member())
    const page = (limit: unknown) => treeOf(loose.selectFrom('rates').select('id').limit(limit))
    const named = (name: unknown) =>
      treeOf(loose.selectFrom('heartbeats').select('id').where('project', '=', name))
    expect(cache.plan(policy, page(1)).template.parameters).toEqual([1])
    cache.plan(policy, named('apollo'))
    expect(cache.size).toBe(2)
    expect(outcome(() => cache.plan(policy, page(-1)))).toBe('ERR_STORE_VALUE')
    expect(outcome(() => cache.plan(policy, named('\udfff')))).toBe('ERR_STORE_VALUE')
    expect(cache.size).toBe(2)
  })

  test('is one of a bounded number', () => {
    const cache = new PlanCache(10)
    for (let length = 1; length < 40; length++) {
      const ids = Array.from({ length }, () => createPseudonym())
      cache.plan(as(member()), treeOf(plain.selectFrom('rates').select('id').where('id', 'in', ids)))
    }
    expect(cache.size).toBe(10)
  })

  test('is dropped with the words that it was named by, when there are too many of them', () => {
    const cache = new PlanCache(1_000, 60)
    const policy = as(member())
    const selecting = (column: 'seconds' | 'time', i: number) =>
      treeOf(plain.selectFrom('heartbeats').select(`${column} as named${i}`).where('seconds', '=', i))
    for (let i = 0; i < 100; i++) {
      for (const column of i % 2 ? (['seconds', 'time'] as const) : (['time', 'seconds'] as const)) {
        const node = selecting(column, i)
        expect(cache.plan(policy, node).template).toEqual(planStatement(policy, node).template)
      }
    }
    expect(cache.size).toBeLessThan(100)
  })

  test('is not made of what a change stores', () => {
    const cache = new PlanCache()
    const policy = as(administrator())
    const row = { teamId: policy.principal.tenant!, title: 'x', rank: 1 }
    cache.plan(policy, treeOf(plain.insertInto('notes').values(row)))
    cache.plan(policy, treeOf(plain.updateTable('notes').set({ rank: 2 })))
    expect(cache.size).toBe(0)
  })
})
