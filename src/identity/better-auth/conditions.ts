import type { CleanedWhere } from 'better-auth/adapters'
import { IdentityError } from '../errors.ts'
import type { ModelTable } from './models.ts'

/** A row by its columns. */
export type Row = Readonly<Record<string, unknown>>

/** A condition over a column of ours, its value as it is stored. */
export interface Condition {
  readonly column: string
  readonly operator: NonNullable<CleanedWhere['operator']>
  readonly connector: NonNullable<CleanedWhere['connector']>
  readonly value: unknown
}

/** Comparisons that the database can make, by Better Auth's names. */
const SQL_OPERATORS = { eq: '=', in: 'in', lt: '<', lte: '<=', gt: '>', gte: '>=' } as const

/** A condition that goes to the database. */
export interface SqlCondition {
  readonly column: string
  readonly operator: (typeof SQL_OPERATORS)[keyof typeof SQL_OPERATORS]
  readonly value: unknown
}

/**
 * The conditions that the database can narrow the rows by. All of them are compared again over the
 * opened rows: sealed fields and alternatives are beyond SQL.
 *
 * @throws IdentityError `ERR_IDENTITY_QUERY` where the database would have to return the whole table
 */
export function narrowing(conditions: readonly Condition[], { table, found }: ModelTable): SqlCondition[] {
  const narrowed = conditions.flatMap(({ column, operator, connector, value }) => {
    const name = SQL_OPERATORS[operator as keyof typeof SQL_OPERATORS]
    const usable = name !== undefined && connector === 'AND' && found.has(column) && value !== null
    return usable ? [{ column, operator: name, value }] : []
  })
  if (narrowed.length > 0) return narrowed
  throw new IdentityError(
    'ERR_IDENTITY_QUERY',
    `a look-up in ${table} names no field that it can be found by`,
  )
}

/** Whether a row meets all conditions joined by AND and, if there are any, one of those joined by OR. */
export function meets(row: Row, conditions: readonly Condition[]): boolean {
  const any = conditions.filter(({ connector }) => connector === 'OR')
  const all = conditions.filter(({ connector }) => connector !== 'OR')
  return all.every((one) => holds(row, one)) && (any.length === 0 || any.some((one) => holds(row, one)))
}

function holds(row: Row, { column, operator, value }: Condition): boolean {
  const left = comparable(row[column])
  const right = comparable(value)
  return COMPARE[operator](left, right)
}

type Comparison = (left: unknown, right: unknown) => boolean

const COMPARE: Readonly<Record<Condition['operator'], Comparison>> = {
  eq: (left, right) => left === right,
  ne: (left, right) => left !== right,
  lt: (left, right) => difference(left, right) < 0,
  lte: (left, right) => difference(left, right) <= 0,
  gt: (left, right) => difference(left, right) > 0,
  gte: (left, right) => difference(left, right) >= 0,
  in: (left, right) => Array.isArray(right) && right.includes(left),
  not_in: (left, right) => Array.isArray(right) && !right.includes(left),
  contains: (left, right) => text(left).includes(text(right)),
  starts_with: (left, right) => text(left).startsWith(text(right)),
  ends_with: (left, right) => text(left).endsWith(text(right)),
}

function comparable(value: unknown): unknown {
  if (value instanceof Date) return value.getTime()
  return value === undefined ? null : value
}

/** Not a number, and so in no order, where either side is none. */
function difference(left: unknown, right: unknown): number {
  return typeof left === 'number' && typeof right === 'number' ? left - right : Number.NaN
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
