import type { Connection } from './connection.ts'
import { quoteIdentifier } from './pools.ts'
import { APP_ROLE } from './roles.ts'

/**
 * Functions that every role may call as Postgres is shipped, and that tell of other tenants, act on
 * other sessions, run text as SQL, or store bytes where nothing governs them; as `like` patterns.
 *
 * Left open, since they harm nobody but the session that calls them, or are needed: `pg_sleep`,
 * settings, and advisory locks that end with their transaction.
 */
const CLOSED = [
  // Other sessions: their statements, their locks, their lives.
  ...['pg_cancel_backend', 'pg_terminate_backend', 'pg_lock_status', 'pg_blocking_pids'],
  ...['pg_safe_snapshot_blocking_pids', 'pg_export_snapshot', 'pg_notify'],
  // Locks that outlive a transaction would stay with a pooled connection.
  ...['pg_advisory_lock', 'pg_advisory_lock_shared', 'pg_try_advisory_lock', 'pg_try_advisory_lock_shared'],
  // How many rows there are, of all tenants, and what was done to them.
  ...['pg_stat_get_%', 'pg_relation_size', 'pg_table_size', 'pg_indexes_size', 'pg_total_relation_size'],
  ...['pg_database_size', 'pg_tablespace_size', 'pg_sequence_last_value'],
  // Text as SQL.
  ...['query_to_xml%', 'table_to_xml%', 'schema_to_xml%', 'database_to_xml%', 'cursor_to_xml%'],
  ...['ts_stat', 'ts_rewrite'],
  // Bytes outside every table, and in the WAL.
  ...['lo_%', 'loread', 'lowrite', 'pg_logical_emit_message'],
] as const

/** An underscore stands for itself alone; in a pattern it would for any character. */
const PATTERNS = CLOSED.map((name) => name.replaceAll('_', '\\_'))

/**
 * Takes from the app role what Postgres gives to everybody in one database: the functions above, and
 * the right to run blocks of code. Idempotent.
 *
 * @param admin a superuser's connection to that database: nobody else may
 * @param owner the role that keeps all of it; null where `admin` is that role
 */
export async function closeCatalog(admin: Connection, owner: string | null): Promise<void> {
  const found = await admin.query<{ name: string }>(
    `select p.oid::regprocedure::text as name from pg_proc p
      where p.pronamespace = 'pg_catalog'::regnamespace and p.proname like any($1)
        and has_function_privilege('${APP_ROLE}', p.oid, 'execute')`,
    [PATTERNS],
  )
  if (found.length > 0)
    await move(admin, owner, `execute on function ${found.map(({ name }) => name).join(', ')}`)
  const [code] = await admin.query<{ open: boolean }>(
    `select has_language_privilege('${APP_ROLE}', 'plpgsql', 'usage') as open`,
  )
  if (code?.open) await move(admin, owner, 'usage on language plpgsql')
}

async function move(admin: Connection, owner: string | null, right: string): Promise<void> {
  if (owner !== null) await admin.query(`grant ${right} to ${quoteIdentifier(owner)}`)
  await admin.query(`revoke ${right} from public`)
}
