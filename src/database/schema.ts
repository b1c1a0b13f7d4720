import type { Connection } from './connection.ts'

export interface ColumnDescription {
  readonly name: string
  /** As `format_type` writes it. */
  readonly type: string
  readonly nullable: boolean
}

/** One table, partition, view or foreign table as it stands in the database. */
export interface TableDescription {
  readonly schema: string
  readonly name: string
  readonly kind: 'table' | 'partitioned table' | 'view' | 'materialized view' | 'foreign table'
  readonly columns: readonly ColumnDescription[]
}

const KINDS: Readonly<Record<string, TableDescription['kind']>> = {
  r: 'table',
  p: 'partitioned table',
  v: 'view',
  m: 'materialized view',
  f: 'foreign table',
}

interface CatalogueRow {
  readonly schema: string
  readonly name: string
  readonly kind: string
  readonly column: string | null
  readonly type: string | null
  readonly nullable: boolean | null
}

/**
 * Every table and column of the whole database outside Postgres's own catalogues, in order: for
 * inventory probes and for planning. Needs no right to read the rows.
 */
export async function describeSchema(connection: Connection): Promise<TableDescription[]> {
  const rows = await connection.query<CatalogueRow>(
    `select n.nspname as schema, c.relname as name, c.relkind as kind, a.attname as column,
            format_type(a.atttypid, a.atttypmod) as type, not a.attnotnull as nullable
       from pg_class c
       join pg_namespace n on n.oid = c.relnamespace
       left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      where c.relkind in ('r', 'p', 'v', 'm', 'f')
        and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and n.nspname !~ '^pg_(temp|toast_temp)_'
      order by n.nspname, c.relname, a.attnum`,
  )
  const tables = new Map<string, TableDescription & { columns: ColumnDescription[] }>()
  for (const { schema, name, kind, column, type, nullable } of rows) {
    const key = `${schema}.${name}`
    const table = tables.get(key) ?? { schema, name, kind: KINDS[kind]!, columns: [] }
    if (column !== null) table.columns.push({ name: column, type: type!, nullable: nullable! })
    tables.set(key, table)
  }
  return [...tables.values()]
}
