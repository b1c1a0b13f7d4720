import {
  AliasNode,
  FromNode,
  OrderByItemNode,
  OrderByNode,
  ParensNode,
  SelectionNode,
  SelectModifierNode,
  ValueNode,
  WhereNode,
  type OperationNode,
  type SelectQueryNode,
  type SimpleReferenceExpressionNode,
  type UpdateQueryNode,
  type WithNode,
} from 'kysely'
import {
  IMPLICIT_COLUMNS,
  ownerColumns,
  tenantColumn,
  validateRow,
  type Resource,
} from '../../declare/index.ts'
import { StoreError } from '../errors.ts'
import type { Authority, Bindings } from './authority.ts'
import { planExpression } from './expression.ts'
import { assignment, equalsSlot, refuseOwnerColumn, refuseUndeclared, RowSlot, toParameter } from './draft.ts'
import { isKind, take, type HandledNodes } from './nodes.ts'
import { isReference, readReference, Scope } from './scope.ts'
import { planSelect, planWith, rootScope } from './select.ts'
import type { Output } from './selections.ts'
import { snapshot } from './snapshot.ts'
import { columnsOf, planFrom, planJoin, type SourceContext } from './sources.ts'
import { both, columnOf, hasEnvelope, identifier, storedColumns } from './table.ts'
import { planReturning, readTarget, returningChanged, type Target } from './target.ts'

/** An update that reads, computes, validates and seals each row before it is written. */
export interface LockedUpdate {
  readonly resource: Resource
  /** Selects and locks the rows: every field, `id`, `createdAt`, and the computed values. */
  readonly select: { readonly node: OperationNode; readonly outputs: readonly Output[] }
  /** New values by field, the same for all rows; validated. */
  readonly literals: Readonly<Record<string, unknown>>
  /** Fields whose new value the select computed, and the column it comes in. */
  readonly computed: ReadonlyMap<string, string>
  /** True when it changes whose rows they are. */
  readonly moves: boolean
  /** Where rows have several subjects: the one who must still be among them. */
  readonly remains: Bindings['person']
}

export interface PlannedUpdate {
  /** The statement, or for a locked update the one run for each row. */
  readonly node: OperationNode
  readonly outputs: readonly Output[]
  readonly locked: LockedUpdate | null
  readonly resource: Resource
  /** Declared fields that it writes. */
  readonly columns: readonly string[]
  readonly dropped: readonly string[]
}

/**
 * Plans an update. Literals on a plain resource go straight to the database; everything else is a
 * locked read, seal and write, because the envelope authenticates the clear columns too.
 */
export function planUpdate(authority: Authority, node: OperationNode): PlannedUpdate {
  const query = take(node, 'UpdateQueryNode')
  const target = readTarget(authority, query.table!)
  const changes = readChanges(target.resource, query.updates ?? [])
  requireCovered(authority, target.resource, changes.literals)
  const { dropped } = changes
  const columns = [...Object.keys(changes.literals), ...changes.computed.keys()]
  authority.need(target.resource, 'write', columns)
  if (!hasEnvelope(target.resource) && changes.computed.size === 0) {
    return {
      ...planDirect(authority, target, query, changes),
      locked: null,
      resource: target.resource,
      columns,
      dropped,
    }
  }
  return { ...planLocked(authority, target, query, changes), resource: target.resource, columns, dropped }
}

interface Changes {
  readonly literals: Readonly<Record<string, unknown>>
  readonly computed: ReadonlyMap<string, OperationNode>
  readonly dropped: readonly string[]
}

function readChanges(resource: Resource, updates: readonly OperationNode[]): Changes {
  const literals = Object.create(null) as Record<string, unknown>
  const computed = new Map<string, OperationNode>()
  for (const update of updates) {
    const { column, value } = take(update, 'ColumnUpdateNode')
    const name = readAssigned(column)
    if (isKind(value, 'ValueNode')) literals[name] = take(value, 'ValueNode').value
    else refuseOwnerColumn(resource, name)
    if (Object.hasOwn(literals, name)) continue
    if (Object.hasOwn(resource.fields, name)) computed.set(name, value)
    else refuseUndeclared(resource, name)
  }
  const { values, dropped } = validateRow(resource, snapshot(resource, literals), 'update')
  if (Object.keys(values).length + computed.size === 0) {
    throw new StoreError('ERR_STORE_VALUE', `an update of ${resource.name} that changes no declared field`, {
      mend: 'set at least one declared field',
    })
  }
  return { literals: values, computed, dropped }
}

/**
 * A row moves to another tenant or subject only where the permission to write covers both: the rows
 * that are reached are on this side, and the new owner must be, too.
 *
 * @throws StoreError `ERR_STORE_OWNER_FIXED`
 */
function requireCovered(
  authority: Authority,
  resource: Resource,
  literals: Readonly<Record<string, unknown>>,
): void {
  const { tenant, person } = authority.bindings(resource, authority.permit(resource, 'write'))
  const stays = (column: string, value: string): boolean => (literals[column] ?? value) === value
  const [sole, ...others] = person?.columns ?? []
  if (tenant && !stays(tenant.column, tenant.value)) refuseOwnerColumn(resource, tenant.column)
  if (person && others.length === 0 && !stays(sole!, person.id)) refuseOwnerColumn(resource, sole!)
}

function readAssigned(node: OperationNode): string {
  const { table, column } = readReference(node)
  if (!isReference(node) || table !== null) {
    throw new StoreError('ERR_STORE_UNSUPPORTED', 'an update names its columns without a table')
  }
  return column
}

type Query = HandledNodes['UpdateQueryNode']

function planDirect(authority: Authority, target: Target, query: Query, changes: Changes) {
  const { resource } = target
  const block = planBlock(authority, target, query.with)
  const from = planFrom(block.context, query.from)
  const joins = query.joins?.map((join) => planJoin(block.context, join))
  const where = planTargetWhere(block.scope, target, query.where, 'write')
  const returning = planReturning(block.scope, target, query.returning)
  const updates = Object.entries(changes.literals).map(([name, value]) =>
    assignment(name, ValueNode.create(toParameter(resource, name, value))),
  )
  const node: UpdateQueryNode = {
    kind: 'UpdateQueryNode',
    table: target.node,
    updates,
    ...(block.with && { with: block.with }),
    ...(from && { from }),
    ...(joins && { joins }),
    ...(where && { where: WhereNode.create(where) }),
    returning: returningChanged(target, returning),
  }
  return { node, outputs: returning.outputs }
}

export interface TargetBlock {
  readonly scope: Scope
  readonly context: SourceContext
  readonly with: WithNode | null
}

/** The block of an update or delete, with its CTEs and its target in scope. */
export function planBlock(
  authority: Authority,
  target: Target,
  withNode: OperationNode | undefined,
): TargetBlock {
  const withs = planWith(authority, null, new Map(), withNode)
  const root = rootScope(authority)
  const scope = new Scope(authority, root.subquery, null, withs.ctes)
  scope.add({ alias: target.alias, columns: columnsOf(target.resource), resource: target.resource })
  const derive: SourceContext['derive'] = (around, inside, node) => {
    const planned = planSelect(authority, around, inside.ctes, node, 'derived')
    return { node: planned.node, columns: new Map(planned.outputs.map(({ name, sealed }) => [name, sealed])) }
  }
  return { scope, context: { scope, derive, locks: () => false }, with: withs.node }
}

/** The caller's condition in parentheses, and the one that binds the target to the principal. */
export function planTargetWhere(
  scope: Scope,
  { resource, alias }: Target,
  where: OperationNode | undefined,
  action: 'write' | 'delete',
): OperationNode | null {
  const { authority } = scope
  const reach = authority.permitAll(resource, ['read', action])
  const asked = where ? ParensNode.create(planExpression(scope, take(where, 'WhereNode').where)) : null
  return both(asked, authority.predicate(resource, alias, reach))
}

function planLocked(authority: Authority, target: Target, query: Query, changes: Changes) {
  const { resource } = target
  if (query.from || query.joins) {
    throw new StoreError(
      'ERR_STORE_UNSUPPORTED',
      `an update of ${resource.name} takes its values from code, not from other tables`,
      {
        mend: 'choose the rows with where … in (select …), and compute the values in code',
      },
    )
  }
  const columns = new Map([...changes.computed.keys()].map((field, i) => [field, `set_${i}`]))
  const select = planLockingSelect(authority, target, query, changes.computed, columns)
  const moved = ownerColumns(resource).filter((column) => Object.hasOwn(changes.literals, column))
  const written = planRowWrite(authority, target, query.returning, moved)
  const { person } = authority.bindings(resource, authority.permit(resource, 'write'))
  const locked: LockedUpdate = {
    resource,
    select,
    literals: changes.literals,
    computed: columns,
    moves: moved.length > 0,
    remains: person && person.columns.length > 1 ? person : null,
  }
  return { ...written, locked }
}

/**
 * The statement that writes one resealed row: slots of row 0 are the row as it becomes, those of
 * row 1 the row as it was found.
 *
 * @param moved the columns among those that say whose row it is that change
 */
export function planRowWrite(
  authority: Authority,
  target: Target,
  returns: OperationNode | undefined,
  moved: readonly string[],
): { readonly node: UpdateQueryNode; readonly outputs: readonly Output[] } {
  const { resource, alias } = target
  const scope = rootScope(authority)
  scope.add({ alias, columns: columnsOf(resource), resource })
  const returning = planReturning(scope, target, returns)
  const node: UpdateQueryNode = {
    kind: 'UpdateQueryNode',
    table: target.node,
    updates: writtenColumns(resource, moved).map((column) =>
      assignment(column, ValueNode.create(new RowSlot(0, column))),
    ),
    where: WhereNode.create(rowCondition(authority, target)),
    ...(returning.node && { returning: returning.node }),
  }
  return { node, outputs: returning.outputs }
}

/**
 * The caller's condition as the select that finds its rows whole and locks them; planned like any
 * other select.
 *
 * @param computed expressions over the rows, each selected under its name in `columns`
 */
export function planLockingSelect(
  authority: Authority,
  { resource, alias }: Target,
  query: Pick<Query, 'table' | 'with' | 'where'>,
  computed: ReadonlyMap<string, OperationNode>,
  columns: ReadonlyMap<string, string>,
): LockedUpdate['select'] {
  const fields = [...IMPLICIT_COLUMNS, ...Object.keys(resource.fields)].map((name) =>
    SelectionNode.create(columnOf(alias, name)),
  )
  const expressions = [...computed].map(([field, value]) =>
    SelectionNode.create(
      AliasNode.create(value, identifier(columns.get(field)!)) as AliasNode & SimpleReferenceExpressionNode,
    ),
  )
  const select: SelectQueryNode = {
    kind: 'SelectQueryNode',
    from: FromNode.create([query.table!]),
    selections: [...fields, ...expressions],
    // One order for all, so that two updates of the same rows wait instead of deadlocking.
    orderBy: OrderByNode.create([OrderByItemNode.create(columnOf(alias, 'id'))]),
    endModifiers: [SelectModifierNode.create('ForUpdate')],
    ...(query.with && { with: query.with }),
    ...(query.where && { where: query.where }),
  }
  return planSelect(authority, null, new Map(), select, 'locking')
}

function writtenColumns(resource: Resource, moved: readonly string[]): string[] {
  const fixed = new Set<string>([...IMPLICIT_COLUMNS, ...ownerColumns(resource)])
  return storedColumns(resource).filter((column) => !fixed.has(column) || moved.includes(column))
}

function rowCondition(authority: Authority, { resource, alias }: Target): OperationNode {
  const tenant = tenantColumn(resource)
  const keys = tenant === null ? ['id'] : [tenant, 'id']
  const reach = authority.permitAll(resource, ['read', 'write'])
  const found = keys
    .map((column) => equalsSlot(columnOf(alias, column), new RowSlot(1, column)))
    .reduce((left, right) => both(left, right)!)
  return both(found, authority.predicate(resource, alias, reach))!
}
