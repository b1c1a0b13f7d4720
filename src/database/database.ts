import { createHmac } from 'node:crypto'
import pg from 'pg'
import type { Clock } from '../kernel/index.ts'
import { closeCatalog } from './close-catalog.ts'
import type { Connection } from './connection.ts'
import { DatabaseError } from './errors.ts'
import type { Logger } from './logger.ts'
import { asConnection, createPool, quoteIdentifier, quoteLiteral } from './pools.ts'
import { APP_ROLE, appRoleStatements, ensureAppRole, OWNER_ROLE } from './roles.ts'
import { attachServer, startServer, type DatabaseServer } from './server.ts'
import type { RoleName } from './server-record.ts'

export interface DatabaseOptions {
  /** The data folder of the embedded server; not used with `url`. */
  readonly dataDir: string
  /** The system's name; its database is `surety_<name>`, with `_` for `-`. */
  readonly name: string
  /** A Postgres 15 or newer to use instead of the embedded one; its role becomes the owner. */
  readonly url?: string
  /** How the app role reaches `url`. Default: as `surety_app` with a password derived from the owner's. */
  readonly appUrl?: string
  /** A running embedded server to share with other systems; not closed with the database. */
  readonly server?: DatabaseServer
  /** True: use the server that another process runs on `dataDir`. Default false: start it here. */
  readonly attach?: boolean
  /** Most connections of each of the two pools. Default 10. */
  readonly maxConnections?: number
  readonly clock: Clock
  readonly logger: Logger
}

/** One system's database. */
export interface Database {
  readonly kind: 'embedded' | 'external'
  /** The cluster's folder; null for an external server, whose files are elsewhere. */
  readonly databaseDir: string | null
  readonly databaseName: string
  /** As `server_version_num`: 180004 is 18.4. */
  readonly serverVersion: number
  /** Owns schemas and tables. For migrations, keys, logs and probes. */
  readonly owner: pg.Pool
  /** Owns nothing and is governed by row-level security. For everything an application asks. */
  readonly app: pg.Pool
  close(): Promise<void>
}

const OLDEST_VERSION = 150_000

/**
 * Opens one system's database, creating it in the embedded server where it is missing. Does not
 * migrate: see `migrateSystem` and `applyPlan`.
 *
 * @throws DatabaseError those of {@link startServer} and {@link attachServer}, `ERR_DATABASE_NAME`,
 *   `ERR_DATABASE_CONNECT`, `ERR_DATABASE_VERSION`, `ERR_DATABASE_ROLES`
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const databaseName = databaseNameOf(options.name)
  if (options.url !== undefined) return openExternal(options, options.url)
  const { dataDir, attach, clock, logger } = options
  const server =
    options.server ?? (attach ? await attachServer(dataDir) : await startServer({ dataDir, clock, logger }))
  const stopServer = async (): Promise<void> => {
    if (!options.server) await server.close()
  }
  try {
    if (!attach) await createDatabase(server, databaseName)
    const config = (role: RoleName): pg.PoolConfig => ({ ...server.connect(role, databaseName) })
    const reached = { kind: 'embedded', databaseDir: server.databaseDir } as const
    return await openPools(options, {
      ...reached,
      owner: config(OWNER_ROLE),
      app: config(APP_ROLE),
      stopServer,
    })
  } catch (error) {
    await stopServer()
    throw error
  }
}

/** The database of a system. @throws DatabaseError `ERR_DATABASE_NAME` */
export function databaseNameOf(system: string): string {
  if (!/^[a-z][a-z0-9_-]{0,49}$/.test(system)) {
    throw new DatabaseError('ERR_DATABASE_NAME', `no database can be named after ${JSON.stringify(system)}`, {
      mend: 'name the system with at most 50 lower-case letters, digits and dashes, beginning with a letter',
    })
  }
  return `surety_${system.replaceAll('-', '_')}`
}

/** @throws DatabaseError `ERR_DATABASE_VERSION` below Postgres 15; `version` as `server_version_num` */
export function requireVersion(version: number): void {
  if (version >= OLDEST_VERSION) return
  throw new DatabaseError(
    'ERR_DATABASE_VERSION',
    `the server is Postgres ${Math.floor(version / 10_000)}, which is too old`,
  )
}

interface Reached {
  readonly kind: Database['kind']
  readonly databaseDir: string | null
  readonly owner: pg.PoolConfig
  readonly app: pg.PoolConfig
  readonly stopServer: () => Promise<void>
}

async function openPools(options: DatabaseOptions, reached: Reached): Promise<Database> {
  const max = options.maxConnections ?? 10
  const owner = createPool({ ...reached.owner, max }, options.logger)
  const app = createPool({ ...reached.app, max }, options.logger)
  try {
    const { version, database } = await greet(owner)
    requireVersion(version)
    if (reached.kind === 'external')
      await prepareExternal(asConnection(owner), database, derivedPassword(options.url!))
    await greetAsApp(app, reached.kind)
    const { kind, databaseDir } = reached
    return {
      kind,
      databaseDir,
      databaseName: database,
      serverVersion: version,
      owner,
      app,
      close: () => close(owner, app, reached),
    }
  } catch (error) {
    await Promise.allSettled([owner.end(), app.end()])
    throw error
  }
}

/** An owner who is no superuser leaves to the app role what this Postgres gives to everybody. */
async function prepareExternal(owner: Connection, database: string, password: string | null): Promise<void> {
  await ensureAppRole(owner, database, password)
  const [role] = await owner.query<{ superuser: boolean }>(
    'select rolsuper as superuser from pg_roles where rolname = current_user',
  )
  if (role?.superuser) await closeCatalog(owner, null)
}

async function close(owner: pg.Pool, app: pg.Pool, reached: Reached): Promise<void> {
  await Promise.allSettled([...(owner.ended ? [] : [owner.end()]), ...(app.ended ? [] : [app.end()])])
  await reached.stopServer()
}

async function greet(pool: pg.Pool): Promise<{ version: number; database: string }> {
  try {
    const [row] = await asConnection(pool).query<{ version: number; database: string }>(
      `select current_setting('server_version_num')::integer as version, current_database() as database`,
    )
    return row!
  } catch (cause) {
    throw new DatabaseError('ERR_DATABASE_CONNECT', 'the database does not answer its owner', { cause })
  }
}

async function greetAsApp(app: pg.Pool, kind: Database['kind']): Promise<void> {
  try {
    await app.query('select 1')
  } catch (cause) {
    if (kind === 'embedded')
      throw new DatabaseError('ERR_DATABASE_CONNECT', 'the database does not answer the app role', { cause })
    throw new DatabaseError('ERR_DATABASE_ROLES', `the app role ${APP_ROLE} cannot log in`, {
      mend: `set SURETY_APP_DATABASE_URL to a connection string for ${APP_ROLE}`,
      cause,
    })
  }
}

async function createDatabase(server: DatabaseServer, name: string): Promise<void> {
  const client = new pg.Client(server.connect('postgres', 'postgres'))
  client.on('error', () => undefined)
  try {
    await client.connect()
    // One creator at a time: `create database` and `create role` have no `if not exists`.
    await client.query('select pg_advisory_lock(1)')
    await createRole(client, OWNER_ROLE, server)
    await createRole(client, APP_ROLE, server)
    const { rowCount } = await client.query('select from pg_database where datname = $1', [name])
    if (rowCount === 0) await client.query(`create database ${quoteIdentifier(name)} owner ${OWNER_ROLE}`)
    await client.query(`revoke connect on database ${quoteIdentifier(name)} from public`)
    for (const statement of appRoleStatements(name)) await client.query(statement)
    await closeCatalogOf(server, name)
  } catch (cause) {
    throw new DatabaseError('ERR_DATABASE_CONNECT', `the database ${name} cannot be prepared`, { cause })
  } finally {
    await client.end()
  }
}

async function closeCatalogOf(server: DatabaseServer, name: string): Promise<void> {
  const client = new pg.Client(server.connect('postgres', name))
  client.on('error', () => undefined)
  try {
    await client.connect()
    await closeCatalog(asConnection(client), OWNER_ROLE)
  } finally {
    await client.end()
  }
}

async function createRole(client: pg.Client, role: RoleName, server: DatabaseServer): Promise<void> {
  const { rowCount } = await client.query('select from pg_roles where rolname = $1', [role])
  if (rowCount !== 0) return
  const password = quoteLiteral(server.connect(role, 'postgres').password as string)
  await client.query(
    `create role ${role} login nosuperuser nobypassrls nocreatedb nocreaterole noreplication password ${password}`,
  )
}

async function openExternal(options: DatabaseOptions, url: string): Promise<Database> {
  return openPools(options, {
    kind: 'external',
    databaseDir: null,
    owner: { connectionString: url },
    app: { connectionString: options.appUrl ?? derivedAppUrl(url) },
    stopServer: async () => undefined,
  })
}

/** Every node derives the same password from the owner's, so that nodes stay stateless. */
function derivedPassword(url: string): string | null {
  const { password } = parseUrl(url)
  if (password === '') return null
  return createHmac('sha256', decodeURIComponent(password)).update('surety/app-role/1').digest('base64url')
}

function derivedAppUrl(url: string): string {
  const password = derivedPassword(url)
  if (password === null) {
    throw new DatabaseError(
      'ERR_DATABASE_ROLES',
      'DATABASE_URL has no password to derive the app role’s from',
      {
        mend: `set SURETY_APP_DATABASE_URL to a connection string for ${APP_ROLE}`,
      },
    )
  }
  const derived = parseUrl(url)
  derived.username = APP_ROLE
  derived.password = password
  return derived.href
}

function parseUrl(url: string): URL {
  const parsed = URL.canParse(url) ? new URL(url) : null
  if (parsed && /^postgres(ql)?:$/.test(parsed.protocol)) return parsed
  throw new DatabaseError('ERR_DATABASE_CONNECT', 'DATABASE_URL is not a postgres:// connection string')
}
