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

/**
 * The condition on a row. What the settings alone decide stands in sub-selects, which are read once for
 * a statement, so that each row takes comparisons of ids and nothing else.
 */
function openSql({ name, declared: { tenant }, subjects }: TableShape, verb: PolicyVerb): string {
  const scope = `current_setting('${settingName(verb, name)}', true)`
  const any = `(select ${scope} = 'any')`
  if (tenant === null) return any
  const asking = { tenant: settingSql(TENANT_SETTING, 'uuid'), person: settingSql(SUBJECT_SETTING, 'uuid') }
  const others = subjects.filter((column) => column !== tenant)
  const own = others.length === 0 ? asking.person : asking.tenant
  const ownCase = subjects.length === 0 ? '' : ` when 'own' then ${own}`
  const within = `${quoteIdentifier(tenant)} = (select case ${scope} when 'tenant' then ${asking.tenant}${ownCase} end)`
  if (others.length === 0) return `${any} or ${within}`
  const whose = others.map((column) => `${quoteIdentifier(column)} = ${asking.person}`).join(' or ')
  return `${any} or (${within} and ((select ${scope} = 'tenant') or ${whose}))`
}
