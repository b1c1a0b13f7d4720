import { isWithin, OWNERS, PERSONS, TENANTS, type Asker } from './people.ts'
import { isChange, nodesOf } from './model.ts'
import { TABLES, type Case, type Select, type Statement } from './query.ts'
import type { Tables } from './model.ts'

/** What a case consists of, by names that a run counts. */
export function shapesOf({ statement }: Case, asker: Asker, tables: Tables): Set<string> {
  const shapes = new Set<string>([
    statement.does === 'refused' ? `refused: ${statement.shape}` : statement.does,
    `asked by ${asker.name}`,
  ])
  const add = (shape: string, is: unknown): unknown => is && shapes.add(shape)
  for (const node of nodesOf(statement)) {
    if ('aggregates' in node) for (const shape of shapesOfSelect(node as unknown as Select)) shapes.add(shape)
    if ('kind' in node && 'on' in node) shapes.add(`${String(node['kind'])} join`)
    if ('is' in node) for (const shape of shapesOfNode(node)) shapes.add(shape)
  }
  add('foreign ids', namesForeign(statement, asker, tables))
  if (!isChange(statement)) return shapes
  add('returning', statement.returning.length > 0)
  if (statement.does === 'update') {
    add('update from', statement.from)
    add(
      'update computes',
      Object.values(statement.set).some(({ is }) => is !== 'value'),
    )
  }
  if (statement.does === 'delete') add('delete using', statement.using)
  if (statement.does === 'insert') {
    add('on conflict do nothing', statement.conflict && !statement.conflict.set)
    add('on conflict do update', statement.conflict?.set)
    add('owner left out', statement.omits.length > 0)
  }
  return shapes
}

function shapesOfSelect(query: Select): string[] {
  const { ctes, from, joins, outputs, aggregates, having, distinct, set, order, limit, offset } = query
  const tables = [from, ...joins].flatMap(({ source }) => ('table' in source ? [source.table] : []))
  const of = [...outputs.map((output) => output.of), ...(aggregates ?? []).map((aggregate) => aggregate.of)]
  const found: readonly (readonly [string, unknown])[] = [
    ['cte', ctes.length > 0],
    ['subquery in from', [from, ...joins].some(({ source }) => 'query' in source)],
    ['self join', new Set(tables).size < tables.length],
    ['group by', aggregates && outputs.length > 0],
    ['aggregate over clear', aggregates?.some((aggregate) => aggregate.of?.kind === 'clear')],
    ['aggregate over indexed', aggregates?.some((aggregate) => aggregate.of?.kind === 'indexed')],
    ['aggregate filtered', aggregates?.some(({ filter }) => filter)],
    [
      'group by indexed',
      aggregates && outputs.some((output) => output.of.is === 'column' && output.of.kind === 'indexed'),
    ],
    ['sealed output', !aggregates && of.some((one) => one?.is === 'column' && one.kind !== 'clear')],
    ['having', having],
    ['distinct', distinct === 'all'],
    ['distinct on', distinct === 'on'],
    [set?.operator ?? '', set],
    ['order by', order.length > 0],
    ['nulls first or last', order.some(({ nulls }) => nulls)],
    ['limit', limit !== null],
    ['offset', offset > 0],
  ]
  return found.filter(([, is]) => is).map(([shape]) => shape)
}

function shapesOfNode(node: Readonly<Record<string, unknown>>): string[] {
  const is = node['is'] as string
  const not = node['not'] === true ? 'not ' : ''
  switch (is) {
    case 'column':
    case 'value':
    case 'always':
      return []
    case 'refused':
      return [`refused: ${String(node['shape'])}`]
    case 'exists':
    case 'inQuery':
    case 'scalar':
      return [`${not}${is}`, is === 'scalar' ? 'subquery in select' : 'subquery in where']
    case 'compare': {
      const left = node['left'] as { is: string; kind?: string }
      return left.is === 'column' && left.kind === 'indexed' ? ['blind comparison'] : ['compare']
    }
    default:
      return [`${not}${is}`]
  }
}

/** True where a statement names a tenant, a person or a row beyond the reach of who asks. */
function namesForeign(statement: Statement, asker: Asker, tables: Tables): boolean {
  const { tenant, id } = asker.principal
  const foreign = new Set<unknown>(
    [...Object.values(TENANTS), ...Object.values(PERSONS)].filter((one) => one !== tenant && one !== id),
  )
  for (const table of TABLES) {
    for (const row of tables[table]) {
      if (!isWithin(asker, table, row, asker.may[table].read)) foreign.add(row['id'])
    }
  }
  for (const node of nodesOf(statement)) {
    if (node['is'] === 'value' && foreign.has(node['value'])) return true
    if (node['is'] === 'in' && (node['values'] as unknown[]).some((value) => foreign.has(value))) return true
  }
  if (statement.does !== 'insert') return false
  const owners = Object.values(OWNERS[statement.table])
  return statement.rows.some((row) => owners.some((name) => name !== null && foreign.has(row[name])))
}
