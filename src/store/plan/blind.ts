import {
  BinaryOperationNode,
  OperatorNode,
  PrimitiveValueListNode,
  ValueNode,
  type OperationNode,
  type Operator,
} from 'kysely'
import type { Resource } from '../../declare/index.ts'
import { StoreError } from '../errors.ts'
import { isKind, take } from './nodes.ts'
import { isReference, refuseSealed, type Resolved, type Scope } from './scope.ts'
import { Slot } from './slots.ts'
import { columnOf } from './table.ts'

/** A parameter that becomes the blind index of its value when the statement runs. */
export class BlindValue {
  readonly resource: Resource
  readonly field: string
  /** The tenant of the index key; null for the installation's. */
  readonly tenant: string | null
  /** A slot only in a plan that is kept; never in one that runs. */
  readonly value: string | number | Slot

  constructor(resource: Resource, field: string, tenant: string | null, value: string | number | Slot) {
    this.resource = resource
    this.field = field
    this.tenant = tenant
    this.value = value
  }
}

const EQUALITIES: readonly string[] = [
  '=',
  '!=',
  '<>',
  'in',
  'not in',
  'is distinct from',
  'is not distinct from',
]
const NULL_TESTS: readonly string[] = ['is', 'is not']

/**
 * A value that the indexed field could hold, and so can be looked for.
 * @throws StoreError `ERR_STORE_VALUE`
 */
function toIndexable(resource: Resource, field: string, value: unknown): string | number | Slot {
  if (value instanceof Slot) return value.checkedBy((later) => toIndexable(resource, field, later))
  const { kind } = resource.fields[field]!
  if (kind === 'integer' ? Number.isSafeInteger(value) : typeof value === 'string' && value.isWellFormed()) {
    return value as string | number
  }
  throw new StoreError(
    'ERR_STORE_VALUE',
    `${resource.name}.${field} is compared with something that it cannot hold`,
  )
}

/** `field operator right` over the blind column, where that means the same as over the plain text. */
export function planBlindComparison(
  scope: Scope,
  left: Resolved,
  operator: Operator,
  right: OperationNode,
): OperationNode {
  const column = blindReference(left)
  if (NULL_TESTS.includes(operator) && isNull(right)) {
    return BinaryOperationNode.create(column, OperatorNode.create(operator), ValueNode.createImmediate(null))
  }
  if (!EQUALITIES.includes(operator)) refuseSealed(left.sealed!)
  return BinaryOperationNode.create(column, OperatorNode.create(operator), planOperand(scope, left, right))
}

/** The blind column of a sealed reference, for comparing and grouping. */
export function blindReference({ source, sealed }: Resolved): OperationNode {
  if (!sealed?.blind) return refuseSealed(sealed!)
  return columnOf(source.alias, sealed.blind)
}

/** Grouping and counting compare across all rows in reach: they must all be indexed under one key. */
export function groupedReference(scope: Scope, resolved: Resolved): OperationNode {
  const column = blindReference(resolved)
  scope.authority.blindTenant(resolved.sealed!.carrier.resource, resolved.sealed!.field)
  return column
}

function planOperand(scope: Scope, left: Resolved, right: OperationNode): OperationNode {
  if (isKind(right, 'ValueNode'))
    return ValueNode.create(blindValue(scope, left, take(right, 'ValueNode').value))
  if (isKind(right, 'PrimitiveValueListNode')) {
    const { values } = take(right, 'PrimitiveValueListNode')
    return PrimitiveValueListNode.create(values.map((value) => blindValue(scope, left, value)))
  }
  if (isKind(right, 'ValueListNode')) {
    const values = take(right, 'ValueListNode').values.map((value) => take(value, 'ValueNode').value)
    return PrimitiveValueListNode.create(values.map((value) => blindValue(scope, left, value)))
  }
  return isReference(right) ? planSameField(scope, left, scope.resolve(right)) : refuseSealed(left.sealed!)
}

function blindValue(scope: Scope, { sealed }: Resolved, value: unknown): BlindValue | null {
  if (value === null || value === undefined) return null
  // The planner's own look-up of a row that it knows the tenant of; nobody else has one to hand in.
  if (value instanceof BlindValue) return value
  const { resource } = sealed!.carrier
  const tenant = scope.authority.blindTenant(resource, sealed!.field)
  return new BlindValue(resource, sealed!.field, tenant, toIndexable(resource, sealed!.field, value))
}

/** Two columns compare only where both hold the same field of one resource: one key made them. */
function planSameField(scope: Scope, left: Resolved, right: Resolved): OperationNode {
  const same =
    right.sealed?.field === left.sealed!.field &&
    right.sealed.carrier.resource === left.sealed!.carrier.resource
  return same ? groupedReference(scope, right) : refuseSealed(left.sealed!)
}

function isNull(node: OperationNode): boolean {
  return isKind(node, 'ValueNode') && take(node, 'ValueNode').value === null
}
