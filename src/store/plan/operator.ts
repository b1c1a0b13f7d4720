import {
  AliasNode,
  LimitNode,
  SelectionNode,
  ValueNode,
  type OperationNode,
  type SelectQueryNode,
  type SimpleReferenceExpressionNode,
} from 'kysely'
import { ownerColumns, tenantColumn, type Resource } from '../../declare/index.ts'
import { describeName, StoreError } from '../errors.ts'
import type { Authority } from './authority.ts'
import { isKind, kindOf, take, type HandledKind } from './nodes.ts'
import { readIdentifier, readTable } from './scope.ts'
import type { PlannedSelect } from './select.ts'
import type { Output } from './selections.ts'
import { columnOf, identifier } from './table.ts'

/** Rows that one statement of an operator releases at most: they are held back until they are recorded. */
export const MOST_OPERATOR_ROWS = 5_000

/** One table of an operator's select, and the hidden outputs that tell which of its rows were found. */
export interface ToldTable {
  readonly resource: Resource
  readonly id: string
  readonly tenant: string | null
  readonly subjects: readonly string[]
}

const EXPRESSIONS = [
  ...['AliasNode', 'AndNode', 'BinaryOperationNode', 'CaseNode', 'CastNode', 'ColumnNode', 'DataTypeNode'],
  ...[
    'FunctionNode',
    'IdentifierNode',
    'JSONOperatorChainNode',
    'JSONReferenceNode',
    'OperatorNode',
    'OrNode',
  ],
  ...['ParensNode', 'PrimitiveValueListNode', 'RawNode', 'ReferenceNode', 'SchemableIdentifierNode'],
  ...['SelectAllNode', 'SelectionNode', 'TableNode', 'TupleNode', 'UnaryOperationNode', 'ValueListNode'],
  ...['ValueNode', 'WhenNode', 'WhereNode'],
] as const satisfies readonly HandledKind[]

/**
 * The kinds below the root of each statement that an operator may send. What they leave out loses the
 * ids of rows, or looks at rows without returning them: groups, aggregates and window functions,
 * `distinct`, set operations, subqueries and CTEs of every sort.
 */
const KINDS: Readonly<Record<string, ReadonlySet<string>>> = {
  SelectQueryNode: new Set([
    ...EXPRESSIONS,
    ...['FromNode', 'JoinNode', 'OnNode', 'LimitNode', 'OffsetNode', 'OrderByNode', 'OrderByItemNode'],
    'SelectModifierNode',
  ]),
  InsertQueryNode: new Set([...EXPRESSIONS, 'ValuesNode', 'DefaultInsertValueNode', 'ReturningNode']),
  UpdateQueryNode: new Set([...EXPRESSIONS, 'ColumnUpdateNode', 'ReturningNode']),
  DeleteQueryNode: new Set([...EXPRESSIONS, 'FromNode', 'ReturningNode']),
}
/**
 * Refuses a statement that would read a row without saying which.
 * @throws StoreError `ERR_STORE_OPERATOR`
 */
export function requireTellingRows(node: OperationNode): void {
  const kind = kindOf(node)
  const allowed = Object.hasOwn(KINDS, kind) ? KINDS[kind]! : new Set<string>()
  for (const [name, member] of Object.entries(node)) {
    if (name !== 'kind') requireKinds(allowed, member)
  }
  // Their nodes are of kinds that are allowed elsewhere in a select.
  const { distinctOn, frontModifiers } = node as Partial<SelectQueryNode>
  if (distinctOn || frontModifiers) refuse('distinct')
}

function requireKinds(allowed: ReadonlySet<string>, member: unknown): void {
  if (Array.isArray(member)) {
    for (const one of member) requireKinds(allowed, one)
    return
  }
  if (typeof member !== 'object' || member === null || !('kind' in member)) return
  const node = member as OperationNode
  if (!allowed.has(kindOf(node))) refuse(describeName(kindOf(node)))
  // The values of a query are no part of its tree.
  if (isKind(node, 'ValueNode') || isKind(node, 'PrimitiveValueListNode')) return
  for (const inner of Object.values(node)) requireKinds(allowed, inner)
}

function refuse(what: string): never {
  throw new StoreError('ERR_STORE_OPERATOR', `${what} would read rows without telling which`)
}

/**
 * The planned select with the id and the owners of every row that it finds, in hidden columns, and with
 * no more rows than can be held back.
 */
export function tellRows(
  authority: Authority,
  query: SelectQueryNode,
  planned: PlannedSelect,
): {
  readonly node: OperationNode
  readonly outputs: readonly Output[]
  readonly told: readonly ToldTable[]
} {
  const hidden: SelectionNode[] = []
  const outputs: Output[] = []
  const told = tablesOf(query).map(({ name, alias }, i): ToldTable => {
    const resource = authority.resource(name)
    const names = new Map(
      ['id', ...ownerColumns(resource)].map((column, j) => {
        const output = `_told${i}_${j}`
        const selected = AliasNode.create(columnOf(alias, column), identifier(output))
        hidden.push(SelectionNode.create(selected as AliasNode & SimpleReferenceExpressionNode))
        outputs.push({ name: output, sealed: null })
        return [column, output] as const
      }),
    )
    const tenant = tenantColumn(resource)
    return {
      resource,
      id: names.get('id')!,
      tenant: tenant && names.get(tenant)!,
      subjects: resource.subjects.map(({ column }) => names.get(column)!),
    }
  })
  const select = planned.node as SelectQueryNode
  const node = { ...select, selections: [...(select.selections ?? []), ...hidden], limit: limitOf(query) }
  return { node, outputs: [...planned.outputs, ...outputs], told }
}

function tablesOf({ from, joins = [] }: SelectQueryNode): { name: string; alias: string }[] {
  const froms = from ? take(from, 'FromNode').froms : []
  return [...froms, ...joins.map((join) => take(join, 'JoinNode').table)].map((node) => {
    if (!isKind(node, 'AliasNode')) return { name: readTable(node), alias: readTable(node) }
    const aliased = take(node, 'AliasNode')
    return { name: readTable(aliased.node), alias: readIdentifier(aliased.alias) }
  })
}

/** One row more than can be released, so that it shows where there were more. */
function limitOf({ limit }: SelectQueryNode): LimitNode {
  const asked = limit && take(take(limit, 'LimitNode').limit, 'ValueNode').value
  const most = MOST_OPERATOR_ROWS + 1
  const wanted = asked === undefined || asked === null ? most : Math.min(Number(asked), most)
  return LimitNode.create(ValueNode.create(wanted))
}
