import { AliasNode, SelectionNode, type OperationNode, type ReturningNode } from 'kysely'
import { ownerColumns, type Resource } from '../../declare/index.ts'
import type { Authority } from './authority.ts'
import { isKind, take } from './nodes.ts'
import { checkName, readIdentifier, readTable, type Scope } from './scope.ts'
import { planSelections, type Output } from './selections.ts'
import { columnOf, identifier, tableOf } from './table.ts'

/** The table that a statement changes. */
export interface Target {
  readonly resource: Resource
  readonly alias: string
  /** The table itself, by its alias. */
  readonly node: OperationNode
}

/**
 * Reads the changed table: always a declared resource, never a CTE of that name.
 * @throws StoreError `ERR_STORE_UNKNOWN_TABLE`
 */
export function readTarget(authority: Authority, node: OperationNode): Target {
  const aliased = isKind(node, 'AliasNode') ? take(node, 'AliasNode') : null
  const table = readTable(aliased?.node ?? node)
  const resource = authority.resource(table)
  const alias = checkName(aliased ? readIdentifier(aliased.alias) : table)
  return { resource, alias, node: AliasNode.create(tableOf(resource), identifier(alias)) }
}

export interface PlannedReturning {
  readonly node: ReturningNode | null
  readonly outputs: readonly Output[]
}

/** RETURNING reads: the permission to read is asked for, and sealed fields bring their hidden columns. */
export function planReturning(
  scope: Scope,
  target: Target,
  node: OperationNode | undefined,
): PlannedReturning {
  if (!node) return { node: null, outputs: [] }
  scope.authority.permit(target.resource, 'read')
  const selected = planSelections(scope, take(node, 'ReturningNode').selections, 'root')
  return { node: { kind: 'ReturningNode', selections: selected.nodes }, outputs: selected.outputs }
}

/** Begins the hidden columns of a changed row: the audit trail learns from them which row it is and whose. */
export const CHANGED_PREFIX = '_audit_'

/**
 * RETURNING with the hidden columns of a changed row. They are the store's own to read: a change that
 * chooses its rows asks for the permission to read them already.
 */
export function returningChanged({ resource, alias }: Target, { node }: PlannedReturning): ReturningNode {
  const hidden = ['id', ...ownerColumns(resource)].map((column) =>
    SelectionNode.create(
      AliasNode.create(columnOf(alias, column), identifier(`${CHANGED_PREFIX}${column}`)) as never,
    ),
  )
  return { kind: 'ReturningNode', selections: [...(node?.selections ?? []), ...hidden] }
}
