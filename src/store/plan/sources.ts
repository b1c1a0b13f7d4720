import {
  AliasNode,
  FromNode,
  ParensNode,
  SelectionNode,
  TableNode,
  WhereNode,
  type JoinNode,
  type JoinType,
  type OperationNode,
  type SelectQueryNode,
} from 'kysely'
import {
  blindColumn,
  envelopesOf,
  IMPLICIT_COLUMNS,
  ownerColumns,
  type Resource,
} from '../../declare/index.ts'
import { StoreError } from '../errors.ts'
import { planExpression } from './expression.ts'
import { fragmentOf, isKind, refuseNode, take } from './nodes.ts'
import { readIdentifier, readTable, type Columns, type Scope, type SealedColumn } from './scope.ts'
import {
  carriedColumns,
  columnOf,
  identifier,
  indexedFields,
  storedColumns,
  tableOf,
  visibleColumns,
} from './table.ts'

/** A planned select list element of FROM, with what it offers. */
export interface PlannedSource {
  readonly node: OperationNode
  readonly alias: string
  readonly columns: Columns
  readonly resource?: Resource
}

/** Plans a select as a derived table; passed in, because selects and their sources nest. */
export type DerivedPlanner = (
  around: Scope | null,
  scope: Scope,
  node: OperationNode,
) => { node: OperationNode; columns: Columns }

export interface SourceContext {
  readonly scope: Scope
  readonly derive: DerivedPlanner
  /** True for a table whose rows the select locks. */
  readonly locks: (alias: string) => boolean
  /** True where the store itself looks at whole rows. */
  readonly whole?: boolean
}

/** Adds the tables of FROM and the joins to the scope, each bound to the principal's rows. */
export function planFrom(context: SourceContext, from: OperationNode | undefined): FromNode | null {
  if (!from) return null
  return FromNode.create(take(from, 'FromNode').froms.map((node) => addSource(context, node, false)))
}

type Lateral = 'always' | 'no'
const JOINS: Readonly<Partial<Record<JoinType, Lateral>>> = {
  InnerJoin: 'no',
  LeftJoin: 'no',
  RightJoin: 'no',
  FullJoin: 'no',
  CrossJoin: 'no',
  LateralInnerJoin: 'always',
  LateralLeftJoin: 'always',
  LateralCrossJoin: 'always',
}

export function planJoin(context: SourceContext, node: OperationNode): JoinNode {
  const { joinType, table, on } = take(node, 'JoinNode')
  const lateral = Object.hasOwn(JOINS, joinType) ? JOINS[joinType] : undefined
  if (!lateral) throw new StoreError('ERR_STORE_UNSUPPORTED', 'this type of join is not governed')
  const planned = addSource(context, table, lateral === 'always')
  return {
    kind: 'JoinNode',
    joinType,
    table: planned,
    ...(on && { on: { kind: 'OnNode', on: planCondition(context.scope, take(on, 'OnNode').on) } }),
  }
}

/** `on true`, as Kysely writes `onTrue()`, or any expression. */
function planCondition(scope: Scope, node: OperationNode): OperationNode {
  if (!isKind(node, 'RawNode')) return planExpression(scope, node)
  fragmentOf(node, ['true'])
  return { kind: 'ValueNode', value: true, immediate: true } as OperationNode
}

function addSource(context: SourceContext, node: OperationNode, lateral: boolean): OperationNode {
  const planned = planSource(context, node, lateral)
  context.scope.add(planned)
  return planned.node
}

function planSource(context: SourceContext, node: OperationNode, lateral: boolean): PlannedSource {
  if (isKind(node, 'TableNode')) return planTable(context, readTable(node), readTable(node))
  const { node: inner, alias: aliasNode } = take(node, 'AliasNode')
  const alias = readIdentifier(aliasNode)
  if (isKind(inner, 'TableNode')) return planTable(context, readTable(inner), alias)
  const select = isKind(inner, 'ParensNode') ? take(inner, 'ParensNode').node : inner
  if (!isKind(select, 'SelectQueryNode')) refuseNode(select)
  if (context.locks(alias)) refuseLock()
  const { scope } = context
  const planned = context.derive(lateral ? scope : scope.parent, scope, select)
  return { node: aliased(ParensNode.create(planned.node), alias), alias, columns: planned.columns }
}

function planTable(context: SourceContext, name: string, alias: string): PlannedSource {
  const { scope, locks, whole = false } = context
  const cte = scope.ctes.get(name)
  if (!cte) return planResource(scope, scope.authority.resource(name), alias, { locked: locks(alias), whole })
  if (locks(alias)) refuseLock()
  return { node: aliased(TableNode.create(name), alias), alias, columns: cte }
}

/**
 * A governed table as a derived table of the rows in scope. The condition is inside it, so it holds
 * in every kind of join and under any outer condition; the database's planner flattens it. Columns
 * that the principal may not read are not in it.
 */
function planResource(
  scope: Scope,
  resource: Resource,
  alias: string,
  { locked, whole }: { readonly locked: boolean; readonly whole: boolean },
): PlannedSource {
  const { authority } = scope
  const reach = authority.permitAll(resource, locked ? ['read', 'write'] : ['read'])
  const predicate = authority.predicate(resource, resource.name, reach)
  const select: SelectQueryNode = {
    kind: 'SelectQueryNode',
    from: FromNode.create([tableOf(resource)]),
    selections: storedColumns(resource, whole ? null : authority.columns(resource, 'read')).map((column) =>
      SelectionNode.create(columnOf(resource.name, column)),
    ),
    ...(predicate && { where: WhereNode.create(predicate) }),
  }
  return {
    node: aliased(ParensNode.create(select), alias),
    alias,
    columns: offered(scope, resource),
    resource,
  }
}

/** What the principal may name of a row: where a grant lists columns, those and whose row it is. */
function offered({ authority }: Scope, resource: Resource): Columns {
  const granted = authority.granted(resource)
  const columns = columnsOf(resource)
  if (granted === null) return columns
  const names = new Set([...IMPLICIT_COLUMNS, ...ownerColumns(resource), ...granted])
  return new Map([...columns].filter(([name]) => names.has(name)))
}

/** What a row of the resource offers to a query, where its columns have their stored names. */
export function columnsOf(resource: Resource): Columns {
  const columns = new Map<string, SealedColumn | null>(visibleColumns(resource).map((name) => [name, null]))
  const indexed = new Set(indexedFields(resource))
  for (const envelope of envelopesOf(resource)) {
    const carried = new Map(carriedColumns(envelope).map((column) => [column, column]))
    const carrier = { kind: 'row' as const, resource, envelope, columns: carried }
    for (const field of envelope.sealed)
      columns.set(field, { field, carrier, blind: indexed.has(field) ? blindColumn(field) : null })
  }
  return columns
}

function aliased(node: OperationNode, alias: string): AliasNode {
  return AliasNode.create(node, identifier(alias))
}

function refuseLock(): never {
  throw new StoreError(
    'ERR_STORE_UNSUPPORTED',
    'row locks reach plain tables only: name them, or lock inside the subquery',
  )
}
