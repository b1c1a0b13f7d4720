import {
  AndNode,
  BinaryOperationNode,
  CastNode,
  DataTypeNode,
  FunctionNode,
  OperatorNode,
  OrderByItemNode,
  OrderByNode,
  OrNode,
  ParensNode,
  PrimitiveValueListNode,
  RawNode,
  TupleNode,
  UnaryOperationNode,
  ValueListNode,
  ValueNode,
  WhereNode,
  type AggregateFunctionNode,
  type CaseNode,
  type ColumnDataType,
  type OperationNode,
  type Operator,
  type OverNode,
  type SimpleReferenceExpressionNode,
  type WhenNode,
} from 'kysely'
import { StoreError } from '../errors.ts'
import {
  allowAggregate,
  allowBinary,
  allowFunction,
  allowJsonStep,
  allowType,
  allowUnary,
} from './allowed.ts'
import { groupedReference, planBlindComparison } from './blind.ts'
import { fragmentOf, isKind, kindOf, refuseNode, take, type HandledKind, type HandledNodes } from './nodes.ts'
import { clearReference, isReference, type Resolved, type Scope } from './scope.ts'

type Handlers = { readonly [K in HandledKind]?: (scope: Scope, node: HandledNodes[K]) => OperationNode }

/** The kinds that may stand where SQL takes an expression. */
const EXPRESSIONS: Handlers = {
  AggregateFunctionNode: planAggregate,
  AndNode: (scope, { left, right }) =>
    AndNode.create(planExpression(scope, left), planExpression(scope, right)),
  BinaryOperationNode: planBinary,
  CaseNode: planCase,
  CastNode: (scope, { expression, dataType }) =>
    CastNode.create(
      planExpression(scope, expression),
      DataTypeNode.create(allowType(take(dataType, 'DataTypeNode').dataType) as ColumnDataType),
    ),
  ColumnNode: (scope, node) => clearReference(scope.resolve(node)),
  FunctionNode: (scope, node) =>
    FunctionNode.create(allowFunction(node.func), planAll(scope, node.arguments)),
  JSONReferenceNode: planJsonReference,
  OrNode: (scope, { left, right }) =>
    OrNode.create(planExpression(scope, left), planExpression(scope, right)),
  ParensNode: (scope, { node }) => ParensNode.create(planExpression(scope, node)),
  PrimitiveValueListNode: (_scope, { values }) => PrimitiveValueListNode.create(values),
  ReferenceNode: (scope, node) =>
    isReference(node) ? clearReference(scope.resolve(node)) : refuseNode(node.column),
  SelectQueryNode: (scope, node) => scope.subquery(scope, node, 'value'),
  TupleNode: (scope, { values }) => TupleNode.create(planAll(scope, values)),
  UnaryOperationNode: planUnary,
  ValueListNode: (scope, { values }) => ValueListNode.create(planAll(scope, values)),
  ValueNode: planValue,
}

/**
 * An expression with every name resolved, every function and operator on a list, and no sealed
 * field outside a comparison that its blind index serves.
 */
export function planExpression(scope: Scope, node: OperationNode): OperationNode {
  const kind = kindOf(node) as HandledKind
  const handler = Object.hasOwn(EXPRESSIONS, kind) ? EXPRESSIONS[kind] : undefined
  if (!handler) return refuseNode(node)
  return (handler as (scope: Scope, node: OperationNode) => OperationNode)(scope, take(node, kind))
}

function planAll(scope: Scope, nodes: readonly OperationNode[]): OperationNode[] {
  return nodes.map((node) => planExpression(scope, node))
}

/** Literals written into the SQL are numbers, booleans and null; every other value is a parameter. */
function planValue(_scope: Scope, { value, immediate }: HandledNodes['ValueNode']): OperationNode {
  if (!immediate) return ValueNode.create(value)
  const literal =
    value === null || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))
  return literal ? ValueNode.createImmediate(value) : ValueNode.create(value)
}

function planBinary(scope: Scope, node: HandledNodes['BinaryOperationNode']): OperationNode {
  const operator = readOperator(node.operator, allowBinary)
  if (isEmptyList(operator, node.rightOperand)) {
    planGrouping(scope, node.leftOperand)
    return ValueNode.createImmediate(operator === 'not in')
  }
  const left = sealedOperand(scope, node.leftOperand)
  if (left) return planBlindComparison(scope, left, operator, node.rightOperand)
  return BinaryOperationNode.create(
    planExpression(scope, node.leftOperand),
    OperatorNode.create(operator),
    planExpression(scope, node.rightOperand),
  )
}

/** SQL has no empty list; nothing is in it. */
function isEmptyList(operator: Operator, right: OperationNode): boolean {
  if (operator !== 'in' && operator !== 'not in') return false
  const list = isKind(right, 'PrimitiveValueListNode')
    ? take(right, 'PrimitiveValueListNode')
    : isKind(right, 'ValueListNode') && take(right, 'ValueListNode')
  return list !== false && list.values.length === 0
}

function sealedOperand(scope: Scope, node: OperationNode): Resolved | null {
  if (!isReference(node)) return null
  const resolved = scope.resolve(node)
  return resolved.sealed ? resolved : null
}

function planUnary(scope: Scope, node: HandledNodes['UnaryOperationNode']): OperationNode {
  const operator = readOperator(node.operator, allowUnary)
  const existence = operator === 'exists' || operator === 'not exists'
  const operand = existence
    ? scope.subquery(scope, node.operand, 'exists')
    : // In parentheses: a minus before a negative number would begin a comment.
      ParensNode.create(planExpression(scope, node.operand))
  return UnaryOperationNode.create(OperatorNode.create(operator), operand)
}

function readOperator(node: OperationNode, allow: (name: string) => string): Operator {
  return allow(take(node, 'OperatorNode').operator) as Operator
}

function planCase(scope: Scope, node: HandledNodes['CaseNode']): OperationNode {
  if (node.isStatement) return refuseNode(node)
  const whens = node.when?.map((when): WhenNode => {
    const { condition, result } = take(when, 'WhenNode')
    return {
      kind: 'WhenNode',
      condition: planExpression(scope, condition),
      ...(result && { result: planExpression(scope, result) }),
    }
  })
  const planned: CaseNode = {
    kind: 'CaseNode',
    ...(node.value && { value: planExpression(scope, node.value) }),
    ...(whens && { when: whens }),
    ...(node.else && { else: planExpression(scope, node.else) }),
  }
  return planned
}

function planJsonReference(
  scope: Scope,
  { reference, traversal }: HandledNodes['JSONReferenceNode'],
): OperationNode {
  const { operator, values } = take(traversal, 'JSONOperatorChainNode')
  const last = OperatorNode.create(allowJsonStep(take(operator, 'OperatorNode').operator) as Operator)
  let path = planExpression(scope, reference)
  values.forEach((value, i) => {
    const step = i === values.length - 1 ? last : OperatorNode.create('->')
    path = BinaryOperationNode.create(path, step, planJsonStep(take(value, 'ValueNode').value))
  })
  return ParensNode.create(path)
}

/** Written as a cast parameter: the type of a bare one would be ambiguous. */
function planJsonStep(step: unknown): OperationNode {
  if (typeof step === 'string') return CastNode.create(ValueNode.create(step), DataTypeNode.create('text'))
  if (Number.isSafeInteger(step))
    return CastNode.create(ValueNode.create(step), DataTypeNode.create('integer'))
  throw new StoreError('ERR_STORE_VALUE', 'a JSON path is made of texts and whole numbers')
}

function planAggregate(scope: Scope, node: HandledNodes['AggregateFunctionNode']): OperationNode {
  const func = allowAggregate(node.func)
  const planned: AggregateFunctionNode = {
    kind: 'AggregateFunctionNode',
    func,
    aggregated: planAggregated(scope, func, node.aggregated),
    ...(node.distinct === true && { distinct: true }),
    ...(node.orderBy && { orderBy: planOrderBy(scope, node.orderBy) }),
    ...(node.filter && {
      filter: WhereNode.create(planExpression(scope, take(node.filter, 'WhereNode').where)),
    }),
    ...(node.over && { over: planOver(scope, node.over) }),
  }
  return planned
}

/** `count` is the one aggregate that needs no more of a sealed field than its blind index. */
function planAggregated(scope: Scope, func: string, nodes: readonly OperationNode[]): OperationNode[] {
  const [only] = nodes
  if (func === 'count' && nodes.length === 1 && only) {
    // Kysely wraps the star of `count(*)` in a selection.
    const star = isKind(only, 'SelectionNode') ? take(only, 'SelectionNode').selection : only
    if (isKind(star, 'SelectAllNode')) return [take(star, 'SelectAllNode')]
    const sealed = sealedOperand(scope, only)
    if (sealed) return [groupedReference(scope, sealed)]
  }
  return planAll(scope, nodes)
}

function planOver(scope: Scope, node: OperationNode): OverNode {
  const { orderBy, partitionBy } = take(node, 'OverNode')
  const items = partitionBy && take(partitionBy, 'PartitionByNode').items
  return {
    kind: 'OverNode',
    ...(orderBy && { orderBy: planOrderBy(scope, orderBy) }),
    ...(items && {
      partitionBy: {
        kind: 'PartitionByNode',
        items: items.map((item) => ({
          kind: 'PartitionByItemNode',
          partitionBy: planGrouping(
            scope,
            take(item, 'PartitionByItemNode').partitionBy,
          ) as SimpleReferenceExpressionNode,
        })),
      },
    }),
  }
}

/** An expression that rows are told apart by: a sealed field stands there as its blind index. */
export function planGrouping(scope: Scope, node: OperationNode): OperationNode {
  const sealed = sealedOperand(scope, node)
  if (sealed) return groupedReference(scope, sealed)
  if (isKind(node, 'ValueNode')) refuseNode(node)
  return planExpression(scope, node)
}

const DIRECTIONS = ['asc', 'desc']

/** @param isOutput says which bare names mean a selected expression rather than a column */
export function planOrderBy(
  scope: Scope,
  node: OperationNode,
  isOutput: (name: OperationNode) => OperationNode | null = () => null,
): OrderByNode {
  const items = take(node, 'OrderByNode').items.map((item) => {
    const { orderBy, direction, nulls } = take(item, 'OrderByItemNode')
    if (isKind(orderBy, 'ValueNode')) refuseNode(orderBy)
    return OrderByItemNode.cloneWith(
      OrderByItemNode.create(isOutput(orderBy) ?? planExpression(scope, orderBy)),
      {
        ...(direction && { direction: RawNode.createWithSql(fragmentOf(direction, DIRECTIONS)) }),
        ...((nulls === 'first' || nulls === 'last') && { nulls }),
      },
    )
  })
  return OrderByNode.create(items)
}
