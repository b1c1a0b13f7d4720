import {
  AggregateFunctionNode,
  AliasNode,
  CastNode,
  ColumnNode,
  DataTypeNode,
  ReferenceNode,
  SelectionNode,
  ValueNode,
  type OperationNode,
} from 'kysely'
import { describeName, StoreError } from '../errors.ts'
import type { Authority } from './authority.ts'
import { planExpression } from './expression.ts'
import { isKind, take } from './nodes.ts'
import {
  checkName,
  clearReference,
  isReference,
  readIdentifier,
  readReference,
  readTable,
  refuseSealed,
  type Carrier,
  type Resolved,
  type Scope,
  type SealedColumn,
  type SelectMode,
  type Source,
} from './scope.ts'
import { columnOf, identifier } from './table.ts'

/** One selected column by the name it has outside; sealed ones are made after the rows have come. */
export interface Output {
  readonly name: string
  readonly sealed: SealedColumn | null
}

export interface Selected {
  readonly nodes: readonly SelectionNode[]
  readonly outputs: readonly Output[]
  /** Equal for two selects whose columns, hidden ones included, line up in a set operation. */
  readonly shape: readonly string[]
}

interface Item {
  readonly name: string
  readonly node: OperationNode
  /** The column that the node is, where it is one. */
  readonly resolved: Resolved | null
}

/**
 * Plans a select list: sealed fields leave no column of their own, only the hidden ones that
 * opening them takes, once for each row that they come from.
 *
 * @param grouped the references grouped by; null where rows are not grouped
 */
export function planSelections(
  scope: Scope,
  selections: readonly OperationNode[],
  mode: SelectMode,
  grouped: readonly Resolved[] | null = null,
): Selected {
  const items = selections.flatMap((selection) => expand(scope, selection, mode))
  const exporter = new Exporter(scope.authority, mode, grouped, items)
  for (const item of items) exporter.add(item, scope)
  return exporter
}

/** The plain columns behind `*`, and the name of each selected expression. */
function expand(scope: Scope, selection: OperationNode, mode: SelectMode): Item[] {
  const node = take(selection, 'SelectionNode').selection
  if (isKind(node, 'SelectAllNode')) return scope.sources.flatMap((source) => allColumns(scope, source))
  if (isKind(node, 'ReferenceNode')) {
    const { table, column } = take(node, 'ReferenceNode')
    if (table && isKind(column, 'SelectAllNode')) return allColumns(scope, scope.own(readTable(table)))
  }
  if (isKind(node, 'AliasNode')) {
    const alias = take(node, 'AliasNode')
    return [toItem(scope, readIdentifier(alias.alias), alias.node)]
  }
  if (isReference(node) && mode === 'locking')
    return [{ name: readReference(node).column, node, resolved: scope.find(node) }]
  if (isReference(node)) return [toItem(scope, readReference(node).column, node)]
  if (mode === 'value' || mode === 'exists') return [toItem(scope, 'value', node)]
  throw new StoreError('ERR_STORE_NAME', 'a selected expression has no name')
}

function toItem(scope: Scope, name: string, node: OperationNode): Item {
  return { name: checkName(name), node, resolved: isReference(node) ? scope.resolve(node) : null }
}

/** Every column, for which the permission to read must be about all of them. */
function allColumns({ authority }: Scope, source: Source): Item[] {
  if (source.resource) authority.need(source.resource, 'read', source.columns.keys())
  return [...source.columns].map(([column, sealed]) => {
    return { name: column, node: columnOf(source.alias, column), resolved: { source, column, sealed } }
  })
}

interface Exported {
  readonly from: Resolved
  readonly number: number
  readonly carrier: Carrier
}

class Exporter implements Selected {
  readonly nodes: SelectionNode[] = []
  readonly outputs: Output[] = []
  readonly shape: string[] = []
  readonly #authority: Authority
  readonly #mode: SelectMode
  readonly #grouped: readonly Resolved[] | null
  readonly #items: readonly Item[]
  readonly #exported: Exported[] = []
  readonly #blind = new Set<string>()

  constructor(
    authority: Authority,
    mode: SelectMode,
    grouped: readonly Resolved[] | null,
    items: readonly Item[],
  ) {
    this.#authority = authority
    this.#mode = mode
    this.#grouped = grouped
    this.#items = items
  }

  add({ name, node, resolved }: Item, scope: Scope): void {
    if (this.#mode !== 'exists' && this.outputs.some((output) => output.name === name)) {
      throw new StoreError('ERR_STORE_NAME', `two selected columns are called ${describeName(name)}`)
    }
    if (resolved?.sealed) this.#addSealed(name, resolved)
    else
      this.#addClear(
        name,
        resolved ? clearReference(resolved) : planExpression(scope, node),
        resolved?.column,
      )
  }

  #addClear(name: string, node: OperationNode, column?: string): void {
    this.#select(node, column === name ? null : name)
    this.outputs.push({ name, sealed: null })
    this.shape.push('clear')
  }

  #addSealed(name: string, resolved: Resolved): void {
    const { field, carrier } = resolved.sealed!
    if (this.#mode === 'value') refuseSealed(resolved.sealed!)
    if (this.#mode === 'exists') return this.#addClear(name, ValueNode.createImmediate(null))
    const exported = this.#export(resolved)
    this.outputs.push({
      name,
      sealed: { field, carrier: exported.carrier, blind: this.#exportBlind(resolved, exported.number) },
    })
    this.shape.push(`${carrier.resource.name}.${field} of ${exported.carrier.kind} ${exported.number}`)
  }

  /** The hidden columns of the row that a sealed field comes from, once. */
  #export(from: Resolved): Exported {
    const known = this.#exported.find(
      (one) => one.from.source === from.source && one.from.sealed!.carrier === from.sealed!.carrier,
    )
    if (known) return known
    const number = this.#exported.length
    const carrier = this.#grouped === null ? this.#carry(from, number) : this.#represent(from, number)
    const exported = { from, number, carrier }
    this.#exported.push(exported)
    return exported
  }

  #carry({ source, sealed }: Resolved, number: number): Carrier {
    const { carrier } = sealed!
    const carried = [...carrier.columns].map(([stored, column], i) => {
      const selected = this.#selected(source, column)
      if (selected) return [stored, selected.name] as const
      const hidden = `_c${number}_${i}`
      this.#select(columnOf(source.alias, column), hidden)
      return [stored, hidden] as const
    })
    return { ...carrier, columns: new Map(carried) }
  }

  /** A column that is selected anyway, where it need not come twice. */
  #selected(source: Source, column: string): Item | null {
    if (this.#mode !== 'root') return null
    const isIt = ({ resolved }: Item): boolean =>
      resolved?.source === source && resolved.column === column && resolved.sealed === null
    return this.#items.find(isIt) ?? null
  }

  /** One row stands for its group, found by the least id, which takes no memory per row. */
  #represent({ source, sealed }: Resolved, number: number): Carrier {
    const { resource, envelope, columns } = sealed!.carrier
    const hidden = `_c${number}_0`
    const id = CastNode.create(columnOf(source.alias, columns.get('id')!), DataTypeNode.create('text'))
    this.#select(AggregateFunctionNode.create('min', [id]), hidden)
    return {
      kind: 'representative',
      resource,
      envelope,
      columns: new Map([['id', hidden]]),
      reach: this.#authority.reach(resource),
    }
  }

  /** Inner blocks hand the blind index on, so that outer ones may compare and group. */
  #exportBlind(resolved: Resolved, number: number): string | null {
    const { field, blind } = resolved.sealed!
    this.#checkGrouped(resolved)
    if (this.#mode !== 'derived' || blind === null) return null
    const hidden = `_b${number}_${field}`
    if (!this.#blind.has(hidden)) this.#select(columnOf(resolved.source.alias, blind), hidden)
    this.#blind.add(hidden)
    return hidden
  }

  #checkGrouped({ source, column, sealed }: Resolved): void {
    const fits = this.#grouped?.some((group) => group.source === source && group.column === column) ?? true
    if (!fits) refuseSealed(sealed!)
  }

  #select(node: OperationNode, name: string | null): void {
    const named = name === null ? node : AliasNode.create(node, identifier(name))
    this.nodes.push(SelectionNode.create(named as ReferenceNode))
  }
}

/** A bare reference to a selected column, as ORDER BY takes it. */
export function outputReference(outputs: readonly Output[], node: OperationNode): OperationNode | null {
  if (!isReference(node)) return null
  const { table, column } = readReference(node)
  const output = table === null ? outputs.find(({ name }) => name === column) : undefined
  if (!output) return null
  if (output.sealed) refuseSealed(output.sealed)
  return ReferenceNode.create(ColumnNode.create(column))
}
