import type { Connection } from './connection.ts'
import { APP_ROLE, OWNER_ROLE } from './roles.ts'

/** A role that can log in, or a session of one, that nobody declared. */
export interface Stranger {
  readonly kind: 'role' | 'session'
  readonly role: string
  /** The session's program as it calls itself; null for a role, or where the session does not say. */
  readonly program: string | null
  /** Of a session, so that it is told once. */
  readonly pid: number | null
}

/** How this library's own connections call themselves. */
const PROGRAM = 'surety'

/**
 * Roles that can log in to this server, and sessions on this database, that belong neither to the library
 * nor to anybody declared. A session of a declared role counts as one where its program is another.
 *
 * LIMIT: a program can call itself as it likes; a superuser can hide from the catalog. It notices what is
 * done in the open: a shell, a tool, a role left over.
 *
 * @param declared further roles that are known
 */
export async function listStrangers(owner: Connection, declared: readonly string[]): Promise<Stranger[]> {
  const own = [APP_ROLE, OWNER_ROLE]
  const roles = await owner.query<{ role: string }>(
    `select rolname as role from pg_roles
      where rolcanlogin and rolname <> all($1) and rolname <> current_user
        and oid <> (select datdba from pg_database where datname = 'template0') order by rolname`,
    [[...own, ...declared]],
  )
  const sessions = await owner.query<{ role: string; program: string | null; pid: number }>(
    `select usename as role, application_name as program, pid from pg_stat_activity
      where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()
        and usename <> all($2)
        and not ((usename = any($1) or usename = current_user) and application_name = $3) order by pid`,
    [own, declared, PROGRAM],
  )
  return [
    ...roles.map(({ role }): Stranger => ({ kind: 'role', role, program: null, pid: null })),
    ...sessions.map((session): Stranger => ({ kind: 'session', ...session })),
  ]
}
