import {
  ColumnNode,
  OnConflictNode,
  ReferenceNode,
  TableNode,
  ValueNode,
  WhereNode,
  type ColumnUpdateNode,
  type OperationNode,
} from 'kysely'
import { validateRow, type Resource } from '../../declare/index.ts'
import { StoreError } from '../errors.ts'
import type { Authority, Bindings } from './authority.ts'
import { assignment, refuseOwnerColumn, refuseUndeclared, toParameter, type Draft } from './draft.ts'
import { planExpression } from './expression.ts'
import { isKind, refuseNode, take } from './nodes.ts'
import { rootScope } from './select.ts'
import { readColumn, type Scope } from './scope.ts'
import type { Output } from './selections.ts'
import { snapshot } from './snapshot.ts'
import { columnsOf } from './sources.ts'
import { both, storedColumns } from './table.ts'
import { planReturning, readTarget, returningChanged, type Target } from './target.ts'
import { arbiters } from './unique.ts'
import { planUpsert, type PlannedUpsert } from './upsert.ts'

export interface PlannedInsert {
  /** The statement but for its rows. */
  readonly node: OperationNode
  readonly outputs: readonly Output[]
  readonly resource: Resource
  readonly drafts: readonly Draft[]
  /** How each row is resolved against the one that it conflicts with, where SQL alone cannot. */
  readonly upsert: PlannedUpsert | null
  /** Which rows were written: the drafts, those returned in hidden columns, or nobody knows. */
  readonly told: 'stored' | 'returned' | 'nowhere'
  /** Undeclared members that were left out, each name once. */
  readonly dropped: readonly string[]
}

/**
 * Plans an insert of literal rows. Values never come from SQL: they could neither be validated nor
 * sealed there.
 *
 * @throws StoreError `ERR_STORE_FORBIDDEN` for a row of another owner, `ERR_STORE_UNSUPPORTED`
 * @throws ValueError for a value that its field does not take
 */
export function planInsert(authority: Authority, node: OperationNode): PlannedInsert {
  const query = take(node, 'InsertQueryNode')
  const target = readTarget(authority, query.into ?? refuseNode(node))
  const { resource } = target
  const columns = (query.columns ?? []).map(readColumn)
  const rows = readRows(query.values ?? refuseNode(node), columns)
  needWritten(authority, resource, columns)
  const dropped = new Set<string>()
  const drafts = rows.map((row) => toDraft(authority, resource, row, dropped))
  const scope = rootScope(authority)
  scope.add({ alias: target.alias, columns: columnsOf(resource), resource })
  const returning = planReturning(scope, target, query.returning)
  const upsert = planUpsert(authority, target, query, drafts)
  const told = upsert ? 'stored' : toldBy(query.onConflict)
  const planned: OperationNode & Record<string, unknown> = {
    kind: 'InsertQueryNode',
    into: target.node,
    columns: storedColumns(resource).map((column) => ColumnNode.create(column)),
    ...(query.onConflict && {
      onConflict: upsert?.onConflict ?? planConflict(authority, target, query.onConflict),
    }),
    ...(returning.node && { returning: returning.node }),
    ...(told === 'returned' && { returning: returningChanged(target, returning) }),
  }
  return { node: planned, outputs: returning.outputs, resource, drafts, upsert, told, dropped: [...dropped] }
}

/** The owner that the permission itself binds a row to needs none of its own. */
function needWritten(authority: Authority, resource: Resource, columns: readonly string[]): void {
  const { tenant, person } = authority.bindings(resource, authority.permit(resource, 'write'))
  const bound = [tenant?.column, person?.columns.length === 1 ? person.columns[0] : undefined]
  const given = columns.filter((name) => Object.hasOwn(resource.fields, name) && !bound.includes(name))
  authority.need(resource, 'write', given)
}

/** Naming the columns of a conflict asks for the permission to read; without it nothing can be returned. */
function toldBy(conflict: OperationNode | undefined): PlannedInsert['told'] {
  if (!conflict) return 'stored'
  return take(conflict, 'OnConflictNode').columns ? 'returned' : 'nowhere'
}

function readRows(node: OperationNode, columns: readonly string[]): Record<string, unknown>[] {
  if (isKind(node, 'SelectQueryNode')) {
    throw new StoreError(
      'ERR_STORE_UNSUPPORTED',
      'insert … select is refused: its values could not be validated',
      {
        mend: 'select the rows first, then insert them',
      },
    )
  }
  const rows = take(node, 'ValuesNode').values
  if (rows.length === 0) {
    throw new StoreError('ERR_STORE_VALUE', 'an insert without rows', { mend: 'insert at least one row' })
  }
  return rows.map((row) => {
    const values = readValues(row)
    return Object.fromEntries(columns.map((column, i) => [column, values[i]]))
  })
}

function readValues(row: OperationNode): readonly unknown[] {
  if (isKind(row, 'PrimitiveValueListNode')) return take(row, 'PrimitiveValueListNode').values
  return take(row, 'ValueListNode').values.map((value) => {
    if (isKind(value, 'DefaultInsertValueNode')) return undefined
    if (isKind(value, 'ValueNode')) return take(value, 'ValueNode').value
    return refuseNode(value)
  })
}

function toDraft(
  authority: Authority,
  resource: Resource,
  row: Record<string, unknown>,
  dropped: Set<string>,
): Draft {
  const scope = authority.permit(resource, 'write')
  const { tenant, person } = authority.bindings(resource, scope)
  if (tenant) fillOwner(resource, row, tenant.column, tenant.value)
  const [sole, ...others] = person?.columns ?? []
  if (person && others.length > 0) requireOneself(resource, row, person)
  else if (person) fillOwner(resource, row, sole!, person.id)
  const validated = validateRow(resource, snapshot(resource, row), 'insert')
  for (const name of validated.dropped) dropped.add(name)
  return validated.values
}

function fillOwner(resource: Resource, row: Record<string, unknown>, column: string, value: string): void {
  row[column] ??= value
  if (row[column] !== value) refuseOther(resource, column)
}

/** Of several subjects any may be the principal; which one, only the caller can say. */
function requireOneself(
  resource: Resource,
  row: Record<string, unknown>,
  { columns, id }: NonNullable<Bindings['person']>,
): void {
  if (!columns.some((column) => row[column] === id)) refuseOther(resource, columns.join(' and '))
}

function refuseOther(resource: Resource, columns: string): never {
  throw new StoreError('ERR_STORE_FORBIDDEN', `a row of ${resource.name} names another owner in ${columns}`)
}

function planConflict(authority: Authority, target: Target, node: OperationNode): OperationNode {
  const conflict = take(node, 'OnConflictNode')
  const { resource } = target
  const named = conflict.columns?.map(readColumn)
  const columns = named && arbiters(resource, named).map((column) => ColumnNode.create(column))
  // Postgres looks for the conflicting row, and row-level security takes that as reading.
  if (named) {
    const { tenant } = authority.bindings(resource, authority.permit(resource, 'read'))
    authority.need(
      resource,
      'read',
      named.filter((column) => column !== tenant?.column),
    )
  }
  const planned: OnConflictNode = { ...OnConflictNode.create(), ...(columns && { columns }) }
  if (conflict.doNothing === true) return OnConflictNode.cloneWith(planned, { doNothing: true })
  if (!conflict.updates) return refuseNode(node)
  const scope = rootScope(authority)
  scope.add({ alias: target.alias, columns: columnsOf(resource), resource })
  scope.add({ alias: 'excluded', columns: columnsOf(resource) })
  const updates = conflict.updates.map((update) => planConflictUpdate(scope, resource, update))
  const reach = authority.permitAll(resource, ['read', 'write'])
  const asked = conflict.updateWhere
    ? planExpression(scope, take(conflict.updateWhere, 'WhereNode').where)
    : null
  const where = both(
    asked && ({ kind: 'ParensNode', node: asked } as OperationNode),
    authority.predicate(resource, target.alias, reach),
  )
  return { ...planned, updates, ...(where && { updateWhere: WhereNode.create(where) }) } as OperationNode
}

/** Only what the insert itself was given, or a literal: both were validated. */
function planConflictUpdate(scope: Scope, resource: Resource, node: OperationNode): ColumnUpdateNode {
  const { column, value } = take(node, 'ColumnUpdateNode')
  const name = readColumn(column)
  refuseOwnerColumn(resource, name)
  scope.authority.need(resource, 'write', [name])
  if (isKind(value, 'ValueNode')) {
    const given = snapshot(resource, { [name]: take(value, 'ValueNode').value })
    const { values } = validateRow(resource, given, 'update')
    if (Object.hasOwn(values, name))
      return assignment(name, ValueNode.create(toParameter(resource, name, values[name])))
  }
  if (!Object.hasOwn(resource.fields, name)) refuseUndeclared(resource, name)
  const { source, column: from } = scope.resolve(value)
  if (source.alias !== 'excluded' || from !== name) refuseNode(value)
  return assignment(name, ReferenceNode.create(ColumnNode.create(name), TableNode.create('excluded')))
}
