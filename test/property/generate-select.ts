import { columnsOf } from './columns.ts'
import { ExpressionGenerator, inside, type Surroundings } from './generate-expression.ts'
import {
  JOINS,
  LATERAL_JOINS,
  TABLES,
  type Aggregate,
  type Column,
  type Condition,
  type Domain,
  type Expression,
  type Item,
  type Join,
  type Order,
  type Output,
  type Select,
  type SetOperator,
  type Table,
  type Window,
} from './query.ts'

const SET_OPERATORS: readonly SetOperator[] = ['union', 'unionAll', 'except', 'intersect']

export class SelectGenerator extends ExpressionGenerator {
  #names = 0

  select(around: Surroundings, wanted: readonly Domain[] | null = null): Select {
    const random = this.random
    const ctes = new Map(around.ctes)
    const made: { name: string; query: Select }[] = []
    if (around.isTop && random.chance(0.15)) {
      const { query, columns } = this.#derived({ ...inside(around), depth: 0, ctes })
      const name = this.#name('cte')
      ctes.set(name, columns)
      made.push({ name, query })
    }
    const here = { ...around, ctes }
    const { item: from, columns: first } = this.item(here)
    const columns = [...first]
    const joins: Join[] = []
    const most = around.depth > 0 ? random.pick([0, 0, 0, 1, 1, 2]) : random.pick([0, 0, 1])
    while (joins.length < most) joins.push(this.#join(columns, here))
    const where = random.chance(0.6) ? this.condition([...columns, ...around.outer], here) : null
    const plain: Select = {
      ctes: made,
      from,
      joins,
      where,
      outputs: [],
      aggregates: null,
      having: null,
      distinct: 'no',
      set: null,
      order: [],
      limit: null,
      offset: 0,
    }
    if (wanted) return { ...plain, outputs: this.#wanted(columns, here, wanted) }
    if (random.chance(0.2)) return this.#grouped(plain, columns, here)
    return this.#listed({ ...plain, outputs: this.#outputs(plain, columns, here) }, here)
  }

  #name(prefix: string): string {
    return `${prefix}${this.#names++}`
  }

  /** Mostly one that may be read, or nearly everything would be refused. */
  #table(): Table {
    const readable = TABLES.filter((table) => this.ground.asker.may[table].read !== 'none')
    if (readable.length === 0 || this.random.chance(0.03)) return this.random.pick(TABLES)
    return readable.includes('heartbeats') && this.random.chance(0.5)
      ? 'heartbeats'
      : this.random.pick(readable)
  }

  item(around: Surroundings): { item: Item; columns: readonly Column[] } {
    const random = this.random
    const alias = this.#name('t')
    if (around.ctes.size > 0 && random.chance(0.5)) {
      const cte = random.pick([...around.ctes.keys()])
      return { item: { alias, source: { cte } }, columns: renamed(around.ctes.get(cte)!, alias) }
    }
    if (around.depth > 0 && random.chance(0.15)) {
      const { query, columns } = this.#derived(inside(around))
      return { item: { alias, source: { query } }, columns: renamed(columns, alias) }
    }
    const table = this.#table()
    return { item: { alias, source: { table } }, columns: columnsOf(table, alias) }
  }

  #derived(around: Surroundings): { query: Select; columns: readonly Column[] } {
    const query = this.select(around)
    return { query, columns: outputsOf(query) }
  }

  /** Adds the joined item's columns to `columns`. */
  #join(columns: Column[], around: Surroundings): Join {
    const random = this.random
    if (around.depth > 0 && random.chance(0.2)) return this.#lateral(columns, around)
    const { item, columns: joined } = this.item({ ...around, depth: 0 })
    const pairs = joined.flatMap((right) =>
      columns
        .filter((left) => left.domain === right.domain && this.isComparable(left))
        .map((left): Condition => ({ is: 'compare', left, operator: '=', right })),
    )
    columns.push(...joined)
    if (pairs.length === 0 || random.chance(0.08)) return { ...item, kind: 'cross', on: { is: 'always' } }
    const kind = random.pick(JOINS.filter((one) => one !== 'cross'))
    const same = random.pick(pairs)
    // A full join is on equalities alone.
    const narrower = kind !== 'full' && random.chance(0.3)
    const on: Condition = narrower ? { is: 'and', parts: [same, this.filter(columns, around)] } : same
    return { ...item, kind, on }
  }

  #lateral(columns: Column[], around: Surroundings): Join {
    const alias = this.#name('t')
    const { query, columns: joined } = this.#derived(inside(around, columns))
    columns.push(...renamed(joined, alias))
    const kind = this.random.pick(LATERAL_JOINS)
    const always = kind === 'crossLateral' || this.random.chance(0.6)
    const on: Condition = always ? { is: 'always' } : this.filter(columns, around)
    return { alias, source: { query }, kind, on }
  }

  #wanted(columns: readonly Column[], around: Surroundings, domains: readonly Domain[]): Output[] {
    return domains.map((domain, i) => ({ as: `c${i}`, of: this.expression(columns, around, domain) }))
  }

  #outputs({ from, joins }: Select, columns: readonly Column[], around: Surroundings): Output[] {
    const random = this.random
    const chosen: Expression[] = columns.filter(() => random.chance(0.35)).slice(0, 6)
    if (random.chance(0.35)) {
      chosen.push(this.expression(columns, around, random.pick(['number', 'word'] as const)))
    }
    if (random.chance(0.12)) {
      const hasKey = 'table' in from.source && joins.length === 0
      chosen.push(this.#window(columns, hasKey ? columns[0]! : null))
    }
    const some = chosen.length > 0 ? chosen : [columns[0]!]
    return some.map((of, i) => ({ as: `c${i}`, of }))
  }

  /** @param key what no two rows share, where there is such a column */
  #window(columns: readonly Column[], key: Column | null): Window {
    const random = this.random
    const clear = columns.filter(({ kind }) => kind === 'clear')
    const numbers = clear.filter(({ domain }) => domain === 'number')
    const by = columns.filter((column) => this.isComparable(column) && random.chance(0.2)).slice(0, 2)
    const sorted = clear.filter(() => random.chance(0.2)).slice(0, 2)
    const order = sorted.map((column) => ({ column, descending: random.chance(0.5) }))
    const window = { is: 'window', of: null, by, order } as const
    if (key && random.chance(0.4)) {
      return { ...window, call: 'row_number', order: [...order, { column: key, descending: false }] }
    }
    if (random.chance(0.4)) return { ...window, call: random.pick(['rank', 'dense_rank', 'count'] as const) }
    const [of] = numbers.filter(() => random.chance(0.6))
    return of
      ? { ...window, call: random.pick(['sum', 'min', 'max', 'count'] as const), of }
      : { ...window, call: 'count' }
  }

  #grouped(base: Select, columns: readonly Column[], around: Surroundings): Select {
    const random = this.random
    const by = columns.filter((column) => this.isComparable(column) && random.chance(0.25)).slice(0, 2)
    const outputs = by.map((of, i) => ({ as: `c${i}`, of }))
    const aggregates = this.#aggregates(columns, around)
    const order = by.every(({ kind }) => kind === 'clear') ? this.#order(outputs) : []
    // No two groups share all of their columns.
    const limited = order.length > 0 && random.chance(0.3)
    return {
      ...base,
      outputs,
      aggregates,
      having: random.chance(0.3) ? 1 + random.below(3) : null,
      order,
      limit: limited ? 1 + random.below(4) : null,
    }
  }

  #aggregates(columns: readonly Column[], around: Surroundings): Aggregate[] {
    const random = this.random
    const filter = (): Condition | null => (random.chance(0.15) ? this.filter(columns, around) : null)
    const rows: Aggregate = { as: 'n', call: 'count', of: null, distinct: false, filter: filter() }
    const numbers = columns.filter(({ domain }) => domain === 'number')
    const countable = columns.filter((column) => this.isComparable(column))
    if (numbers.length > 0 && random.chance(0.6)) {
      const call = random.pick(['sum', 'min', 'max'] as const)
      return [rows, { as: 'm', call, of: random.pick(numbers), distinct: false, filter: filter() }]
    }
    if (countable.length === 0 || random.chance(0.4)) return [rows]
    const of = random.pick(countable)
    return [rows, { as: 'm', call: 'count', of, distinct: random.chance(0.5), filter: filter() }]
  }

  #order(outputs: readonly { readonly as: string }[]): Order[] {
    const random = this.random
    return outputs.map(({ as }) => {
      const nulls = random.chance(0.2) ? random.pick(['first', 'last'] as const) : null
      return { as, descending: random.chance(0.5), nulls }
    })
  }

  /** Adds what suits the outputs: set operations and `distinct` where all are clear, order and limit. */
  #listed(base: Select, around: Surroundings): Select {
    const random = this.random
    const outputs = outputsOf(base)
    const isClear = outputs.every(({ kind }) => kind === 'clear')
    if (isClear && random.chance(0.2)) return { ...base, distinct: 'all', order: this.#order(base.outputs) }
    if (isClear && random.chance(0.25)) {
      const query = this.select(
        { ...inside(around), depth: 0 },
        outputs.map(({ domain }) => domain),
      )
      return { ...base, set: { operator: random.pick(SET_OPERATORS), query } }
    }
    const table = 'table' in base.from.source && base.joins.length === 0 ? base.from.source.table : null
    if (table && base.outputs.every(({ of }) => of.is === 'column') && random.chance(0.15)) {
      return { ...base, set: { operator: 'unionAll', query: this.#sameAgain(base, table, around) } }
    }
    if (table && random.chance(0.5)) return this.#keyed(base, table)
    const clear = base.outputs.filter((_, i) => outputs[i]!.kind === 'clear')
    if (!around.isTop || clear.length === 0 || random.chance(0.5)) return base
    const order = this.#order(clear.slice(0, 2))
    if (random.chance(0.5)) return { ...base, order }
    return { ...base, order, limit: random.below(6), offset: random.below(3) }
  }

  /** The same columns of the same table under another condition; sealed ones, too. */
  #sameAgain(base: Select, table: Table, around: Surroundings): Select {
    const alias = this.#name('t')
    const outputs = base.outputs.map(({ as, of }) => ({ as, of: { ...(of as Column), alias } }))
    const where = this.condition(columnsOf(table, alias), { ...inside(around), depth: 0 })
    return { ...base, ctes: [], from: { alias, source: { table } }, outputs, where }
  }

  /** With the row's id in the outputs and the order, so that every cut is certain. */
  #keyed(base: Select, table: Table): Select {
    const random = this.random
    const columns = columnsOf(table, base.from.alias)
    const key: Output = { as: 'key', of: columns[0]! }
    const sorted = base.outputs.filter(({ of }) => of.is === 'column' && of.kind === 'clear').slice(0, 1)
    const outputs = [...base.outputs, key]
    if (sorted[0] === base.outputs[0] && random.chance(0.4)) {
      return { ...base, outputs, distinct: 'on', order: this.#order([...sorted, key]) }
    }
    const order = this.#order([...sorted, key])
    return { ...base, outputs, order, limit: 1 + random.below(6), offset: random.below(3) }
  }

  /** One row with one number. */
  protected scalar(outer: readonly Column[], around: Surroundings): Select {
    const query = this.select(inside(around, outer), ['number'])
    const table = this.#table()
    const columns = columnsOf(table, query.from.alias)
    const isPlain = query.joins.length === 0 && query.ctes.length === 0
    const where = isPlain ? this.condition([...columns, ...outer], { ...inside(around), depth: 0 }) : null
    const [aggregate] = this.#aggregates(columns, { ...inside(around), depth: 0 }).slice(-1)
    return {
      ...query,
      from: { alias: query.from.alias, source: { table } },
      joins: [],
      where,
      outputs: [],
      aggregates: [aggregate!],
    }
  }
}

/** What a query's outputs are to the query around it. */
function outputsOf(query: Select): Column[] {
  const outputs = query.outputs.map(({ as, of }): Column => {
    const kind = of.is === 'column' ? of.kind : 'clear'
    return { is: 'column', alias: '', name: as, kind, domain: domainOf(of) }
  })
  const counted = (query.aggregates ?? []).map(({ as }): Column => {
    return { is: 'column', alias: '', name: as, kind: 'clear', domain: 'number' }
  })
  return [...outputs, ...counted]
}

function domainOf(of: Expression): Domain {
  if (of.is === 'column' || of.is === 'value') return of.domain
  if (of.is === 'coalesce') return domainOf(of.parts[0]!)
  return of.is === 'case' ? domainOf(of.result) : 'number'
}

function renamed(columns: readonly Column[], alias: string): Column[] {
  return columns.map((column) => ({ ...column, alias }))
}
