import { COLUMNS } from './columns.ts'
import type { Expected, Model } from './model.ts'
import type { Change, Row, Statement, Value } from './query.ts'
import type { Stored, World } from './world.ts'

/** What the store brought. */
export type Answer = { readonly refused: string } | { readonly rows: readonly Row[] }

/** Values as the reference has them: the database tells sums as texts, Kysely tells counts as bigints. */
export function toRow(row: Readonly<Record<string, unknown>>): Row {
  const told = Object.entries(row).filter(([, value]) => value !== undefined)
  return Object.fromEntries(
    told.map(([name, value]) => {
      const isNumber =
        typeof value === 'bigint' || (typeof value === 'string' && /^-?\d+(?:\.\d+)?$/.test(value))
      return [name, isNumber ? Number(value) : (value as Value)]
    }),
  )
}

/** The same rows as often and in the order asked for; of rows equal in the order, a limit may keep any. */
export function agrees({
  statement,
  expected,
  got,
}: {
  statement: Statement
  expected: Expected
  got: Answer
}): boolean {
  if ('refused' in expected || 'refused' in got) {
    return 'refused' in expected && 'refused' in got && expected.refused.has(got.refused)
  }
  if (statement.does !== 'select')
    return isWithinBag(expected.rows, got.rows) && expected.rows.length === got.rows.length
  const { limit, offset, order } = statement.query
  const kept = limit === null ? expected.rows : expected.rows.slice(offset, offset + limit)
  const sequence = (rows: readonly Row[]): string =>
    JSON.stringify(rows.map((row) => order.map(({ as }) => row[as] ?? null)))
  return (
    kept.length === got.rows.length &&
    sequence(kept) === sequence(got.rows) &&
    isWithinBag(expected.rows, got.rows)
  )
}

function isWithinBag(all: readonly Row[], some: readonly Row[]): boolean {
  const left = new Map<string, number>()
  for (const row of all) count(left, keyOf(row))
  return some.every((row) => {
    const key = keyOf(row)
    const rest = left.get(key) ?? 0
    left.set(key, rest - 1)
    return rest > 0
  })
}

/** Equal for rows with the same values by name, in whatever order. */
function keyOf(row: Row): string {
  return JSON.stringify(Object.entries(row).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/**
 * What the database stores after a change that the reference does not: untouched rows are the same to
 * the last byte, sealed ones included; changed and new ones agree in their clear columns.
 */
export function differenceOf(
  { ids }: World,
  before: ReadonlyMap<string, Stored>,
  after: ReadonlyMap<string, Stored>,
  model: Model,
  { table }: Change,
): string | null {
  const clear = COLUMNS[table].filter(([, kind]) => kind === 'clear').map(([name]) => name)
  const known = new Set(ids[table])
  const keyed = (row: Row): string =>
    JSON.stringify(
      clear.map((name) => (name === 'id' && !known.has(row[name] as string) ? 'new' : (row[name] ?? null))),
    )
  const expected = model.tables[table].map(keyed).toSorted()
  const found = [...after.values()].map(({ clear: row }) => keyed(row)).toSorted()
  if (JSON.stringify(expected) !== JSON.stringify(found))
    return `stored ${JSON.stringify({ expected, found })}`
  const touched = [...before].filter(([id, stored]) => {
    const now = after.get(id)
    return now !== undefined && JSON.stringify(now) !== JSON.stringify(stored)
  })
  const untouched = new Set(model.untouched(table))
  const wrong = touched.filter(([id]) => untouched.has(id)).map(([id]) => id)
  return wrong.length > 0 ? `rows changed that no reference changed: ${wrong.join(', ')}` : null
}

export function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}
