import type { Loose } from '../../src/store/testing/refusals.ts'
import { buildRefusedCondition, REFUSED_STATEMENTS } from './refused.ts'
import type {
  Aggregate,
  Change,
  Column,
  Condition,
  Conflict,
  Expression,
  Item,
  Join,
  Literal,
  Select,
  Statement,
} from './query.ts'
import { completed } from './world.ts'

const nameOf = ({ alias, name }: Column): string => `${alias}.${name}`

/** Builds a statement with a governed Kysely. */
export function buildStatement(db: Loose, statement: Statement): Loose {
  switch (statement.does) {
    case 'select':
      return buildSelect(db, statement.query)
    case 'insert': {
      const { table, rows, omits, conflict } = statement
      const drafts = rows.map((row) => completed(table, row, omits))
      const insert = db.insertInto(table).values(drafts)
      return finish(
        conflict ? insert.onConflict((oc: Loose) => buildConflict(oc, conflict)) : insert,
        statement,
      )
    }
    case 'update': {
      const { table, set, from, where } = statement
      const update = db.updateTable(table).set((eb: Loose) => mapValues(set, (of) => buildAssigned(eb, of)))
      return finish(filtered(from ? update.from(itemOf(from)) : update, where), statement)
    }
    case 'delete': {
      const { table, using, where } = statement
      const remove = db.deleteFrom(table)
      return finish(filtered(using ? remove.using(itemOf(using)) : remove, where), statement)
    }
    case 'refused':
      return REFUSED_STATEMENTS[statement.shape]!.build(db)
  }
}

function mapValues<From, To>(
  from: Readonly<Record<string, From>>,
  to: (value: From) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(from).map(([name, value]) => [name, to(value)]))
}

/** The changed table's columns are named with their table: another one may stand beside it. */
function finish(query: Loose, { table, returning }: Change): Loose {
  return returning.length === 0 ? query : query.returning(returning.map((name) => `${table}.${name}`))
}

function buildAssigned(eb: Loose, of: Expression): Loose {
  return of.is === 'value' ? of.value : buildExpression(eb, of)
}

function buildConflict(oc: Loose, { columns, set, where }: Conflict): Loose {
  const on = columns ? oc.columns(columns) : oc
  if (set === null) return on.doNothing()
  const updated = on.doUpdateSet((eb: Loose) =>
    Object.fromEntries(
      Object.entries(set).map(([name, value]: [string, 'excluded' | Literal]) => [
        name,
        value === 'excluded' ? eb.ref(`excluded.${name}`) : value.value,
      ]),
    ),
  )
  return filtered(updated, where)
}

function filtered(query: Loose, where: Condition | null): Loose {
  return where === null ? query : query.where((eb: Loose) => buildCondition(eb, where))
}

function buildSelect(builder: Loose, select: Select): Loose {
  const { set, joins, aggregates, distinct, outputs } = select
  const started = select.ctes
    .reduce(
      (chain: Loose, { name, query }) => chain.with(name, (qb: Loose) => buildSelect(qb, query)),
      builder,
    )
    .selectFrom(itemOf(select.from))
  const joined = joins.reduce(buildJoin, started)
  const chosen = outputs.reduce(
    (query: Loose, { as, of }) =>
      of.is === 'column'
        ? query.select(`${nameOf(of)} as ${as}`)
        : query.select((eb: Loose) => buildExpression(eb, of).as(as)),
    filtered(joined, select.where),
  )
  const grouped = aggregates === null ? chosen : buildGroups(chosen, select)
  const told = distinct === 'all' ? grouped.distinct() : grouped
  const [first] = outputs
  const picked = distinct === 'on' && first?.of.is === 'column' ? told.distinctOn(nameOf(first.of)) : told
  const combined = set ? picked[set.operator]((eb: Loose) => buildSelect(eb, set.query)) : picked
  return buildOrder(combined, select)
}

function buildJoin(query: Loose, { kind, on, ...item }: Join): Loose {
  if (kind === 'cross' || kind === 'crossLateral') return query[JOIN_METHODS[kind]](itemOf(item))
  return query[JOIN_METHODS[kind]](itemOf(item), (join: Loose) => {
    if (on.is === 'always') return join.onTrue()
    const { left, right } = on.is === 'compare' ? on : { left: null, right: null }
    return on.is === 'compare' && left?.is === 'column' && right?.is === 'column'
      ? join.onRef(nameOf(left), on.operator, nameOf(right))
      : join.on((eb: Loose) => buildCondition(eb, on))
  })
}

const JOIN_METHODS: Readonly<Record<Join['kind'], string>> = {
  inner: 'innerJoin',
  left: 'leftJoin',
  right: 'rightJoin',
  full: 'fullJoin',
  cross: 'crossJoin',
  innerLateral: 'innerJoinLateral',
  leftLateral: 'leftJoinLateral',
  crossLateral: 'crossJoinLateral',
}

/** A table by name, or what makes a derived table. */
function itemOf({ alias, source }: Item): Loose {
  if ('table' in source) return `${source.table} as ${alias}`
  if ('cte' in source) return `${source.cte} as ${alias}`
  return (eb: Loose) => buildSelect(eb, source.query).as(alias)
}

function buildGroups(query: Loose, { outputs, aggregates, having }: Select): Loose {
  const by = outputs.map(({ of }) => nameOf(of as Column))
  const counted = aggregates!.reduce(
    (chain: Loose, aggregate) => chain.select((eb: Loose) => buildAggregate(eb, aggregate).as(aggregate.as)),
    by.length === 0 ? query : query.groupBy(by),
  )
  return having === null ? counted : counted.having((eb: Loose) => eb.fn.countAll(), '>=', having)
}

function buildAggregate(eb: Loose, { call, of, distinct, filter }: Aggregate): Loose {
  const made = of ? eb.fn[call](nameOf(of)) : eb.fn.countAll()
  const told = distinct && of ? made.distinct() : made
  return filter ? told.filterWhere((inner: Loose) => buildCondition(inner, filter)) : told
}

function buildOrder(query: Loose, { order, limit, offset }: Select): Loose {
  const ordered = order.reduce(
    (chain: Loose, { as, descending, nulls }) =>
      chain.orderBy(as, (item: Loose) => {
        const directed = descending ? item.desc() : item.asc()
        if (nulls === null) return directed
        return nulls === 'first' ? directed.nullsFirst() : directed.nullsLast()
      }),
    query,
  )
  if (limit === null) return ordered
  return offset === 0 ? ordered.limit(limit) : ordered.limit(limit).offset(offset)
}

function buildExpression(eb: Loose, of: Expression): Loose {
  switch (of.is) {
    case 'column':
      return eb.ref(nameOf(of))
    case 'value':
      return eb.cast(eb.val(of.value), TYPES[of.domain] ?? 'uuid')
    case 'coalesce':
      return eb.fn.coalesce(...of.parts.map((part) => buildExpression(eb, part)))
    case 'case':
      return eb
        .case()
        .when(buildCondition(eb, of.when))
        .then(buildExpression(eb, of.result))
        .else(buildExpression(eb, of.otherwise))
        .end()
    case 'plus':
      return eb(buildExpression(eb, of.left), '+', buildExpression(eb, of.right))
    case 'times':
      return eb(buildExpression(eb, of.left), '*', buildExpression(eb, of.right))
    case 'length':
      return eb.fn('length', [buildExpression(eb, of.of)])
    case 'scalar':
      return buildSelect(eb, of.query)
    case 'window':
      return buildWindow(eb, of)
  }
}

const TYPES: Readonly<Record<string, string>> = {
  number: 'integer',
  word: 'text',
  project: 'text',
  team: 'text',
  email: 'text',
}

function buildWindow(eb: Loose, { call, of, by, order }: Extract<Expression, { is: 'window' }>): Loose {
  const called = of ? eb.fn.agg(call, [nameOf(of)]) : call === 'count' ? eb.fn.countAll() : eb.fn.agg(call)
  return called.over((over: Loose) => {
    const parted = by.length === 0 ? over : over.partitionBy(by.map(nameOf))
    return order.reduce(
      (chain: Loose, { column, descending }) => chain.orderBy(nameOf(column), descending ? 'desc' : 'asc'),
      parted,
    )
  })
}

function buildCondition(eb: Loose, condition: Condition): Loose {
  switch (condition.is) {
    case 'always':
      return eb.lit(true)
    case 'compare': {
      const { left, operator, right } = condition
      const asked = left.is === 'column' ? nameOf(left) : buildExpression(eb, left)
      return eb(asked, operator, right.is === 'value' ? right.value : buildExpression(eb, right))
    }
    case 'null':
      return eb(nameOf(condition.of), condition.not ? 'is not' : 'is', null)
    case 'in':
      return eb(nameOf(condition.of), condition.not ? 'not in' : 'in', condition.values)
    case 'like':
      return eb(nameOf(condition.of), condition.not ? 'not like' : 'like', condition.pattern)
    case 'between':
      return eb.between(buildExpression(eb, condition.of), condition.low.value, condition.high.value)
    case 'inQuery':
      return eb(nameOf(condition.of), condition.not ? 'not in' : 'in', buildSelect(eb, condition.query))
    case 'exists': {
      const found = eb.exists(buildSelect(eb, condition.query))
      return condition.not ? eb.not(found) : found
    }
    case 'not':
      return eb.not(buildCondition(eb, condition.part))
    case 'and':
    case 'or':
      return eb[condition.is](condition.parts.map((part) => buildCondition(eb, part)))
    case 'refused':
      return buildRefusedCondition(eb, condition)
  }
}
