import {
  blindColumn,
  blindFields,
  clearFields,
  envelopesOf,
  IMPLICIT_COLUMNS,
  type Resource,
  type SuretyConfig,
} from '../declare/index.ts'
import type { LiveTable } from './probe-context.ts'
import { SYSTEM_TABLES } from './system-tables.ts'

/** The schema that resource tables live in. */
const RESOURCE_SCHEMA = 'app'

/** The columns that a resource's table has, and no others. */
export function columnsOf(resource: Resource): string[] {
  return [
    ...IMPLICIT_COLUMNS,
    ...clearFields(resource),
    ...envelopesOf(resource).map(({ column }) => column),
    ...blindFields(resource).map(blindColumn),
  ]
}

/** Live tables that neither the data map nor the library declares, as `schema.table`. */
export function undeclaredTables(config: SuretyConfig, live: readonly LiveTable[]): string[] {
  return live
    .filter((table) => declaredColumns(config, table) === null)
    .map(({ schema, name }) => `${schema}.${name}`)
}

/** Columns of declared tables that no declaration names, as `schema.table.column`. */
export function undeclaredColumns(config: SuretyConfig, live: readonly LiveTable[]): string[] {
  return live.flatMap((table) => {
    const declared = declaredColumns(config, table)
    if (declared === null || declared === 'all') return []
    const strangers = table.columns.filter((column) => !declared.includes(column))
    return strangers.map((column) => `${table.schema}.${table.name}.${column}`)
  })
}

/** Columns that the data map declares and the database lacks, as `table.column`. */
export function missingColumns(config: SuretyConfig, live: readonly LiveTable[]): string[] {
  return Object.values(config.resources).flatMap((resource) => {
    const table = live.find(({ schema, name }) => schema === RESOURCE_SCHEMA && name === resource.name)
    const present = table?.columns ?? []
    return columnsOf(resource)
      .filter((column) => !present.includes(column))
      .map((column) => `${resource.name}.${column}`)
  })
}

function declaredColumns(
  config: SuretyConfig,
  { schema, name }: LiveTable,
): readonly string[] | 'all' | null {
  if (schema === RESOURCE_SCHEMA) {
    const resource = config.resources[name]
    return resource ? columnsOf(resource) : null
  }
  const own = SYSTEM_TABLES.find(
    (table) => table.schema === schema && (table.name === '*' || table.name === name),
  )
  return own?.columns ?? null
}
