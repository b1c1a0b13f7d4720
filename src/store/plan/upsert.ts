import {
  AndNode,
  BinaryOperationNode,
  ColumnNode,
  OnConflictNode,
  OperatorNode,
  ParensNode,
  ValueNode,
  WhereNode,
  type OperationNode,
} from 'kysely'
import { tenantColumn, validateRow, type Resource } from '../../declare/index.ts'
import { StoreError } from '../errors.ts'
import type { Authority } from './authority.ts'
import { BlindValue } from './blind.ts'
import { refuseOwnerColumn, refuseUndeclared, type Draft } from './draft.ts'
import { isKind, refuseNode, take, type HandledNodes } from './nodes.ts'
import { readColumn, readReference } from './scope.ts'
import type { Output } from './selections.ts'
import { snapshot } from './snapshot.ts'
import { anyOf, columnOf, hasEnvelope, indexedFields } from './table.ts'
import type { Target } from './target.ts'
import { arbiters, uniqueSet } from './unique.ts'
import { planLockingSelect, planRowWrite } from './update.ts'

/** How rows to be inserted are resolved against stored ones that they conflict with. */
export interface Upsert {
  readonly resource: Resource
  /** The fields that no two rows share, the tenant first. */
  readonly key: readonly string[]
  /** New values by field, the same for every row that is there already; validated. */
  readonly literals: Readonly<Record<string, unknown>>
  /** Fields that take the value of the row that was to be inserted. */
  readonly given: readonly string[]
  /** The output of `find` that says whether a stored row is changed; null: always. */
  readonly condition: string | null
}

interface PlannedStep {
  readonly node: OperationNode
  readonly outputs: readonly Output[]
}

export interface PlannedUpsert extends Upsert {
  readonly onConflict: OperationNode
  /** Selects and locks the stored rows, whole. */
  readonly find: PlannedStep
  /** Writes one of them. */
  readonly write: PlannedStep
}

const CONDITION = 'upsert_condition'

/**
 * Plans `on conflict … do update` for rows that are sealed: the database could neither open the
 * stored row nor seal the changed one, so the stored row is looked for and locked first, then
 * resealed; only what is not there is inserted. Null where an insert needs nothing of the kind.
 *
 * Takes literals and `excluded.<the same field>`; the conflict names a declared unique set.
 *
 * @throws StoreError `ERR_STORE_UPSERT_SEALED`, `ERR_STORE_UNSUPPORTED`
 */
export function planUpsert(
  authority: Authority,
  target: Target,
  query: HandledNodes['InsertQueryNode'],
  drafts: readonly Draft[],
): PlannedUpsert | null {
  const { resource } = target
  const conflict = query.onConflict && take(query.onConflict, 'OnConflictNode')
  if (!conflict?.updates || !hasEnvelope(resource)) return null
  const named = conflict.columns?.map(readColumn) ?? []
  const set = uniqueSet(resource, named)
  if (!set) {
    throw new StoreError(
      'ERR_STORE_UPSERT_SEALED',
      `a conflict on ${resource.name} names no unique set that it declares`,
    )
  }
  const key = [tenantColumn(resource)!, ...set]
  const changes = readChanges(resource, conflict.updates)
  authority.need(resource, 'write', [...Object.keys(changes.literals), ...changes.given])
  const asked = conflict.updateWhere && take(conflict.updateWhere, 'WhereNode').where
  const computed = new Map<string, OperationNode>(asked ? [[CONDITION, ParensNode.create(asked)]] : [])
  const where = WhereNode.create(anyOf(drafts.map((draft) => keyCondition(target, key, draft)))!)
  const names = new Map([...computed.keys()].map((name) => [name, name]))
  const find = planLockingSelect(authority, target, { table: query.into!, where }, computed, names)
  const onConflict = {
    ...OnConflictNode.create(),
    columns: arbiters(resource, named).map((column) => ColumnNode.create(column)),
    doNothing: true,
  }
  const write = planRowWrite(authority, target, query.returning, [])
  return { resource, key, ...changes, condition: asked ? CONDITION : null, onConflict, find, write }
}

function readChanges(
  resource: Resource,
  updates: readonly OperationNode[],
): Pick<Upsert, 'literals' | 'given'> {
  const literals = Object.create(null) as Record<string, unknown>
  const given: string[] = []
  for (const update of updates) {
    const { column, value } = take(update, 'ColumnUpdateNode')
    const name = readColumn(column)
    refuseOwnerColumn(resource, name)
    if (isKind(value, 'ValueNode')) literals[name] = take(value, 'ValueNode').value
    else if (Object.hasOwn(resource.fields, name)) given.push(readExcluded(name, value))
    else refuseUndeclared(resource, name)
  }
  return { literals: validateRow(resource, snapshot(resource, literals), 'update').values, given }
}

/** Only what the insert itself was given: it was validated. */
function readExcluded(field: string, value: OperationNode): string {
  if (!isKind(value, 'ReferenceNode')) return refuseNode(value)
  const { table, column } = readReference(value)
  return table === 'excluded' && column === field ? field : refuseNode(value)
}

/** The stored row with the key of that draft; its blind indexes are made when the statement runs. */
function keyCondition({ resource, alias }: Target, key: readonly string[], draft: Draft): OperationNode {
  const blind = indexedFields(resource)
  const tenant = draft[key[0]!] as string
  return key
    .map((field): OperationNode => {
      const value = draft[field]
      const looked = blind.includes(field)
        ? new BlindValue(resource, field, tenant, value as string | number)
        : value
      return BinaryOperationNode.create(
        columnOf(alias, field),
        OperatorNode.create('='),
        ValueNode.create(looked),
      )
    })
    .reduce((left, right) => AndNode.create(left, right))
}
