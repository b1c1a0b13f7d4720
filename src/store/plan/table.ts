import {
  AndNode,
  BinaryOperationNode,
  ColumnNode,
  IdentifierNode,
  OperatorNode,
  OrNode,
  ReferenceNode,
  TableNode,
  ValueNode,
  type OperationNode,
} from 'kysely'
import {
  blindColumn,
  blindFields,
  clearFields,
  envelopesOf,
  IMPLICIT_COLUMNS,
  isSealed,
} from '../../declare/index.ts'
import type { Envelope, Resource } from '../../declare/index.ts'

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

/** `left or right or …` as a balanced tree, which nests no deeper than it must; null of nothing. */
export function anyOf(conditions: readonly OperationNode[]): OperationNode | null {
  if (conditions.length < 2) return conditions[0] ?? null
  const middle = conditions.length >> 1
  return OrNode.create(anyOf(conditions.slice(0, middle))!, anyOf(conditions.slice(middle))!)
}

export function both(left: OperationNode | null, right: OperationNode | null): OperationNode | null {
  return left && right ? AndNode.create(left, right) : (left ?? right)
}

/** True when rows of the resource have an envelope, or several. */
export function hasEnvelope(resource: Resource): boolean {
  return envelopesOf(resource).length > 0
}

/** The sealed fields with a blind column. */
export function indexedFields(resource: Resource): string[] {
  return blindFields(resource).filter((name) => isSealed(resource, resource.fields[name]!))
}

/** Columns that a caller may name and that are stored as they are. */
export function visibleColumns(resource: Resource): string[] {
  return [...IMPLICIT_COLUMNS, ...clearFields(resource)]
}

/** What opening an envelope takes: itself and every clear column that it authenticates. */
export function carriedColumns({ column, clear }: Envelope): string[] {
  return [column, ...clear]
}

/**
 * The columns of the resource's table that hold the allowed fields, or take part in opening them.
 * @param allowed null: every field
 */
export function storedColumns(resource: Resource, allowed: ReadonlySet<string> | null = null): string[] {
  const isAllowed = (field: string): boolean => allowed === null || allowed.has(field)
  const envelopes = envelopesOf(resource).filter(({ sealed }) => sealed.some(isAllowed))
  const opening = new Set(envelopes.flatMap(carriedColumns))
  return [
    ...visibleColumns(resource).filter((column) => {
      return isAllowed(column) || opening.has(column) || IMPLICIT_COLUMNS.some((name) => name === column)
    }),
    ...envelopes.map(({ column }) => column),
    ...indexedFields(resource).filter(isAllowed).map(blindColumn),
  ]
}
