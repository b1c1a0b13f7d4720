import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ASKERS } from './people.ts'
import { REFUSED_CONDITIONS, REFUSED_STATEMENTS } from './refused.ts'
import { sweep, type Swept } from './sweep.ts'
import { SEED, tellSeed } from './seed.ts'
import { openWorld, type World } from './world.ts'

const CASES = 20_000
const LONG_MS = 1_800_000

/** What must have been asked and answered, and how often at least: the suite cannot shrink unseen. */
const OFTEN = 600
const SOMETIMES = 150
const SELDOM = 40
const ANSWERED: Readonly<Record<string, number>> = {
  ...of(OFTEN, ['select', 'inner join', 'left join', 'right join', 'full join', 'self join']),
  ...of(OFTEN, ['cross join', 'subquery in from', 'subquery in where', 'and', 'or', 'not', 'null', 'in']),
  ...of(OFTEN, ['cte', 'group by', 'having', 'aggregate over clear', 'order by', 'limit', 'offset', 'case']),
  ...of(OFTEN, ['distinct', 'coalesce', 'window', 'sealed output', 'blind comparison', 'foreign ids']),
  ...of(SOMETIMES, ['innerLateral join', 'leftLateral join', 'crossLateral join', 'exists', 'not exists']),
  ...of(SOMETIMES, [
    'inQuery',
    'not inQuery',
    'not in',
    'not null',
    'union',
    'unionAll',
    'intersect',
    'except',
  ]),
  ...of(SOMETIMES, [
    'distinct on',
    'group by indexed',
    'aggregate filtered',
    'nulls first or last',
    'between',
  ]),
  ...of(SOMETIMES, ['subquery in select', 'insert', 'update', 'delete', 'returning', 'delete using']),
  ...of(SELDOM, ['like', 'not like', 'plus', 'times', 'length', 'aggregate over indexed', 'update from']),
  ...of(SELDOM, ['update computes', 'on conflict do nothing', 'on conflict do update', 'owner left out']),
}
/** What must have been refused. */
const REFUSED: Readonly<Record<string, number>> = {
  ERR_STORE_FORBIDDEN: OFTEN,
  ...of(SELDOM, ['ERR_STORE_SEALED_EXPRESSION', 'ERR_STORE_UNSUPPORTED', 'ERR_STORE_CONFLICT']),
  ERR_STORE_BLIND_SCOPE: 10,
  ...of(
    5,
    [...Object.keys(REFUSED_STATEMENTS), ...Object.keys(REFUSED_CONDITIONS)].map((one) => `refused: ${one}`),
  ),
}
/** The share of cases that only the declared shapes and missing permissions may keep from an answer. */
const MOST_REFUSED = 0.3

function of(least: number, shapes: readonly string[]): Record<string, number> {
  return Object.fromEntries(shapes.map((shape) => [shape, least]))
}

function tooFew(found: ReadonlyMap<string, number>, least: Readonly<Record<string, number>>): string[] {
  const missing = Object.entries(least).filter(([shape, number]) => (found.get(shape) ?? 0) < number)
  return missing.map(([shape, number]) => `${shape}: ${found.get(shape) ?? 0} of ${number}`)
}

describe('with the executor’s predicates and row-level security', () => {
  let world: World
  let swept: Swept
  beforeAll(async () => {
    world = await openWorld()
    tellSeed()
    swept = await sweep(world, { seed: SEED, cases: CASES })
  }, LONG_MS)
  afterAll(() => world.close())

  test(`${CASES} statements bring exactly what the reference allows`, () => {
    expect(swept.cases).toBe(CASES)
    expect(swept.rows).toBeGreaterThan(2 * CASES)
  })

  test('every shape of statement was answered often enough', () => {
    expect(tooFew(swept.answered, ANSWERED)).toEqual([])
  })

  test('everything that is to be refused was refused, and little else', () => {
    expect(tooFew(swept.refused, REFUSED)).toEqual([])
    const refused = ASKERS.map(({ name }) => swept.refused.get(`asked by ${name}`) ?? 0)
    expect(refused.reduce((sum, one) => sum + one)).toBeLessThan(MOST_REFUSED * CASES)
  })

  test('everybody asked, and everybody with a permission was answered', () => {
    const answered = ASKERS.filter(({ name }) => (swept.answered.get(`asked by ${name}`) ?? 0) < SELDOM)
    expect(answered.map(({ name }) => name)).toEqual(['operator without a grant'])
    expect(swept.refused.get('asked by operator without a grant')).toBeGreaterThan(SOMETIMES)
  })
})
