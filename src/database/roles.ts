import type { Connection } from './connection.ts'
import { DatabaseError } from './errors.ts'
import { quoteIdentifier, quoteLiteral } from './pools.ts'

/** The role that every governed statement runs as. It owns nothing. */
export const APP_ROLE = 'surety_app'

/** The role that owns schemas, tables and policies; never used for an application's statements. */
export const OWNER_ROLE = 'surety_owner'

/** Predefined roles that reach around grants: files, programs, every table, every policy's author. */
const REACHING_ROLES = [
  'pg_read_all_data',
  'pg_write_all_data',
  'pg_read_server_files',
  'pg_write_server_files',
  'pg_execute_server_program',
  'pg_maintain',
  'pg_create_subscription',
] as const

interface Reach {
  readonly role: string
  readonly own: boolean
  readonly superuser: boolean
  readonly bypass: boolean
  readonly createrole: boolean
  readonly createdb: boolean
  readonly replication: boolean
  readonly reaching: boolean
  readonly owns_database: boolean
}

/**
 * Refuses a connection whose role could read or write past the policies of `tables` (names in
 * schema `app`): by an attribute, by membership in any role that has it, by ownership, by a right
 * that policies do not govern, or because a table lacks enabled and forced row-level security.
 *
 * @throws DatabaseError `ERR_DATABASE_BYPASS` naming every way found
 */
export async function assertCannotBypass(app: Connection, tables: readonly string[]): Promise<void> {
  const ways = [...(await roleWays(app)), ...(await schemaWays(app)), ...(await tableWays(app, tables))]
  if (ways.length === 0) return
  throw new DatabaseError(
    'ERR_DATABASE_BYPASS',
    `the app's database role could bypass row-level security: ${ways.join('; ')}`,
  )
}

async function roleWays(app: Connection): Promise<string[]> {
  const reaches = await app.query<Reach>(
    `select r.rolname as role, r.rolname = session_user as own, r.rolsuper as superuser, r.rolbypassrls as bypass,
            r.rolcreaterole as createrole, r.rolcreatedb as createdb, r.rolreplication as replication,
            r.rolname = any($1) as reaching,
            exists (select from pg_database d where d.datname = current_database() and d.datdba = r.oid) as owns_database
       from pg_roles r
      where pg_has_role(session_user, r.oid, 'member')`,
    [REACHING_ROLES],
  )
  return reaches.flatMap((reach) => {
    const powers = powersOf(reach)
    if (powers.length === 0) return []
    return [`${reach.own ? `role ${reach.role}` : `membership in ${reach.role}, which`} ${powers.join(', ')}`]
  })
}

function powersOf(reach: Reach): string[] {
  const powers: string[] = []
  if (reach.superuser) powers.push('is a superuser')
  if (reach.bypass) powers.push('has BYPASSRLS')
  if (reach.createrole) powers.push('may create roles')
  if (reach.createdb) powers.push('may create databases')
  if (reach.replication) powers.push('may replicate')
  if (reach.reaching) powers.push('reaches all tables or server files')
  if (reach.owns_database) powers.push('owns the database')
  return powers
}

async function schemaWays(app: Connection): Promise<string[]> {
  const schemas = await app.query<{ name: string; owned: boolean; creates: boolean }>(
    `select n.nspname as name, pg_has_role(session_user, n.nspowner, 'member') as owned,
            has_schema_privilege(session_user, n.oid, 'create') as creates
       from pg_namespace n
      where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'`,
  )
  return schemas.flatMap(({ name, owned, creates }) => {
    if (owned) return [`it owns schema ${name}`]
    return creates ? [`it may create in schema ${name}`] : []
  })
}

interface TableState {
  readonly name: string
  readonly owned: boolean
  readonly enabled: boolean
  readonly forced: boolean
  readonly truncates: boolean
  readonly foreign_policies: string[]
}

async function tableWays(app: Connection, tables: readonly string[]): Promise<string[]> {
  const found = await app.query<TableState>(
    `select c.relname as name, pg_has_role(session_user, c.relowner, 'member') as owned,
            c.relrowsecurity as enabled, c.relforcerowsecurity as forced,
            has_table_privilege(session_user, c.oid, 'truncate, references, trigger') as truncates,
            array(select p.polname::text from pg_policy p where p.polrelid = c.oid and p.polname <> all($2)) as foreign_policies
       from pg_class c
      where c.relnamespace = to_regnamespace('app') and c.relname = any($1)`,
    [tables, POLICY_NAMES],
  )
  const missing = tables.filter((table) => !found.some(({ name }) => name === table))
  return [...missing.map((table) => `table ${table} is missing`), ...found.flatMap(tableFaults)]
}

/** The policies of a governed table; any other could widen them, since permissive policies add up. */
export const POLICY_NAMES = ['surety_read', 'surety_insert', 'surety_update', 'surety_delete'] as const

function tableFaults(table: TableState): string[] {
  const faults: string[] = []
  if (table.owned) faults.push(`it owns table ${table.name}`)
  if (!table.enabled || !table.forced) faults.push(`table ${table.name} lacks forced row-level security`)
  if (table.truncates) faults.push(`it may truncate, reference or put triggers on table ${table.name}`)
  for (const policy of table.foreign_policies)
    faults.push(`table ${table.name} has a foreign policy ${policy}`)
  return faults
}

/** Grants and settings of the app role in one database, idempotent. */
export function appRoleStatements(database: string): string[] {
  const name = quoteIdentifier(database)
  return [
    `revoke temporary on database ${name} from public`,
    `grant connect on database ${name} to ${APP_ROLE}`,
    `alter role ${APP_ROLE} in database ${name} set search_path = app`,
  ]
}

/**
 * Creates the app role with `password` where it is missing, as an external database's owner, and
 * leaves an existing one alone except for its grants.
 *
 * @throws DatabaseError `ERR_DATABASE_ROLES` with the statements for an administrator
 */
export async function ensureAppRole(
  owner: Connection,
  database: string,
  password: string | null,
): Promise<void> {
  const [role] = await owner.query(`select from pg_roles where rolname = $1`, [APP_ROLE])
  const create = (secret: string): string =>
    `create role ${APP_ROLE} login nosuperuser nobypassrls nocreatedb nocreaterole noreplication password ${secret}`
  try {
    if (!role && password === null)
      throw new DatabaseError('ERR_DATABASE_ROLES', 'there is no password to give the app role')
    if (!role && password !== null) await owner.query(create(quoteLiteral(password)))
    for (const statement of await missingSettings(owner, database)) await owner.query(statement)
  } catch (cause) {
    const statements = [...(role ? [] : [create(`'<a password>'`)]), ...appRoleStatements(database)]
    throw new DatabaseError(
      'ERR_DATABASE_ROLES',
      `the app role cannot be set up; run: ${statements.join('; ')};`,
      { cause },
    )
  }
}

/** The statements that are still needed: an owner without rights over the role must not fail on what is in place. */
async function missingSettings(owner: Connection, database: string): Promise<string[]> {
  const [state] = await owner.query<{ connects: boolean; path: boolean; temporary: boolean }>(
    `select has_database_privilege($1, current_database(), 'connect') as connects,
            has_database_privilege($1, current_database(), 'temporary') as temporary,
            exists (select from pg_db_role_setting s join pg_roles r on r.oid = s.setrole join pg_database d on d.oid = s.setdatabase
                     where r.rolname = $1 and d.datname = current_database() and 'search_path=app' = any(s.setconfig)) as path`,
    [APP_ROLE],
  )
  const [revoke, connect, path] = appRoleStatements(database)
  return [
    ...(state?.temporary ? [revoke!] : []),
    ...(state?.connects ? [] : [connect!]),
    ...(state?.path ? [] : [path!]),
  ]
}
