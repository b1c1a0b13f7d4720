import {
  ColumnNode,
  GroupByItemNode,
  HavingNode,
  LimitNode,
  OffsetNode,
  ParensNode,
  ReferenceNode,
  SelectModifierNode,
  TableNode,
  ValueNode,
  WhereNode,
  type CommonTableExpressionNode,
  type GroupByNode,
  type OperationNode,
  type SelectQueryNode,
  type SetOperationNode,
  type WithNode,
} from 'kysely'
import { describeName, StoreError } from '../errors.ts'
import type { Authority } from './authority.ts'
import { groupedReference } from './blind.ts'
import { planExpression, planGrouping, planOrderBy } from './expression.ts'
import { isKind, refuseNode, take, type HandledNodes } from './nodes.ts'
import {
  checkName,
  isReference,
  readIdentifier,
  readReference,
  readTable,
  refuseSealed,
  Scope,
  type Columns,
  type Resolved,
  type SelectMode,
} from './scope.ts'
import { outputReference, planSelections, type Output, type Selected } from './selections.ts'
import { Slot } from './slots.ts'
import { planFrom, planJoin, type SourceContext } from './sources.ts'

export interface PlannedSelect {
  readonly node: OperationNode
  readonly outputs: readonly Output[]
  readonly shape: readonly string[]
}

/** A scope for the outermost block of a statement. */
export function rootScope(authority: Authority): Scope {
  return new Scope(authority, planSubquery)
}

/** Plans a select whose block stands inside `around` (null: nothing around it). */
export function planSelect(
  authority: Authority,
  around: Scope | null,
  ctes: ReadonlyMap<string, Columns>,
  node: OperationNode,
  mode: SelectMode,
): PlannedSelect {
  const query = take(node, 'SelectQueryNode')
  const withs = planWith(authority, around, ctes, query.with)
  const scope = new Scope(authority, planSubquery, around, withs.ctes)
  const locks = readLocks(query.endModifiers)
  const context: SourceContext = { scope, derive, locks, whole: mode === 'locking' }
  const from = planFrom(context, query.from)
  const joins = query.joins?.map((join) => planJoin(context, join))
  const groups = planGroups(scope, query)
  const listed = mode === 'root' && query.setOperations ? 'united' : mode
  const selected = planSelections(scope, query.selections ?? [], listed, groups?.sealed ?? null)
  const setOperations = query.setOperations?.map((operation) =>
    planSetOperation(scope, operation, selected, listed, around),
  )
  const planned: SelectQueryNode = {
    kind: 'SelectQueryNode',
    selections: selected.nodes,
    ...(withs.node && { with: withs.node }),
    ...(query.frontModifiers && { frontModifiers: planFront(query.frontModifiers, selected) }),
    ...(query.distinctOn && { distinctOn: query.distinctOn.map((key) => planGrouping(scope, key)) }),
    ...(from && { from }),
    ...(joins && { joins }),
    ...(query.where && {
      where: WhereNode.create(planExpression(scope, take(query.where, 'WhereNode').where)),
    }),
    ...(groups && { groupBy: groups.node }),
    ...(query.having && {
      having: HavingNode.create(planExpression(scope, take(query.having, 'HavingNode').having)),
    }),
    ...(setOperations && { setOperations }),
    ...planTail(scope, query, selected.outputs),
  }
  return { node: planned, outputs: selected.outputs, shape: selected.shape }
}

function planTail(
  scope: Scope,
  query: SelectQueryNode,
  outputs: readonly Output[],
): Partial<SelectQueryNode> {
  const asOutput = (node: OperationNode) => outputReference(outputs, node)
  return {
    ...(query.orderBy && { orderBy: planOrderBy(scope, query.orderBy, asOutput) }),
    ...(query.limit && { limit: LimitNode.create(planCount(take(query.limit, 'LimitNode').limit)) }),
    ...(query.offset && { offset: OffsetNode.create(planCount(take(query.offset, 'OffsetNode').offset)) }),
    ...(query.endModifiers && {
      endModifiers: query.endModifiers.map((modifier) => planEnd(scope, modifier)),
    }),
  }
}

function planSubquery(scope: Scope, node: OperationNode, mode: SelectMode): OperationNode {
  if (isKind(node, 'ParensNode'))
    return ParensNode.create(planSubquery(scope, take(node, 'ParensNode').node, mode))
  return planSelect(scope.authority, scope, scope.ctes, node, mode).node
}

function derive(
  around: Scope | null,
  scope: Scope,
  node: OperationNode,
): { node: OperationNode; columns: Columns } {
  const planned = planSelect(scope.authority, around, scope.ctes, node, 'derived')
  return { node: planned.node, columns: columnsOfOutputs(planned.outputs) }
}

function columnsOfOutputs(outputs: readonly Output[]): Columns {
  return new Map(outputs.map(({ name, sealed }) => [name, sealed]))
}

/** Plans CTEs in order: each sees those before it. Recursive and data-modifying ones are refused. */
export function planWith(
  authority: Authority,
  around: Scope | null,
  outer: ReadonlyMap<string, Columns>,
  node: OperationNode | undefined,
): { node: WithNode | null; ctes: ReadonlyMap<string, Columns> } {
  if (!node) return { node: null, ctes: outer }
  const ctes = new Map(outer)
  const seen = new Set<string>()
  const expressions = take(node, 'WithNode').expressions.map((expression): CommonTableExpressionNode => {
    const cte = take(expression, 'CommonTableExpressionNode')
    const name = readCteName(cte.name)
    if (seen.has(name)) throw new StoreError('ERR_STORE_NAME', `two CTEs are called ${describeName(name)}`)
    const planned = planSelect(authority, around, ctes, cte.expression, 'derived')
    seen.add(name)
    ctes.set(name, columnsOfOutputs(planned.outputs))
    return {
      kind: 'CommonTableExpressionNode',
      name: { kind: 'CommonTableExpressionNameNode', table: TableNode.create(name) },
      expression: planned.node,
      ...(typeof cte.materialized === 'boolean' && { materialized: cte.materialized }),
    }
  })
  return { node: { kind: 'WithNode', expressions }, ctes }
}

function readCteName(node: OperationNode): string {
  return checkName(readTable(take(node, 'CommonTableExpressionNameNode').table))
}

interface Groups {
  readonly node: GroupByNode
  /** The sealed references among the groups. */
  readonly sealed: readonly Resolved[]
}

function planGroups(scope: Scope, query: SelectQueryNode): Groups | null {
  if (!query.groupBy) return null
  const sealed: Resolved[] = []
  const items = take(query.groupBy, 'GroupByNode').items.map((item) => {
    const { node, alias } = throughAlias(scope, query, take(item, 'GroupByItemNode').groupBy)
    const resolved = isReference(node) ? scope.resolve(node) : null
    if (!resolved && alias !== null)
      return GroupByItemNode.create(ReferenceNode.create(ColumnNode.create(alias)))
    if (!resolved?.sealed) return GroupByItemNode.create(planGrouping(scope, node))
    sealed.push(resolved)
    return GroupByItemNode.create(groupedReference(scope, resolved))
  })
  return { node: { kind: 'GroupByNode', items }, sealed }
}

/**
 * GROUP BY takes a bare name as a column first, then as the alias of a selected expression. An
 * expression stays behind its alias: written out again, its parameters would make it another one.
 */
function throughAlias(
  scope: Scope,
  query: SelectQueryNode,
  node: OperationNode,
): { readonly node: OperationNode; readonly alias: string | null } {
  const { table, column } = isReference(node) ? readReference(node) : { table: '', column: '' }
  if (table !== null || scope.sources.some(({ columns }) => columns.has(column))) return { node, alias: null }
  for (const selection of query.selections ?? []) {
    const { selection: selected } = take(selection, 'SelectionNode')
    if (!isKind(selected, 'AliasNode')) continue
    const aliased = take(selected, 'AliasNode')
    if (readIdentifier(aliased.alias) === column) return { node: aliased.node, alias: column }
  }
  return { node, alias: null }
}

function planFront(modifiers: readonly OperationNode[], { outputs }: Selected): SelectModifierNode[] {
  return modifiers.map((node) => {
    const { modifier, of } = take(node, 'SelectModifierNode')
    if (modifier !== 'Distinct' || of) refuseNode(node)
    const sealed = outputs.find((output) => output.sealed)?.sealed
    if (sealed) refuseSealed(sealed)
    return SelectModifierNode.create('Distinct')
  })
}

const LOCKS = ['ForUpdate', 'ForNoKeyUpdate', 'ForShare', 'ForKeyShare']
const WAITS = ['NoWait', 'SkipLocked']

function planEnd(scope: Scope, node: OperationNode): SelectModifierNode {
  const { modifier, of } = take(node, 'SelectModifierNode')
  if (!modifier || ![...LOCKS, ...WAITS].includes(modifier)) refuseNode(node)
  return SelectModifierNode.create(
    modifier,
    of?.map((table) => TableNode.create(scope.own(readTable(table)).alias)),
  )
}

/** Which tables a select locks: the named ones, or all where a lock names none. */
function readLocks(modifiers: readonly OperationNode[] | undefined): (alias: string) => boolean {
  const locks = (modifiers ?? [])
    .map((node): HandledNodes['SelectModifierNode'] => take(node, 'SelectModifierNode'))
    .filter(({ modifier }) => modifier !== undefined && LOCKS.includes(modifier))
  return (alias) => locks.some(({ of }) => !of || of.some((table) => readTable(table) === alias))
}

/** LIMIT and OFFSET take whole numbers; anything else could look at rows outside the select's own. */
function planCount(node: OperationNode): OperationNode {
  const { value } = take(node, 'ValueNode')
  return ValueNode.create(value instanceof Slot ? value.checkedBy(checkCount) : checkCount(value))
}

function checkCount(value: unknown): unknown {
  const fits =
    typeof value === 'bigint' || value === null || (Number.isSafeInteger(value) && Number(value) >= 0)
  if (!fits) throw new StoreError('ERR_STORE_VALUE', 'limit and offset take whole numbers')
  return value
}

const SET_OPERATORS = ['union', 'intersect', 'except']

function planSetOperation(
  scope: Scope,
  operation: OperationNode,
  first: Selected,
  mode: SelectMode,
  around: Scope | null,
): SetOperationNode {
  const { operator, expression, all } = take(operation, 'SetOperationNode')
  if (!SET_OPERATORS.includes(operator)) refuseNode(operation)
  const parenthesised = isKind(expression, 'ParensNode')
  const inner = parenthesised ? take(expression, 'ParensNode').node : expression
  const planned = planSelect(scope.authority, around, scope.ctes, inner, mode)
  const keepsRows = operator === 'union' && all === true
  const sealed = [...first.outputs, ...planned.outputs].find((output) => output.sealed)?.sealed
  if (sealed && !(keepsRows && planned.shape.join() === first.shape.join())) refuseSealed(sealed)
  const node = parenthesised ? ParensNode.create(planned.node) : planned.node
  return { kind: 'SetOperationNode', operator, expression: node, all: all === true }
}
