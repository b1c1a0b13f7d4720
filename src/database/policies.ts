import { quoteIdentifier } from './pools.ts'
import { APP_ROLE, POLICY_NAMES } from './roles.ts'
import { tableName, type TableShape } from './table-shape.ts'

/** What a statement may do to a table; the settings are `surety.<verb>_<resource>`. */
export type PolicyVerb = 'read' | 'write' | 'delete'

/** The transaction-local setting that opens a table to a statement: `own`, `tenant`, `any` or unset. */
export function settingName(verb: PolicyVerb, resource: string): string {
  return `surety.${verb}_${resource}`
}

/** The settings that name the asking tenant and person. */
export const TENANT_SETTING = 'surety.tenant'
export const SUBJECT_SETTING = 'surety.subject'
/** `any` opens every data key to a system task. */
export const KEYS_SETTING = 'surety.keys'

/** A setting's value, null where unset; in a sub-select, so that it is read once per statement and not per row. */
export function settingSql(setting: string, type: 'text' | 'uuid' = 'text'): string {
  const value = `nullif(current_setting('${setting}', true), '')`
  return type === 'text' ? `(select ${value})` : `(select ${value}::uuid)`
}

/**
 * Row-level security of one table: enabled, forced, one policy per command. A row is open when
 * the setting of the verb is `any`; or `tenant` and the row is the tenant's; or `own` and it is the
 * asking person's, too, who may be any of a row's subjects. Where no tenant is declared the person is the tenant, so `own` asks for the
 * person alone. Anything else, an unset setting included, opens nothing.
 */
export function policyStatements(shape: TableShape): string[] {
  const table = tableName(shape.name)
  const read = openSql(shape, 'read')
  const write = openSql(shape, 'write')
  return [
    `alter table ${table} enable row level security`,
    `alter table ${table} force row level security`,
    ...POLICY_NAMES.map((name) => `drop policy if exists ${name} on ${table}`),
    `create policy surety_read on ${table} for select using (${read})`,
    `create policy surety_insert on ${table} for insert with check (${write})`,
    `create policy surety_update on ${table} for update using (${write}) with check (${write})`,
    `create policy surety_delete on ${table} for delete using (${openSql(shape, 'delete')})`,
    `revoke all on ${table} from public, ${APP_ROLE}`,
    `grant select, insert, update, delete on ${table} to ${APP_ROLE}`,
  ]
}

function openSql(shape: TableShape, verb: PolicyVerb): string {
  const { tenant, own } = ownership(shape)
  return `case ${settingSql(settingName(verb, shape.name))} when 'any' then true when 'tenant' then ${tenant} when 'own' then ${own} else false end`
}

function ownership(shape: TableShape): { tenant: string; own: string } {
  const { tenant } = shape.declared
  const { subjects } = shape
  const tenants =
    tenant === null ? 'false' : `${quoteIdentifier(tenant)} = ${settingSql(TENANT_SETTING, 'uuid')}`
  if (subjects.length === 0) return { tenant: tenants, own: 'false' }
  const each = subjects.map((column) => `${quoteIdentifier(column)} = ${settingSql(SUBJECT_SETTING, 'uuid')}`)
  const persons = each.length === 1 ? each[0]! : `(${each.join(' or ')})`
  return { tenant: tenants, own: tenant === subjects[0] ? persons : `(${tenants} and ${persons})` }
}
