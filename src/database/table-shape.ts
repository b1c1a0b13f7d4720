import { createHash } from 'node:crypto'
import {
  blindColumn,
  blindFields,
  clearFields,
  envelopesOf,
  sealedFields,
  tenantColumn,
  type Field,
  type FieldKind,
  type OnErase,
  type Resource,
} from '../declare/index.ts'
import { DatabaseError } from './errors.ts'
import { quoteIdentifier, quoteLiteral } from './pools.ts'

/** One column as Postgres names its type (`format_type`). */
export interface ColumnShape {
  readonly name: string
  readonly type: string
  readonly nullable: boolean
  /** The values a choice allows, or null. */
  readonly choices: readonly string[] | null
}

/** What the catalogue cannot say about a table, kept beside it in `surety.resources`. */
export interface DeclaredShape {
  readonly tenant: string | null
  readonly subject: string | null
  /** Where rows have several subjects: each id column and what an erasure does. */
  readonly subjects?: { readonly [column: string]: OnErase }
  /** Where rows have several subjects: the fields that are about one of them. */
  readonly about?: { readonly [field: string]: string }
  readonly seal: Resource['seal']
  readonly schemaVersion: number
  /** Sealed fields by name: what the envelopes hold. */
  readonly sealed: { readonly [field: string]: { readonly kind: FieldKind; readonly optional: boolean } }
  readonly choices: { readonly [field: string]: readonly string[] }
}

/** The table of one resource: everything that the data map decides about it. */
export interface TableShape {
  readonly name: string
  readonly columns: readonly ColumnShape[]
  readonly primaryKey: readonly string[]
  /** Index name to the columns it covers. */
  readonly indexes: ReadonlyMap<string, readonly string[]>
  /** Names of unique indexes to the columns they cover, the tenant first. */
  readonly uniques: ReadonlyMap<string, readonly string[]>
  /** The id columns of the row's subjects. */
  readonly subjects: readonly string[]
  readonly declared: DeclaredShape
}

const TYPES: Readonly<Record<FieldKind, string>> = {
  id: 'uuid',
  text: 'text',
  integer: 'bigint',
  number: 'double precision',
  boolean: 'boolean',
  timestamp: 'timestamp(3) with time zone',
  date: 'date',
  choice: 'text',
  list: 'text[]',
  json: 'jsonb',
  bytes: 'bytea',
}

const IDENTIFIER = /^[A-Za-z][A-Za-z0-9_]{0,47}$/
const IDENTIFIER_MAX = 63

/**
 * The table a resource declares. Sealed fields have no column: they share their subject's envelope.
 * @throws DatabaseError `ERR_DATABASE_NAME` for a name that cannot be a table, column or setting
 */
export function tableShape(resource: Resource): TableShape {
  for (const name of [resource.name, ...Object.keys(resource.fields)]) {
    if (!IDENTIFIER.test(name))
      throw new DatabaseError('ERR_DATABASE_NAME', `${JSON.stringify(name)} cannot name a table or column`)
  }
  const tenant = tenantColumn(resource)
  return {
    name: resource.name,
    columns: columnsOf(resource),
    primaryKey: tenant === null ? ['id'] : [tenant, 'id'],
    indexes: indexesOf(resource, tenant),
    uniques: uniquesOf(resource, tenant),
    subjects: resource.subjects.map(({ column }) => column),
    declared: declaredShape(resource),
  }
}

/** The type of each column of a resource's table, as Postgres names it. */
export function columnTypes(resource: Resource): ReadonlyMap<string, string> {
  return new Map(columnsOf(resource).map(({ name, type }) => [name, type]))
}

/** Setting names ignore case, so two resources must not differ in case only. @throws DatabaseError `ERR_DATABASE_NAME` */
export function refuseClashes(resources: readonly Resource[]): void {
  const seen = new Set<string>()
  for (const { name } of resources) {
    if (seen.has(name.toLowerCase()))
      throw new DatabaseError('ERR_DATABASE_NAME', `two resources are named ${name} but for case`)
    seen.add(name.toLowerCase())
  }
}

function columnsOf(resource: Resource): ColumnShape[] {
  const plain = (name: string, type: string, nullable: boolean): ColumnShape => ({
    name,
    type,
    nullable,
    choices: null,
  })
  const clear = clearFields(resource).map((name) => {
    const field = resource.fields[name]!
    return {
      name,
      type: TYPES[field.kind],
      nullable: isNullable(resource, name, field),
      choices: field.choices,
    }
  })
  return [
    plain('id', 'uuid', false),
    plain('createdAt', TYPES.timestamp, false),
    ...clear,
    // Nullable where a row has several: a subject may be absent, or blanked by an erasure.
    ...envelopesOf(resource).map(({ column, about }) => plain(column, 'bytea', about !== null)),
    // Nullable even for required fields: rows from before the index was declared have none yet.
    ...blindFields(resource).map((name) => plain(blindColumn(name), 'bytea', true)),
  ]
}

function isNullable(resource: Resource, name: string, field: Field): boolean {
  return field.optional && name !== tenantColumn(resource) && name !== resource.subject
}

function indexesOf(resource: Resource, tenant: string | null): Map<string, string[]> {
  const leading = tenant === null ? [] : [tenant]
  const indexes = new Map<string, string[]>()
  for (const field of blindFields(resource)) {
    // A look-up per installation comes before the tenant is known.
    const perTenant = resource.fields[field]!.index === 'blind' ? leading : []
    indexes.set(objectName(resource.name, `blind_${field}`), [...perTenant, blindColumn(field)])
  }
  const time = clearFields(resource).find((name) => resource.fields[name]!.kind === 'timestamp')
  if (resource.subject !== null && time !== undefined) {
    const columns = [...new Set([...leading, resource.subject, time])]
    indexes.set(objectName(resource.name, `by_${time}`), columns)
  }
  if (resource.subject === null) {
    for (const { column } of resource.subjects)
      indexes.set(objectName(resource.name, `about_${column}`), [...leading, column])
  }
  return indexes
}

function uniquesOf(resource: Resource, tenant: string | null): Map<string, string[]> {
  const leading = tenant === null ? [] : [tenant]
  const sealed = new Set(sealedFields(resource))
  return new Map(
    resource.unique.map((names) => {
      const columns = names.map((name) => (sealed.has(name) ? blindColumn(name) : name))
      return [objectName(resource.name, `unique_${names.join('_')}`), [...leading, ...columns]]
    }),
  )
}

function declaredShape(resource: Resource): DeclaredShape {
  const fields = Object.entries(resource.fields)
  const sealed = sealedFields(resource).map((name) => {
    const { kind, optional } = resource.fields[name]!
    return [name, { kind, optional }] as const
  })
  return {
    tenant: tenantColumn(resource),
    subject: resource.subject,
    ...severalSubjects(resource),
    seal: resource.seal,
    schemaVersion: resource.schemaVersion,
    sealed: Object.fromEntries(sealed),
    choices: Object.fromEntries(fields.flatMap(([name, { choices }]) => (choices ? [[name, choices]] : []))),
  }
}

function severalSubjects({ subjects, fields }: Resource): Pick<DeclaredShape, 'subjects' | 'about'> {
  if (subjects.length < 2) return {}
  const about = Object.entries(fields).flatMap(([name, field]) => (field.about ? [[name, field.about]] : []))
  return {
    subjects: Object.fromEntries(subjects.map(({ column, onErase }) => [column, onErase])),
    about: Object.fromEntries(about) as { [field: string]: string },
  }
}

/** A name for an index or constraint, unique and within Postgres's 63 bytes. */
export function objectName(table: string, what: string): string {
  const name = `${table}_${what}`
  if (name.length <= IDENTIFIER_MAX) return name
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 8)
  return `${name.slice(0, IDENTIFIER_MAX - 9)}_${digest}`
}

/** `app."name"`. */
export function tableName(name: string): string {
  return `app.${quoteIdentifier(name)}`
}

/** One column as `create table` and `add column` write it. */
export function columnSql(table: string, column: ColumnShape): string {
  const check = column.choices
    ? ` constraint ${choiceName(table, column.name)} ${choiceCheck(column.name, column.choices)}`
    : ''
  return `${quoteIdentifier(column.name)} ${column.type}${column.nullable ? '' : ' not null'}${check}`
}

export function choiceName(table: string, column: string): string {
  return quoteIdentifier(objectName(table, `${column}_choice`))
}

export function choiceCheck(column: string, choices: readonly string[]): string {
  return `check (${quoteIdentifier(column)} in (${choices.map((choice) => quoteLiteral(choice)).join(', ')}))`
}

export function createTableSql(shape: TableShape): string {
  const columns = shape.columns.map((column) => columnSql(shape.name, column))
  const key = `primary key (${shape.primaryKey.map((name) => quoteIdentifier(name)).join(', ')})`
  return `create table ${tableName(shape.name)} (\n  ${[...columns, key].join(',\n  ')}\n)`
}

export function createIndexSql(
  table: string,
  index: string,
  columns: readonly string[],
  unique = false,
): string {
  return `create ${unique ? 'unique ' : ''}index ${quoteIdentifier(index)} on ${tableName(table)} (${columns.map((name) => quoteIdentifier(name)).join(', ')})`
}
