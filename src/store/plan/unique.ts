import { blindColumn, tenantColumn, type Resource } from '../../declare/index.ts'
import { describeName, StoreError } from '../errors.ts'
import { indexedFields, visibleColumns } from './table.ts'

/** The stored columns that a conflict is looked for in; a declared unique set brings its tenant along. */
export function arbiters(resource: Resource, named: readonly string[]): string[] {
  const tenant = tenantColumn(resource)
  const set = uniqueSet(resource, named)
  const names = set && tenant !== null ? [tenant, ...set] : named
  return names.map((name) => arbiter(resource, name))
}

/** The declared unique set that these columns name, with or without the tenant. */
export function uniqueSet(resource: Resource, named: readonly string[]): readonly string[] | null {
  if (named.length === 0) return null
  const tenant = tenantColumn(resource)
  const asked = named.filter((name) => name !== tenant).toSorted()
  return resource.unique.find((set) => set.toSorted().join() === asked.join()) ?? null
}

function arbiter(resource: Resource, column: string): string {
  if (visibleColumns(resource).includes(column)) return column
  if (indexedFields(resource).includes(column)) return blindColumn(column)
  throw new StoreError(
    'ERR_STORE_UNKNOWN_COLUMN',
    `${resource.name} has no column ${describeName(column)} to conflict on`,
  )
}
