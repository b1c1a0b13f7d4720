import type {
  Aggregate,
  Column,
  Condition,
  Expression,
  Row,
  Select,
  Source,
  Table,
  Value,
  Window,
} from './query.ts'

/** The rows of each table that may be read. */
export type Readable = (table: Table) => readonly Row[]

/** The reference gives up: the case is not run. */
export class TooLarge extends Error {}

/** Rows in view by alias, the innermost first; an outer join leaves null. */
export interface Frame {
  readonly alias: string
  readonly row: Row | null
  readonly outer: Frame | null
}
type Truth = boolean | null
type Relations = ReadonlyMap<string, readonly Row[]>

const MOST_STEPS = 6_000

/** SQL's answer to queries, from arrays: three-valued logic, bags of rows, nulls last when ascending. */
export class Evaluator {
  readonly #readable: Readable
  #steps = 0

  constructor(readable: Readable) {
    this.#readable = readable
  }

  answer(query: Select): Row[] {
    return this.#answer(query, null, new Map())
  }

  /** True where a condition is true, and neither false nor unknown. */
  holds(condition: Condition | null, rows: Frame | null): boolean {
    return condition === null || this.#truth(condition, rows, new Map()) === true
  }

  value(of: Expression, rows: Frame | null): Value {
    return this.#value(of, rows, new Map(), [rows])
  }

  rowsOf(source: Source): readonly Row[] {
    return this.#rowsOf(source, null, new Map())
  }

  #answer(query: Select, outer: Frame | null, given: Relations): Row[] {
    const relations = new Map(given)
    for (const cte of query.ctes) relations.set(cte.name, this.#answer(cte.query, null, relations))
    const kept = this.#joinAll(query, outer, relations).filter(
      (frame) => query.where === null || this.#truth(query.where, frame, relations) === true,
    )
    const made =
      query.aggregates === null
        ? kept.map((frame) => this.#project(query, frame, relations, kept))
        : this.#group(query, kept, relations)
    const distinct = query.distinct === 'all' ? unique(made) : made
    const combined = query.set
      ? combine(query, distinct, this.#answer(query.set.query, outer, relations))
      : distinct
    const sorted = combined.toSorted((a, b) => compareRows(query, a, b))
    const first = query.outputs[0]?.as ?? ''
    const listed = query.distinct === 'on' ? unique(sorted, (row) => JSON.stringify(row[first])) : sorted
    return query.limit === null ? listed : listed.slice(query.offset, query.offset + query.limit)
  }

  #rowsOf(source: Source, outer: Frame | null, relations: Relations): readonly Row[] {
    if ('table' in source) return this.#readable(source.table)
    if ('cte' in source) return relations.get(source.cte)!
    return this.#answer(source.query, outer, relations)
  }

  #joinAll(query: Select, outer: Frame | null, relations: Relations): Frame[] {
    const { alias, source } = query.from
    let frames: Frame[] = this.#rowsOf(source, null, relations).map((row) => extend(outer, alias, row))
    let before = [alias]
    for (const join of query.joins) {
      frames = this.#joinOne(frames, join, { outer, before, relations })
      before = [...before, join.alias]
    }
    return frames
  }

  #joinOne(
    frames: readonly Frame[],
    { kind, alias, source, on }: Select['joins'][number],
    { outer, before, relations }: { outer: Frame | null; before: readonly string[]; relations: Relations },
  ): Frame[] {
    const isLateral = kind.endsWith('Lateral')
    const once = isLateral ? [] : this.#rowsOf(source, null, relations)
    const met = new Set<Row>()
    const joined: Frame[] = []
    for (const frame of frames) {
      const rows = isLateral ? this.#rowsOf(source, frame, relations) : once
      const matches = rows.filter((row) => this.#truth(on, extend(frame, alias, row), relations) === true)
      for (const row of matches) {
        met.add(row)
        joined.push(extend(frame, alias, row))
      }
      const keepsLeft = kind === 'left' || kind === 'full' || kind === 'leftLateral'
      if (matches.length === 0 && keepsLeft) joined.push(extend(frame, alias, null))
    }
    if (kind !== 'right' && kind !== 'full') return joined
    const nothing = before.reduce<Frame | null>((frame, name) => extend(frame, name, null), outer)
    const unmet = once.filter((row) => !met.has(row))
    return [...joined, ...unmet.map((row) => extend(nothing, alias, row))]
  }

  #truth(condition: Condition, frame: Frame | null, relations: Relations): Truth {
    if (++this.#steps > MOST_STEPS) throw new TooLarge()
    const value = (of: Expression): Value => this.#value(of, frame, relations, [frame])
    switch (condition.is) {
      case 'always':
        return true
      case 'compare':
        return compare(value(condition.left), condition.operator, value(condition.right))
      case 'null':
        return (value(condition.of) === null) !== condition.not
      case 'in':
        return negate(among(value(condition.of), condition.values), condition.not)
      case 'like':
        return negate(like(value(condition.of), condition.pattern), condition.not)
      case 'between': {
        const [of, low, high] = [value(condition.of), condition.low.value, condition.high.value]
        return every([compare(of, '>=', low), compare(of, '<=', high)])
      }
      case 'inQuery': {
        const values = this.#answer(condition.query, frame, relations).map((row) => Object.values(row)[0]!)
        return negate(among(value(condition.of), values), condition.not)
      }
      case 'exists':
        return this.#answer(condition.query, frame, relations).length > 0 !== condition.not
      case 'not':
        return negate(this.#truth(condition.part, frame, relations), true)
      case 'and':
        return every(condition.parts.map((part) => this.#truth(part, frame, relations)))
      case 'or': {
        const parts = condition.parts.map((part) => negate(this.#truth(part, frame, relations), true))
        return negate(every(parts), true)
      }
      case 'refused':
        return null
    }
  }

  #value(
    of: Expression,
    frame: Frame | null,
    relations: Relations,
    beside: readonly (Frame | null)[],
  ): Value {
    if (++this.#steps > MOST_STEPS) throw new TooLarge()
    const value = (inner: Expression): Value => this.#value(inner, frame, relations, beside)
    switch (of.is) {
      case 'column':
        return columnOf(frame, of)
      case 'value':
        return of.value
      case 'coalesce':
        return of.parts.map(value).find((part) => part !== null) ?? null
      case 'case':
        return value(this.#truth(of.when, frame, relations) === true ? of.result : of.otherwise)
      case 'plus':
      case 'times': {
        const [left, right] = [value(of.left), value(of.right)]
        if (left === null || right === null) return null
        return of.is === 'plus' ? Number(left) + Number(right) : Number(left) * Number(right)
      }
      case 'length': {
        const text = value(of.of)
        return text === null ? null : String(text).length
      }
      case 'scalar': {
        const [row] = this.#answer(of.query, frame, relations)
        return row ? (Object.values(row)[0] ?? null) : null
      }
      case 'window':
        return this.#window(of, frame, beside)
    }
  }

  /** With an order, the rows up to the current one and its peers count; without one, all of them. */
  #window({ call, of, by, order }: Window, frame: Frame | null, beside: readonly (Frame | null)[]): Value {
    this.#steps += beside.length
    const keyOf = (one: Frame | null): string => JSON.stringify(by.map((column) => columnOf(one, column)))
    const key = keyOf(frame)
    const partition = beside.filter((one) => keyOf(one) === key)
    const place = (one: Frame | null): number => {
      for (const { column, descending } of order) {
        const sign = compareValues(columnOf(one, column), columnOf(frame, column), {
          descending,
          nulls: null,
        })
        if (sign !== 0) return sign
      }
      return 0
    }
    const ahead = partition.filter((one) => place(one) < 0)
    if (call === 'row_number' || call === 'rank') return ahead.length + 1
    const orderOf = (one: Frame | null): string =>
      JSON.stringify(order.map(({ column }) => columnOf(one, column)))
    if (call === 'dense_rank') return new Set(ahead.map(orderOf)).size + 1
    return aggregate(
      call,
      of,
      partition.filter((one) => place(one) <= 0),
    )
  }

  #project(
    { outputs }: Select,
    frame: Frame | null,
    relations: Relations,
    beside: readonly (Frame | null)[],
  ): Row {
    return Object.fromEntries(outputs.map(({ as, of }) => [as, this.#value(of, frame, relations, beside)]))
  }

  #group(query: Select, frames: readonly Frame[], relations: Relations): Row[] {
    const project = (frame: Frame): Row => this.#project(query, frame, relations, frames)
    const groups = Map.groupBy(frames, (frame) => JSON.stringify(project(frame)))
    // Without a grouping column there is one group, also of no rows.
    if (query.outputs.length === 0 && groups.size === 0) groups.set('{}', [])
    return [...groups.values()]
      .filter((members) => members.length >= (query.having ?? 0))
      .map((members) => ({
        ...(members[0] ? project(members[0]) : {}),
        ...this.#aggregates(query.aggregates!, members, relations),
      }))
  }

  #aggregates(aggregates: readonly Aggregate[], members: readonly Frame[], relations: Relations): Row {
    return Object.fromEntries(
      aggregates.map(({ as, call, of, distinct, filter }) => {
        const counted = members.filter(
          (frame) => filter === null || this.#truth(filter, frame, relations) === true,
        )
        return [as, aggregate(call, of, counted, distinct)]
      }),
    )
  }
}

export function extend(outer: Frame | null, alias: string, row: Row | null): Frame {
  return { alias, row, outer }
}

function columnOf(frame: Frame | null, { alias, name }: Column): Value {
  for (let one = frame; one !== null; one = one.outer) {
    if (one.alias === alias) return one.row?.[name] ?? null
  }
  throw new TypeError(`no row of ${alias} is in view`)
}

function negate(value: Truth, really: boolean): Truth {
  return value === null || !really ? value : !value
}

function every(values: readonly Truth[]): Truth {
  if (values.includes(false)) return false
  return values.includes(null) ? null : true
}

function among(value: Value, values: readonly Value[]): Truth {
  const answers = values.map((one) => compare(value, '=', one))
  if (answers.includes(true)) return true
  return answers.includes(null) ? null : false
}

/** Patterns here are letters and `%` at either end. */
function like(value: Value, pattern: string): Truth {
  if (value === null) return null
  return new RegExp(`^${pattern.replaceAll('%', '.*')}$`).test(String(value))
}

function compare(left: Value, operator: string, right: Value): Truth {
  if (operator === 'is distinct from') return left !== right
  if (operator === 'is not distinct from') return left === right
  if (left === null || right === null) return null
  if (operator === '=') return left === right
  if (operator === '!=') return left !== right
  if (operator === '<') return left < right
  if (operator === '<=') return left <= right
  return operator === '>' ? left > right : left >= right
}

function aggregate(
  call: string,
  of: Column | null,
  members: readonly (Frame | null)[],
  distinct = false,
): Value {
  if (of === null) return members.length
  const all = members.map((frame) => columnOf(frame, of)).filter((value) => value !== null)
  const values = distinct ? [...new Set(all)] : all
  if (call === 'count') return values.length
  if (values.length === 0) return null
  if (call === 'sum') return values.reduce<number>((sum, value) => sum + Number(value), 0)
  return values.reduce((best, value) => ((call === 'max' ? value > best : value < best) ? value : best))
}

/** The values in order of their columns: equal for equal rows. */
function keyOf(row: Row): string {
  return JSON.stringify(Object.values(row))
}

function unique(rows: readonly Row[], key: (row: Row) => string = keyOf): Row[] {
  const found = new Map<string, Row>()
  for (const row of rows) if (!found.has(key(row))) found.set(key(row), row)
  return [...found.values()]
}

function combine({ set, outputs }: Select, left: readonly Row[], right: readonly Row[]): Row[] {
  // A set operation takes the names of its first query.
  const renamed = right.map((row) =>
    Object.fromEntries(Object.values(row).map((value, i) => [outputs[i]!.as, value])),
  )
  if (set!.operator === 'unionAll') return [...left, ...renamed]
  if (set!.operator === 'union') return unique([...left, ...renamed])
  const keys = new Set(renamed.map(keyOf))
  return unique(left).filter((row) => keys.has(keyOf(row)) === (set!.operator === 'intersect'))
}

function compareRows({ order }: Select, left: Row, right: Row): number {
  for (const { as, ...how } of order) {
    const sign = compareValues(left[as] ?? null, right[as] ?? null, how)
    if (sign !== 0) return sign
  }
  return 0
}

function compareValues(
  left: Value,
  right: Value,
  { descending, nulls }: { readonly descending: boolean; readonly nulls: 'first' | 'last' | null },
): number {
  if (left === right) return 0
  if (left === null || right === null) {
    const nullsFirst = (nulls ?? (descending ? 'first' : 'last')) === 'first'
    return (left === null) === nullsFirst ? -1 : 1
  }
  return left < right !== descending ? -1 : 1
}
