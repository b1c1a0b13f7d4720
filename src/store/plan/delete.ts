import { FromNode, WhereNode, type DeleteQueryNode, type OperationNode } from 'kysely'
import type { Resource } from '../../declare/index.ts'
import type { Authority } from './authority.ts'
import { refuseNode, take } from './nodes.ts'
import type { Output } from './selections.ts'
import { planFrom, planJoin } from './sources.ts'
import { planReturning, readTarget, returningChanged } from './target.ts'
import { planBlock, planTargetWhere } from './update.ts'

/** Plans a delete of the principal's rows of one table; other tables only help to choose them. */
export function planDelete(
  authority: Authority,
  node: OperationNode,
): { node: OperationNode; outputs: readonly Output[]; resource: Resource } {
  const query = take(node, 'DeleteQueryNode')
  const [from, ...others] = take(query.from, 'FromNode').froms
  if (!from || others.length > 0) return refuseNode(query.from)
  const target = readTarget(authority, from)
  const block = planBlock(authority, target, query.with)
  const using = query.using && planFrom(block.context, FromNode.create(take(query.using, 'UsingNode').tables))
  const joins = query.joins?.map((join) => planJoin(block.context, join))
  const where = planTargetWhere(block.scope, target, query.where, 'delete')
  const returning = planReturning(block.scope, target, query.returning)
  const planned: DeleteQueryNode = {
    kind: 'DeleteQueryNode',
    from: FromNode.create([target.node]),
    ...(block.with && { with: block.with }),
    ...(using && { using: { kind: 'UsingNode', tables: using.froms } }),
    ...(joins && { joins }),
    ...(where && { where: WhereNode.create(where) }),
    returning: returningChanged(target, returning),
  }
  return { node: planned, outputs: returning.outputs, resource: target.resource }
}
