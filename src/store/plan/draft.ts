import {
  BinaryOperationNode,
  ColumnNode,
  OperatorNode,
  ValueNode,
  type ColumnUpdateNode,
  type OperationNode,
} from 'kysely'
import { ownerColumns, type Resource } from '../../declare/index.ts'
import { formatMoment } from '../../kernel/index.ts'
import { describeName, StoreError } from '../errors.ts'

/** A row to be stored, by field name: validated, bound to its owner, not yet sealed. */
export type Draft = Readonly<Record<string, unknown>>

/** A parameter that becomes a column of a stored row when the statement runs. */
export class RowSlot {
  readonly row: number
  readonly column: string

  constructor(row: number, column: string) {
    this.row = row
    this.column = column
  }
}

export function assignment(column: string, value: OperationNode): ColumnUpdateNode {
  return { kind: 'ColumnUpdateNode', column: ColumnNode.create(column), value }
}

/** @throws StoreError `ERR_STORE_OWNER_FIXED` */
export function refuseOwnerColumn(resource: Resource, column: string): void {
  if (ownerColumns(resource).includes(column)) {
    throw new StoreError(
      'ERR_STORE_OWNER_FIXED',
      `${resource.name}.${column} says whose row it is and does not change here`,
    )
  }
}

/** @throws StoreError `ERR_STORE_UNKNOWN_COLUMN` */
export function refuseUndeclared(resource: Resource, column: string): never {
  throw new StoreError(
    'ERR_STORE_UNKNOWN_COLUMN',
    `${resource.name} declares no field ${describeName(column)}`,
  )
}

/**
 * A field's value as the driver takes it: JSON as text, since it would write a list as an array; a
 * moment in UTC, since it would round a time zone's old offset to minutes.
 */
export function toParameter(resource: Resource, field: string, value: unknown): unknown {
  if (value === null || value === undefined) return null
  if (resource.fields[field]?.kind === 'json') return JSON.stringify(value)
  if (value instanceof Date) return formatMoment(value.getTime())
  return value instanceof Uint8Array ? Buffer.from(value) : value
}

/** `column = slot`, for finding a stored row again. */
export function equalsSlot(left: OperationNode, slot: RowSlot): OperationNode {
  return BinaryOperationNode.create(left, OperatorNode.create('='), ValueNode.create(slot))
}
