import type * as kysely from 'kysely'
import type { OperationNode, OperationNodeKind } from 'kysely'
import { describeName, StoreError } from '../errors.ts'

/** The node types that a plan reads. Whatever is not here is refused with the reason below. */
export interface HandledNodes {
  AggregateFunctionNode: kysely.AggregateFunctionNode
  AliasNode: kysely.AliasNode
  AndNode: kysely.AndNode
  BinaryOperationNode: kysely.BinaryOperationNode
  CaseNode: kysely.CaseNode
  CastNode: kysely.CastNode
  ColumnNode: kysely.ColumnNode
  ColumnUpdateNode: kysely.ColumnUpdateNode
  CommonTableExpressionNameNode: kysely.CommonTableExpressionNameNode
  CommonTableExpressionNode: kysely.CommonTableExpressionNode
  DataTypeNode: kysely.DataTypeNode
  DefaultInsertValueNode: kysely.DefaultInsertValueNode
  DeleteQueryNode: kysely.DeleteQueryNode
  FromNode: kysely.FromNode
  FunctionNode: kysely.FunctionNode
  GroupByItemNode: kysely.GroupByItemNode
  GroupByNode: kysely.GroupByNode
  HavingNode: kysely.HavingNode
  IdentifierNode: kysely.IdentifierNode
  InsertQueryNode: kysely.InsertQueryNode
  JSONOperatorChainNode: kysely.JSONOperatorChainNode
  JSONReferenceNode: kysely.JSONReferenceNode
  JoinNode: kysely.JoinNode
  LimitNode: kysely.LimitNode
  OffsetNode: kysely.OffsetNode
  OnConflictNode: kysely.OnConflictNode
  OnNode: kysely.OnNode
  OperatorNode: kysely.OperatorNode
  OrNode: kysely.OrNode
  OrderByItemNode: kysely.OrderByItemNode
  OrderByNode: kysely.OrderByNode
  OverNode: kysely.OverNode
  ParensNode: kysely.ParensNode
  PartitionByItemNode: kysely.PartitionByItemNode
  PartitionByNode: kysely.PartitionByNode
  PrimitiveValueListNode: kysely.PrimitiveValueListNode
  RawNode: kysely.RawNode
  ReferenceNode: kysely.ReferenceNode
  ReturningNode: kysely.ReturningNode
  SchemableIdentifierNode: kysely.SchemableIdentifierNode
  SelectAllNode: kysely.SelectAllNode
  SelectModifierNode: kysely.SelectModifierNode
  SelectQueryNode: kysely.SelectQueryNode
  SelectionNode: kysely.SelectionNode
  SetOperationNode: kysely.SetOperationNode
  TableNode: kysely.TableNode
  TupleNode: kysely.TupleNode
  UnaryOperationNode: kysely.UnaryOperationNode
  UpdateQueryNode: kysely.UpdateQueryNode
  UsingNode: kysely.UsingNode
  ValueListNode: kysely.ValueListNode
  ValueNode: kysely.ValueNode
  ValuesNode: kysely.ValuesNode
  WhenNode: kysely.WhenNode
  WhereNode: kysely.WhereNode
  WithNode: kysely.WithNode
}

export type HandledKind = keyof HandledNodes

/** The members that a plan reads of each handled node; a defined member beyond them is refused. */
export const HANDLED: { readonly [K in HandledKind]: readonly (keyof HandledNodes[K])[] } = {
  AggregateFunctionNode: ['func', 'aggregated', 'distinct', 'orderBy', 'filter', 'over'],
  AliasNode: ['node', 'alias'],
  AndNode: ['left', 'right'],
  BinaryOperationNode: ['leftOperand', 'operator', 'rightOperand'],
  CaseNode: ['value', 'when', 'else', 'isStatement'],
  CastNode: ['expression', 'dataType'],
  ColumnNode: ['column'],
  ColumnUpdateNode: ['column', 'value'],
  CommonTableExpressionNameNode: ['table'],
  CommonTableExpressionNode: ['name', 'materialized', 'expression'],
  DataTypeNode: ['dataType'],
  DefaultInsertValueNode: [],
  DeleteQueryNode: ['from', 'using', 'joins', 'where', 'returning', 'with'],
  FromNode: ['froms'],
  FunctionNode: ['func', 'arguments'],
  GroupByItemNode: ['groupBy'],
  GroupByNode: ['items'],
  HavingNode: ['having'],
  IdentifierNode: ['name'],
  InsertQueryNode: ['into', 'columns', 'values', 'returning', 'onConflict'],
  JSONOperatorChainNode: ['operator', 'values'],
  JSONReferenceNode: ['reference', 'traversal'],
  JoinNode: ['joinType', 'table', 'on'],
  LimitNode: ['limit'],
  OffsetNode: ['offset'],
  OnConflictNode: ['columns', 'updates', 'updateWhere', 'doNothing'],
  OnNode: ['on'],
  OperatorNode: ['operator'],
  OrNode: ['left', 'right'],
  OrderByItemNode: ['orderBy', 'direction', 'nulls'],
  OrderByNode: ['items'],
  OverNode: ['orderBy', 'partitionBy'],
  ParensNode: ['node'],
  PartitionByItemNode: ['partitionBy'],
  PartitionByNode: ['items'],
  PrimitiveValueListNode: ['values'],
  RawNode: ['sqlFragments', 'parameters'],
  ReferenceNode: ['column', 'table'],
  ReturningNode: ['selections'],
  SchemableIdentifierNode: ['identifier'],
  SelectAllNode: [],
  SelectModifierNode: ['modifier', 'of'],
  SelectQueryNode: [
    'from',
    'selections',
    'distinctOn',
    'joins',
    'groupBy',
    'orderBy',
    'where',
    'frontModifiers',
    'endModifiers',
    'limit',
    'offset',
    'with',
    'having',
    'setOperations',
  ],
  SelectionNode: ['selection'],
  SetOperationNode: ['operator', 'expression', 'all'],
  TableNode: ['table'],
  TupleNode: ['values'],
  UnaryOperationNode: ['operator', 'operand'],
  UpdateQueryNode: ['table', 'from', 'joins', 'where', 'updates', 'returning', 'with'],
  UsingNode: ['tables'],
  ValueListNode: ['values'],
  ValueNode: ['value', 'immediate'],
  ValuesNode: ['values'],
  WhenNode: ['condition', 'result'],
  WhereNode: ['where'],
  WithNode: ['expressions'],
}

const SCHEMA = 'the schema is derived from the data map and changed by migrations only'
const OTHER_DATABASE = 'it belongs to another database'

/** Every other kind that Kysely 0.29 knows, and why it is refused. */
export const REFUSED: { readonly [K in Exclude<OperationNodeKind, HandledKind>]: string } = {
  AddColumnNode: SCHEMA,
  AddConstraintNode: SCHEMA,
  AddIndexNode: SCHEMA,
  AddValueNode: SCHEMA,
  AlterColumnNode: SCHEMA,
  AlterTableNode: SCHEMA,
  AlterTypeNode: SCHEMA,
  CheckConstraintNode: SCHEMA,
  CollateNode: 'a collation decides equality, and none was reviewed',
  ColumnDefinitionNode: SCHEMA,
  CreateIndexNode: SCHEMA,
  CreateSchemaNode: SCHEMA,
  CreateTableNode: SCHEMA,
  CreateTypeNode: SCHEMA,
  CreateViewNode: SCHEMA,
  DefaultValueNode: SCHEMA,
  DropColumnNode: SCHEMA,
  DropConstraintNode: SCHEMA,
  DropIndexNode: SCHEMA,
  DropSchemaNode: SCHEMA,
  DropTableNode: SCHEMA,
  DropTypeNode: SCHEMA,
  DropViewNode: SCHEMA,
  ExplainNode: 'a plan tells row counts and values of other tenants',
  FetchNode: 'limit does the same',
  ForeignKeyConstraintNode: SCHEMA,
  GeneratedNode: SCHEMA,
  JSONPathLegNode: 'use the operators -> and ->>',
  JSONPathNode: 'use the operators -> and ->>',
  ListNode: 'no supported part of a query holds one',
  MatchedNode: 'merge is not governed',
  MergeQueryNode: 'merge is not governed',
  ModifyColumnNode: SCHEMA,
  OnDuplicateKeyNode: OTHER_DATABASE,
  OrActionNode: OTHER_DATABASE,
  OutputNode: OTHER_DATABASE,
  PrimaryKeyConstraintNode: SCHEMA,
  ReferencesNode: SCHEMA,
  RefreshMaterializedViewNode: SCHEMA,
  RenameColumnNode: SCHEMA,
  RenameConstraintNode: SCHEMA,
  RenameValueNode: SCHEMA,
  TopNode: OTHER_DATABASE,
  UniqueConstraintNode: SCHEMA,
}

/**
 * The node as one of the given kinds, with no member that a plan would overlook.
 * @throws StoreError `ERR_STORE_UNSUPPORTED`, `ERR_STORE_RAW`
 */
export function take<K extends HandledKind>(node: OperationNode, ...kinds: readonly K[]): HandledNodes[K] {
  const kind = kindOf(node)
  if (!kinds.includes(kind as K)) refuseNode(node)
  const known = KNOWN_MEMBERS.get(kind)!
  for (const key of Object.keys(node)) {
    if (!known.has(key)) refuseMember(node, key)
  }
  return node as HandledNodes[K]
}

const KNOWN_MEMBERS: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries(HANDLED).map(([kind, members]) => [kind, new Set(['kind', ...members])]),
)

/** Kysely leaves members that say nothing on some nodes. */
function refuseMember(node: OperationNode, key: string): void {
  const value: unknown = node[key as keyof OperationNode]
  if (value === undefined || value === false) return
  throw new StoreError(
    'ERR_STORE_UNSUPPORTED',
    `${describeName(node.kind)} with ${describeName(key)} is not governed`,
  )
}

/** True when the node is of that kind; read it through {@link take}. */
export function isKind(node: OperationNode | undefined, kind: HandledKind): boolean {
  return node?.kind === kind
}

/** A tree that no builder made can hold anything. */
export function kindOf(node: OperationNode | null | undefined): string {
  return typeof node?.kind === 'string' ? node.kind : ''
}

/** Refuses a node where it stands. */
export function refuseNode(node: OperationNode): never {
  const kind = kindOf(node)
  if (kind === 'RawNode') throw new StoreError('ERR_STORE_RAW', 'raw SQL is refused in a governed query')
  const reason = Object.hasOwn(REFUSED, kind)
    ? REFUSED[kind as keyof typeof REFUSED]
    : 'it is not expected here'
  throw new StoreError('ERR_STORE_UNSUPPORTED', `${describeName(kind)} is refused: ${reason}`)
}

/** The one text of a fragment without parameters that Kysely's own builders make, such as `desc`. */
export function fragmentOf(node: OperationNode, allowed: readonly string[]): string {
  const { sqlFragments, parameters } = take(node, 'RawNode')
  const [fragment] = sqlFragments
  if (sqlFragments.length !== 1 || parameters.length > 0 || !allowed.includes(fragment!)) refuseNode(node)
  return fragment!
}
