import { InsertQueryNode, RawNode, ValueNode, type OperationNode } from 'kysely'
import type { Resource } from '../../declare/index.ts'
import { declareColumn } from '../seal/column-arrays.ts'
import { storedColumns } from './table.ts'

/** A parameter that becomes one column of all the rows that a statement stores. */
export class ColumnSlot {
  readonly resource: Resource
  readonly column: string

  constructor(resource: Resource, column: string) {
    this.resource = resource
    this.column = column
  }
}

/**
 * The planned insert with its rows taken from one array for each column. The text is the same for
 * any number of rows, so it is compiled shortly and stays prepared.
 */
export function fromArrays(resource: Resource, insert: OperationNode): OperationNode {
  const columns = storedColumns(resource)
  const declared = columns.map((column) => declareColumn(resource, column))
  const selected = declared.map(({ cast }, i) => `c${i}${cast}`).join(', ')
  const names = columns.map((_, i) => `c${i}`).join(', ')
  const between = declared.map(({ array }, i) => `::${array}${i === columns.length - 1 ? '' : ', '}`)
  const values = RawNode.create(
    [`select ${selected} from unnest(`, ...between.slice(0, -1), `${between.at(-1)!}) as rows (${names})`],
    columns.map((column) => ValueNode.create(new ColumnSlot(resource, column))),
  )
  return InsertQueryNode.cloneWith(insert as InsertQueryNode, { values })
}
