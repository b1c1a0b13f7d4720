import {
  AndNode,
  BinaryOperationNode,
  ColumnNode,
  IdentifierNode,
  OperatorNode,
  ReferenceNode,
  TableNode,
  ValueNode,
  type OperationNode,
} from 'kysely'
import {
  blindColumn,
  blindFields,
  clearFields,
  ENVELOPE_COLUMN,
  IMPLICIT_COLUMNS,
  isSealed,
  sealedFields,
} from '../../declare/index.ts'
import type { Resource } from '../../declare/index.ts'

/** The schema of all governed tables; always written out, so no CTE or search path can stand in for one. */
export const SCHEMA = 'app'

export function tableOf(resource: Resource): TableNode {
  return TableNode.createWithSchema(SCHEMA, resource.name)
}

export function columnOf(alias: string, column: string): ReferenceNode {
  return ReferenceNode.create(ColumnNode.create(column), TableNode.create(alias))
}

export function identifier(name: string): IdentifierNode {
  return IdentifierNode.create(name)
}

/** `left = value` with the value as a parameter. */
export function equals(left: OperationNode, value: unknown): OperationNode {
  return BinaryOperationNode.create(left, OperatorNode.create('='), ValueNode.create(value))
}

export function both(left: OperationNode | null, right: OperationNode | null): OperationNode | null {
  return left && right ? AndNode.create(left, right) : (left ?? right)
}

/** True when rows of the resource have an envelope. */
export function hasEnvelope(resource: Resource): boolean {
  return sealedFields(resource).length > 0
}

/** The sealed fields with a blind column. */
export function indexedFields(resource: Resource): string[] {
  return blindFields(resource).filter((name) => isSealed(resource, resource.fields[name]!))
}

/** Columns that a caller may name and that are stored as they are. */
export function visibleColumns(resource: Resource): string[] {
  return [...IMPLICIT_COLUMNS, ...clearFields(resource)]
}

/** What opening a row takes: its envelope and every clear column, which the envelope authenticates. */
export function carriedColumns(resource: Resource): string[] {
  return [ENVELOPE_COLUMN, ...visibleColumns(resource)]
}

/** Every column of the resource's table. */
export function storedColumns(resource: Resource): string[] {
  const envelope = hasEnvelope(resource) ? [ENVELOPE_COLUMN] : []
  return [...visibleColumns(resource), ...envelope, ...indexedFields(resource).map(blindColumn)]
}
