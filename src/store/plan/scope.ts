import type { OperationNode, ReferenceNode } from 'kysely'
import type { Envelope, Resource } from '../../declare/index.ts'
import { describeName, StoreError } from '../errors.ts'
import type { Authority } from './authority.ts'
import { isKind, take } from './nodes.ts'
import { columnOf } from './table.ts'

/**
 * The hidden columns that opening a sealed field takes, as a source offers them.
 *
 * `row`: by stored name, the envelope and the clear columns of the row. `representative`: only the
 * id of one row of a group, whose fields that are grouped by are the whole group's; the row itself
 * is fetched within `reach`, the owner columns and values that bind rows to the principal.
 */
export type Carrier = RowCarrier | RepresentativeCarrier

export interface RowCarrier {
  readonly kind: 'row'
  readonly resource: Resource
  /** Which of the row's envelopes. */
  readonly envelope: Envelope
  readonly columns: ReadonlyMap<string, string>
}

export interface RepresentativeCarrier {
  readonly kind: 'representative'
  readonly resource: Resource
  readonly envelope: Envelope
  readonly columns: ReadonlyMap<string, string>
  readonly reach: ReadonlyMap<string, string>
}

/** A sealed field as a source offers it: it has no column, only a carrier and perhaps a blind column. */
export interface SealedColumn {
  readonly field: string
  readonly carrier: Carrier
  readonly blind: string | null
}

/** The columns of a table, derived table or CTE by name; null for one stored in the clear. */
export type Columns = ReadonlyMap<string, SealedColumn | null>

export interface Source {
  readonly alias: string
  readonly columns: Columns
  /** The table itself, where the source is one: naming its columns takes the permission to read them. */
  readonly resource?: Resource
}

/** A reference that was found: which source, which column, sealed or not. */
export interface Resolved {
  readonly source: Source
  readonly column: string
  readonly sealed: SealedColumn | null
}

/** What a subquery's place allows it to return. */
export type SelectMode =
  | 'root'
  /** A root beside others, whose columns line up. */
  | 'united'
  | 'derived'
  | 'value'
  | 'exists'
  /** The store's own look at whole rows before it changes them: plain columns in the list are its own. */
  | 'locking'

/** Plans a select inside a scope; passed along, so that expressions and selects may nest. */
export type SubqueryPlanner = (scope: Scope, node: OperationNode, mode: SelectMode) => OperationNode

/** The tables that names can mean in one query block, and the block around it. */
export class Scope {
  readonly authority: Authority
  readonly parent: Scope | null
  readonly ctes: ReadonlyMap<string, Columns>
  readonly subquery: SubqueryPlanner
  readonly #sources: Source[] = []

  constructor(
    authority: Authority,
    subquery: SubqueryPlanner,
    parent: Scope | null = null,
    ctes: ReadonlyMap<string, Columns> = new Map(),
  ) {
    this.authority = authority
    this.subquery = subquery
    this.parent = parent
    this.ctes = ctes
  }

  get sources(): readonly Source[] {
    return this.#sources
  }

  /** @throws StoreError `ERR_STORE_NAME` when two tables of the block have one name */
  add(source: Source): void {
    checkName(source.alias)
    if (this.#sources.some(({ alias }) => alias === source.alias)) {
      throw new StoreError(
        'ERR_STORE_NAME',
        `two tables of the query are called ${describeName(source.alias)}`,
      )
    }
    this.#sources.push(source)
  }

  /** The source of that name in this block alone. */
  own(alias: string): Source {
    const source = this.#sources.find((candidate) => candidate.alias === alias)
    if (!source)
      throw new StoreError('ERR_STORE_UNKNOWN_TABLE', `the query has no table ${describeName(alias)}`)
    return source
  }

  /**
   * What a reference means, by the rules of SQL: the innermost block that knows the name decides.
   * @throws StoreError `ERR_STORE_UNKNOWN_COLUMN`, `ERR_STORE_UNKNOWN_TABLE`, `ERR_STORE_NAME`
   */
  resolve(node: OperationNode): Resolved {
    const resolved = this.find(node)
    const { resource } = resolved.source
    if (resource) this.authority.need(resource, 'read', [resolved.column])
    return resolved
  }

  /** As {@link resolve}, without a permission: for columns that the store itself names. */
  find(node: OperationNode): Resolved {
    const { table, column } = readReference(node)
    for (const scope of this.#outwards()) {
      const found = scope.#sources.filter(
        (source) => (table === null || source.alias === table) && source.columns.has(column),
      )
      if (found.length > 1) {
        throw new StoreError(
          'ERR_STORE_NAME',
          `${describeName(column)} is a column of two tables: name the table`,
        )
      }
      const [source] = found
      if (source) return { source, column, sealed: source.columns.get(column) ?? null }
      if (table !== null && scope.#sources.some(({ alias }) => alias === table)) break
    }
    const place = table === null ? 'no table of the query' : describeName(table)
    throw new StoreError('ERR_STORE_UNKNOWN_COLUMN', `${place} has no column ${describeName(column)}`)
  }

  /** This block, then those around it. */
  #outwards(): Scope[] {
    return this.parent ? [this, ...this.parent.#outwards()] : [this]
  }
}

/** True for the forms in which a query names a column. */
export function isReference(node: OperationNode): boolean {
  if (isKind(node, 'ColumnNode')) return true
  return isKind(node, 'ReferenceNode') && isKind(take(node, 'ReferenceNode').column, 'ColumnNode')
}

/** The table name (or null) and column name of a reference. */
export function readReference(node: OperationNode): { table: string | null; column: string } {
  if (isKind(node, 'ColumnNode')) return { table: null, column: readColumn(node) }
  const reference: ReferenceNode = take(node, 'ReferenceNode')
  return { table: reference.table ? readTable(reference.table) : null, column: readColumn(reference.column) }
}

export function readColumn(node: OperationNode): string {
  return readIdentifier(take(node, 'ColumnNode').column)
}

/** A table's name; a schema is refused with the node that carries it. */
export function readTable(node: OperationNode): string {
  return readIdentifier(take(take(node, 'TableNode').table, 'SchemableIdentifierNode').identifier)
}

export function readIdentifier(node: OperationNode): string {
  const { name } = take(node, 'IdentifierNode')
  if (typeof name !== 'string') throw new StoreError('ERR_STORE_NAME', 'a name in the query is not a text')
  return name
}

/** Postgres cuts longer names, and two names that differ could then mean the same table. */
const MOST_NAME_BYTES = 63

/** Names that begin with an underscore are the store's own. */
export function checkName(name: string): string {
  if (name.includes('\0') || Buffer.byteLength(name) > MOST_NAME_BYTES) {
    throw new StoreError(
      'ERR_STORE_NAME',
      'a name in the query is longer than 63 bytes or holds a NUL character',
    )
  }
  if (name.startsWith('_') || name === '') {
    throw new StoreError('ERR_STORE_NAME', 'a name that begins with "_" is reserved for the store')
  }
  return name
}

/** The column of a resolved clear reference. */
export function clearReference({ source, column, sealed }: Resolved): OperationNode {
  if (sealed) refuseSealed(sealed)
  return columnOf(source.alias, column)
}

export function refuseSealed({ carrier, field }: SealedColumn): never {
  throw new StoreError(
    'ERR_STORE_SEALED_EXPRESSION',
    `${carrier.resource.name}.${field} is sealed: SQL cannot compute with it`,
  )
}
