import type { Hono, MiddlewareHandler } from 'hono'
import type { Kysely } from 'kysely'
import type { Registry } from 'prom-client'
import { systemPrincipal, type Principal } from './access/index.ts'
import { clockFromEnvironment } from './compose/clock.ts'
import { createDatabaseView } from './compose/database-view.ts'
import { createDroppedCounter, type DroppedCounter } from './compose/dropped-counter.ts'
import { openSystemDatabase } from './compose/system-database.ts'
import { createKeyView } from './compose/key-view.ts'
import { createLogger } from './compose/logger.ts'
import { createMetrics } from './compose/metrics.ts'
import { probePromises, type ProbeOptions, type ProbeRun } from './compose/prober.ts'
import { declareClaims, loadSecurityPage } from './compose/security-page.ts'
import { openMetricsToken, openSystemFolder, type SystemFolder } from './compose/system-folder.ts'
import {
  asConnection,
  inTransaction,
  openJobs,
  type Database,
  type DatabaseServer,
  type Logger,
} from './database/index.ts'
import type { ResourceMap, SuretyConfig, TablesOf } from './declare/index.ts'
import {
  createRoutes,
  protection,
  requestMetrics,
  type PublicProblems,
  type SuretyEnv,
} from './http/index.ts'
import { openFileProvider, openKeyTree, type KeyProvider, type OpenKeyTree } from './keys/index.ts'
import type { Clock } from './kernel/index.ts'
import { openEvidenceLog, openLogSigner, type EvidenceLog } from './log/index.ts'
import type { SecurityPage, Site } from './page/index.ts'
import { createCanaries, type AnyTables, type ProbeContext } from './promises/index.ts'
import { createStore } from './store/index.ts'
import type { PromiseStanding } from './verify/index.ts'

export { clockFromEnvironment } from './compose/clock.ts'
export { createLogger } from './compose/logger.ts'
export type { ProbeOptions, ProbeRun } from './compose/prober.ts'
export { startServer, type DatabaseServer, type Logger } from './database/index.ts'
export type { Principal } from './access/index.ts'
export * from './declare/index.ts'
export * from './kernel/index.ts'

export interface OpenOptions {
  /** Folder for keys, logs and, with the embedded database, its cluster. Default `$SURETY_DATA`, else `.surety`. */
  readonly dataDir?: string
  /** Name of the system's database. Default: the configured name, lower-cased. */
  readonly name?: string
  /** A Postgres 15 or newer. Default `$DATABASE_URL`; without one, an embedded server is started. */
  readonly databaseUrl?: string
  /** An embedded server that several systems share; it is not stopped by `close`. */
  readonly server?: DatabaseServer
  /**
   * `'server'` (default) declares the page's promises, publishes the log and migrates. `'tool'` joins a
   * running server on the same data folder: it measures and queues, and leaves publishing to it.
   */
  readonly mode?: 'server' | 'tool'
  /** Public address of the app, without a trailing slash. Default `https://<origin>`. */
  readonly url?: string | (() => string)
  /** Default: the system's clock, shifted by `SURETY_CLOCK_OFFSET` in demos. */
  readonly clock?: Clock
  /** Default: JSON lines on standard output. */
  readonly logger?: Logger
  /** Greatest request body in bytes. Default 1 MiB. */
  readonly maxBodyBytes?: number
}

/** A running Surety. */
export interface Surety<Tables> {
  readonly config: SuretyConfig
  /** Note verifier key of the evidence log: what outsiders pin. */
  readonly vkey: string
  /** Folder of the embedded server; null with an external database. */
  readonly databaseDir: string | null
  /** The data as `principal` may see it: a typed Kysely. Cheap: make one per request. */
  as(principal: Principal): { readonly db: Kysely<Tables> }
  /** The principal of a task of your own, on whole tables and no others; never for requests of people. */
  system(task: string, tables: readonly (keyof Tables & string)[]): Principal
  /** Hono middleware: request id and log line, security headers with a nonce, body limit. */
  protect(): MiddlewareHandler<SuretyEnv>
  /** The security page, its evidence, health and metrics. */
  routes(): Hono<SuretyEnv>
  /** Measures promises and publishes what was seen. */
  probe(options: ProbeOptions): Promise<ProbeRun[]>
  /** Measures each promise when its cadence asks for it, until closed; processes share the work. */
  keepProbing(options: ProbeOptions): Promise<{ close(): Promise<void> }>
  /** Where every promise stands now. */
  standings(): Promise<readonly PromiseStanding[]>
  /** Resolves when everything said so far is under a published checkpoint; gives its size. */
  published(): Promise<number>
  close(): Promise<void>
}

/** Everything that is open, to be closed in the reverse order. */
interface Rooms<Resources extends ResourceMap> {
  readonly config: SuretyConfig<Resources>
  readonly folder: SystemFolder
  readonly database: Database
  readonly provider: KeyProvider
  readonly tree: OpenKeyTree
  readonly log: EvidenceLog
  readonly page: SecurityPage
  readonly clock: Clock
  readonly logger: Logger
  readonly registry: Registry
  readonly dropped: DroppedCounter
  readonly metricsToken: string
}

/**
 * Opens a system: database, keys, evidence log, page. Resolves when its promises are declared.
 *
 * @throws the coded errors of the rooms; nothing stays open then
 */
export async function openSurety<const Resources extends ResourceMap>(
  config: SuretyConfig<Resources>,
  options: OpenOptions = {},
): Promise<Surety<TablesOf<Resources>>> {
  const opened: { close(): Promise<void> | void }[] = []
  const close = async (): Promise<void> => {
    for (const room of opened.splice(0).toReversed()) await room.close()
  }
  try {
    const rooms = await openRooms(config, options, (room) => opened.push(room))
    return assemble(rooms, options, close)
  } catch (error) {
    await close()
    throw error
  }
}

async function openRooms<const Resources extends ResourceMap>(
  config: SuretyConfig<Resources>,
  options: OpenOptions,
  keep: (room: { close(): Promise<void> | void }) => void,
): Promise<Rooms<Resources>> {
  const {
    mode = 'server',
    clock = clockFromEnvironment(),
    logger = createLogger({ name: config.name }),
  } = options
  const folder = await openSystemFolder(options.dataDir ?? (process.env['SURETY_DATA'] || '.surety'))
  const page = await loadSecurityPage(config)
  const database = await openSystemDatabase(config, { ...options, mode, clock, logger, dataDir: folder.root })
  keep(database)
  const outside = database.databaseDir === null ? [] : [database.databaseDir]
  const provider = await openFileProvider({ folder: folder.keys, outside, clock })
  const tree = await openKeyTree({ provider, owner: database.owner, clock, logger })
  keep(tree)
  const origin = `${config.origin}/evidence`
  const log = await openEvidenceLog({
    origin,
    folder: folder.evidence,
    transaction: (work) => inTransaction(database.owner, work),
    clock,
    logger,
    access:
      mode === 'server'
        ? { mode: 'sequence', signer: await openLogSigner(folder.signingKey, origin, folder.evidence) }
        : { mode: 'append' },
  })
  keep(log)
  if (mode === 'server') await declareClaims(log, page, config, clock)
  const { registry, undeclaredMembers } = createMetrics(log, clock)
  const dropped = createDroppedCounter(clock, undeclaredMembers)
  return {
    config,
    folder,
    database,
    provider,
    tree,
    log,
    page,
    clock,
    logger,
    registry,
    dropped,
    metricsToken: await openMetricsToken(folder),
  }
}

function assemble<Resources extends ResourceMap>(
  rooms: Rooms<Resources>,
  options: OpenOptions,
  close: () => Promise<void>,
): Surety<TablesOf<Resources>> {
  const { config, database, tree, log, clock, logger, registry, dropped } = rooms
  const store = createStore({
    resources: config.resources,
    roles: config.roles,
    pool: database.app,
    keys: tree,
    clock,
    logger,
    onDropped: dropped.count,
  })
  const observe = requestMetrics(registry)
  const limit = options.maxBodyBytes === undefined ? {} : { maxBodyBytes: options.maxBodyBytes }
  const probe = (chosen: ProbeOptions): Promise<ProbeRun[]> => {
    const anyTables: ProbeContext['as'] = (principal) => as(principal).db as unknown as Kysely<AnyTables>
    return probePromises(
      log,
      clock,
      (asked, progress) => probeContext(rooms, anyTables, asked, progress),
      chosen,
    )
  }
  const as = (principal: Principal): { readonly db: Kysely<TablesOf<Resources>> } => store.as(principal)
  return {
    config,
    vkey: log.vkey,
    databaseDir: database.databaseDir,
    as,
    system: (task, tables) => systemPrincipal(task, tables),
    protect: () => protection({ clock, logger, observe, ...limit }),
    routes: () => makeRoutes(rooms, siteOf(rooms, options)),
    probe,
    async keepProbing(chosen) {
      const jobs = await openJobs({ database, logger })
      await jobs.work('probe-due', async () => void (await probe({ ...chosen, due: true })))
      await jobs.every('probe-due', '15s')
      return jobs
    },
    standings: () => log.standings(clock.now()),
    async published() {
      await log.flush()
      return (await log.checkpoint())?.size ?? 0
    },
    close,
  }
}

function siteOf({ config, log }: Rooms<ResourceMap>, { url }: OpenOptions): Site {
  return {
    name: config.name,
    origin: config.origin,
    vkey: log.vkey,
    // A port that the system chooses is known only once it listens.
    get url() {
      return (typeof url === 'function' ? url() : url) ?? `https://${config.origin}`
    },
  }
}

function makeRoutes(rooms: Rooms<ResourceMap>, site: Site): Hono<SuretyEnv> {
  const { config, page, log, clock, logger, registry, dropped, database, metricsToken } = rooms
  return createRoutes({
    site,
    config,
    page: () => page,
    evidence: log,
    clock,
    logger,
    requestInputs: config.requestInputs ?? [],
    dropped: dropped.read,
    async isHealthy() {
      await asConnection(database.app).query('select 1')
      // Reads the published log: one that went back or does not hash to its checkpoint throws.
      await log.checkpoint()
      return log.failure() === null
    },
    metrics: { registry, token: metricsToken },
    problems: PUBLIC_PROBLEMS,
  })
}

/** What visitors may know of failures behind the public pages. */
const PUBLIC_PROBLEMS: PublicProblems = {
  ERR_LOG_TAMPERED: {
    status: 503,
    title: 'The evidence log does not hold together',
    detail:
      'What it shows now contradicts what it showed before. Until that is explained, rely on nothing it says.',
  },
}

function probeContext(
  { config, clock, folder, database, provider, tree }: Rooms<ResourceMap>,
  as: ProbeContext['as'],
  { site }: ProbeOptions,
  progress: ProbeContext['progress'],
): Omit<ProbeContext, 'signal'> {
  return {
    config,
    clock,
    site,
    dataDir: folder.root,
    canaries: site !== null && config.canary ? createCanaries(config.canary, site) : null,
    database: createDatabaseView(database, config),
    keys: createKeyView({ provider, tree, database, folder: folder.keys }),
    as,
    system: systemPrincipal,
    progress,
  }
}

/** A running Surety whose tables only its own configuration knows. */
export type AnySurety = Surety<TablesOf<ResourceMap>>
