/**
 * The statements of the property suite as plain data: `build.ts` turns one into a governed Kysely query,
 * `evaluate.ts` and `model.ts` answer the same one from arrays. Neither side knows the other.
 */
export const TABLES = ['heartbeats', 'people', 'teams', 'notes', 'rates'] as const
export type Table = (typeof TABLES)[number]
export type Value = string | number | null
export type Row = Readonly<Record<string, Value>>

/** What a value means: only values of one domain are compared. */
export type Domain = Table | 'person' | 'tenant' | 'word' | 'number' | 'project' | 'team' | 'email' | 'secret'
export type Kind = 'clear' | 'indexed' | 'sealed'

export interface Column {
  readonly is: 'column'
  readonly alias: string
  readonly name: string
  readonly kind: Kind
  readonly domain: Domain
}

export interface Literal {
  readonly is: 'value'
  readonly value: Value
  readonly domain: Domain
}

/** What the current row is told of the rows beside it. */
export interface Window {
  readonly is: 'window'
  readonly call: 'row_number' | 'rank' | 'dense_rank' | 'count' | 'sum' | 'min' | 'max'
  readonly of: Column | null
  readonly by: readonly Column[]
  readonly order: readonly { readonly column: Column; readonly descending: boolean }[]
}

export type Expression =
  | Column
  | Literal
  | Window
  | { readonly is: 'coalesce'; readonly parts: readonly Expression[] }
  | {
      readonly is: 'case'
      readonly when: Condition
      readonly result: Expression
      readonly otherwise: Expression
    }
  | { readonly is: 'plus' | 'times'; readonly left: Expression; readonly right: Expression }
  | { readonly is: 'length'; readonly of: Expression }
  | { readonly is: 'scalar'; readonly query: Select }

export type Comparison = '=' | '!=' | '<' | '<=' | '>' | '>='
export type Difference = 'is distinct from' | 'is not distinct from'

export type Condition =
  | { readonly is: 'always' }
  | {
      readonly is: 'compare'
      readonly left: Expression
      readonly operator: Comparison | Difference
      readonly right: Expression
    }
  | { readonly is: 'null'; readonly of: Column; readonly not: boolean }
  | { readonly is: 'in'; readonly of: Column; readonly values: readonly Value[]; readonly not: boolean }
  | { readonly is: 'like'; readonly of: Column; readonly pattern: string; readonly not: boolean }
  | { readonly is: 'between'; readonly of: Expression; readonly low: Literal; readonly high: Literal }
  | { readonly is: 'inQuery'; readonly of: Column; readonly query: Select; readonly not: boolean }
  | { readonly is: 'exists'; readonly query: Select; readonly not: boolean }
  | { readonly is: 'and' | 'or'; readonly parts: readonly Condition[] }
  | { readonly is: 'not'; readonly part: Condition }
  /** Nothing that the store may run, by its name in `refused.ts`. */
  | { readonly is: 'refused'; readonly shape: string; readonly column: Column }

export type Source = { readonly table: Table } | { readonly query: Select } | { readonly cte: string }

export interface Item {
  readonly alias: string
  readonly source: Source
}

export const JOINS = ['inner', 'left', 'right', 'full', 'cross'] as const
export const LATERAL_JOINS = ['innerLateral', 'leftLateral', 'crossLateral'] as const

export interface Join extends Item {
  readonly kind: (typeof JOINS | typeof LATERAL_JOINS)[number]
  readonly on: Condition
}

export interface Output {
  readonly as: string
  readonly of: Expression
}

export interface Aggregate {
  readonly as: string
  readonly call: 'count' | 'sum' | 'min' | 'max'
  /** Null counts rows. */
  readonly of: Column | null
  readonly distinct: boolean
  readonly filter: Condition | null
}

export interface Order {
  readonly as: string
  readonly descending: boolean
  /** Null: last when ascending, first when descending. */
  readonly nulls: 'first' | 'last' | null
}

export type SetOperator = 'union' | 'unionAll' | 'except' | 'intersect'

export interface Select {
  readonly ctes: readonly { readonly name: string; readonly query: Select }[]
  readonly from: Item
  readonly joins: readonly Join[]
  readonly where: Condition | null
  readonly outputs: readonly Output[]
  /** Not null: rows are grouped by the outputs, which are columns then. */
  readonly aggregates: readonly Aggregate[] | null
  /** Keeps groups of at least that many rows. */
  readonly having: number | null
  /** `on`: one row for each value of the first output, the first in the order. */
  readonly distinct: 'no' | 'all' | 'on'
  readonly set: { readonly operator: SetOperator; readonly query: Select } | null
  readonly order: readonly Order[]
  readonly limit: number | null
  readonly offset: number
}

export interface Conflict {
  /** Null: any. */
  readonly columns: readonly string[] | null
  /** Null: nothing is done. */
  readonly set: Readonly<Record<string, 'excluded' | Literal>> | null
  readonly where: Condition | null
}

export interface Insert {
  readonly does: 'insert'
  readonly table: Table
  readonly rows: readonly Row[]
  /** Owner columns that the store is to fill in. */
  readonly omits: readonly string[]
  readonly conflict: Conflict | null
  readonly returning: readonly string[]
}

export interface Update {
  readonly does: 'update'
  readonly table: Table
  readonly set: Readonly<Record<string, Expression>>
  readonly from: Item | null
  readonly where: Condition | null
  readonly returning: readonly string[]
}

export interface Delete {
  readonly does: 'delete'
  readonly table: Table
  readonly using: Item | null
  readonly where: Condition | null
  readonly returning: readonly string[]
}

/** A statement that the store refuses whoever asks, by its name in `refused.ts`. */
export interface Refused {
  readonly does: 'refused'
  readonly shape: string
}

export type Change = Insert | Update | Delete
export type Statement = { readonly does: 'select'; readonly query: Select } | Change | Refused

/** One statement, who asks, and for a change what is asked afterwards in its transaction. */
export interface Case {
  readonly asking: number
  readonly statement: Statement
  readonly afterwards: Select | null
}
