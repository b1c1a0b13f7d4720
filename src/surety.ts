import type { Hono, MiddlewareHandler } from 'hono'
import type { Kysely } from 'kysely'
import type { Registry } from 'prom-client'
import { systemPrincipal, type Principal } from './access/index.ts'
import { createAuditView } from './compose/audit-view.ts'
import { openSystemAudit } from './compose/system-audit.ts'
import { openSystemEvidence } from './compose/system-evidence.ts'
import { clockFromEnvironment } from './compose/clock.ts'
import { createDatabaseView } from './compose/database-view.ts'
import { createDestructionGuard } from './compose/destruction-guard.ts'
import { createDroppedCounter, type DroppedCounter } from './compose/dropped-counter.ts'
import type { OpenOptions, Surety } from './compose/interface.ts'
import { keepLogFiles, logFilesOf } from './compose/log-files.ts'
import { openSystemDatabase } from './compose/system-database.ts'
import { openSystemProvider, openSystemTree } from './compose/system-keys.ts'
import { openSystemStaff, type SystemStaff } from './compose/system-staff.ts'
import { storeOptionsOf } from './compose/system-store.ts'
import { keepRotating, openKeyEpochs, watchSystemClocks, type KeyEpochs } from './compose/key-epochs.ts'
import { openPeople, type People } from './compose/people.ts'
import { isOutOfDate, KEYS_PROMISE } from './compose/keys-promise.ts'
import { createKeyView } from './compose/key-view.ts'
import { createLogger } from './compose/logger.ts'
import { openSystemOutbox, type Outbox } from './compose/mail.ts'
import { createMetrics } from './compose/metrics.ts'
import { probePromises, type ProbeOptions, type ProbeRun } from './compose/prober.ts'
import { declareClaims, loadSecurityPage } from './compose/security-page.ts'
import {
  openMetricsToken,
  openSignInSecret,
  openSystemFolder,
  type SystemFolder,
} from './compose/system-folder.ts'
import { askWitnesses } from './compose/witnesses.ts'
import { asConnection, openJobs, type Database, type Jobs, type Logger } from './database/index.ts'
import type { ResourceMap, SuretyConfig, TablesOf } from './declare/index.ts'
import {
  createRoutes,
  TENANT_PROBLEMS,
  protection,
  requestMetrics,
  trustedProxies,
  type PublicProblems,
  type SuretyEnv,
} from './http/index.ts'
import type { KeyProvider, OpenKeyTree } from './keys/index.ts'
import type { Clock } from './kernel/index.ts'
import type { AuditLog, CosignatureCollector, EvidenceLog } from './log/index.ts'
import type { SecurityPage, Site } from './page/index.ts'
import { createCanaries, type AnyTables, type ProbeContext } from './promises/index.ts'
import { createStore, type StoreOptions } from './store/index.ts'

export { clockFromEnvironment } from './compose/clock.ts'
export type { OpenOptions, Surety } from './compose/interface.ts'
export { createLogger } from './compose/logger.ts'
export type { ProbeOptions, ProbeRun } from './compose/prober.ts'
export { startServer, type DatabaseServer, type Logger } from './database/index.ts'
export type { Principal } from './access/index.ts'
export { accountResources, type Accounts, type Identity } from './identity/index.ts'
export { scimResources, type SignedIn } from './identity/index.ts'
export { keyRule, tenantResources, type TenantRequest, type Tenants } from './tenants/index.ts'
export type { DestructionEvidence, KeyProvider, ProviderKey } from './keys/index.ts'
export { staffResources, type BrokenGlass, type StaffRoom } from './staff/index.ts'
export * from './declare/index.ts'
export * from './kernel/index.ts'

/** Everything that is open, to be closed in the reverse order. */
interface Rooms<Resources extends ResourceMap> {
  readonly config: SuretyConfig<Resources>
  readonly folder: SystemFolder
  readonly database: Database
  readonly provider: KeyProvider
  readonly tree: OpenKeyTree
  readonly epochs: KeyEpochs
  readonly log: EvidenceLog
  readonly witnesses: CosignatureCollector
  readonly audit: AuditLog
  readonly store: StoreOptions<Resources>
  readonly staff: SystemStaff | null
  readonly outbox: Outbox | null
  readonly page: SecurityPage
  readonly clock: Clock
  readonly logger: Logger
  readonly registry: Registry
  readonly dropped: DroppedCounter
  readonly metricsToken: string
  /** Signs the cookies and forms of sign-in. */
  readonly secret: string
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
  const provider = await openSystemProvider(config, options.keyProvider, {
    folder: folder.keys,
    outside,
    clock,
  })
  keep({ close: async () => provider.close?.() })
  const clocks = watchSystemClocks({ config, database, clock })
  const mayDestroy = createDestructionGuard(clocks, logger)
  const tree = await openSystemTree(config, { provider, owner: database.owner, clock, logger })
  keep(tree)
  const place = { config, folder, database, clock, logger, mode }
  const log = await openSystemEvidence(place)
  keep(log)
  const epochs = openKeyEpochs({ config, provider, database, clocks, log, clock, logger })
  const audit = await openSystemAudit({ ...place, page, provider, mayDestroy })
  keep(audit)
  if (mode === 'server') {
    const { retentionMs } = await audit.retention()
    const places = logFilesOf(folder.logs, database)
    keep(await keepLogFiles({ places, retentionMs, mayDestroy, clock, logger }))
    await declareClaims(log, page, config, clock)
    if (options.endsEpochs !== false) keep(keepRotating(epochs, { database, logger }))
  }
  const witnesses = await askWitnesses(config, { folder: folder.evidence, log, mode, clock, logger })
  keep(witnesses)
  const { registry, undeclaredMembers } = createMetrics(log, clock)
  const dropped = createDroppedCounter(clock, undeclaredMembers)
  const store = storeOptionsOf({ ...place, tree, audit, dropped })
  const url = (): string => addressOf(config, options)
  const { alarm, visitor } = options
  const staff = openSystemStaff({ ...place, store, audit, url, alarm, visitor })
  if (staff) keep(staff)
  const outbox = openSystemOutbox(config, { logger, sends: mode === 'server' }, keep)
  return {
    ...place,
    ...{ provider, tree, epochs, log, witnesses, audit, store, staff, outbox, page, registry, dropped },
    metricsToken: await openMetricsToken(folder),
    secret: await openSignInSecret(folder),
  }
}

function assemble<Resources extends ResourceMap>(
  rooms: Rooms<Resources>,
  options: OpenOptions,
  close: () => Promise<void>,
): Surety<TablesOf<Resources>> {
  const { config, database, log, audit, clock, registry, staff } = rooms
  const store = createStore({ ...rooms.store, ...(staff && { operators: staff.room.gate }) })
  const site = siteOf(rooms, options)
  const people = openPeople({
    ...{ ...rooms, store, system: systemPrincipal, url: () => site.url },
    ...{ principalOf: options.principalOf, visitor: options.visitor },
  })
  const { login, tenants } = people
  const observe = requestMetrics(registry)
  const probe = (chosen: ProbeOptions): Promise<ProbeRun[]> => {
    const anyTables: ProbeContext['as'] = (principal) => as(principal).db as unknown as Kysely<AnyTables>
    return probePromises(
      log,
      clock,
      (asked, progress) => ({
        ...probeContext(rooms, anyTables, asked, progress),
        ...(tenants && { tenants }),
      }),
      chosen,
    )
  }
  const as = (principal: Principal): { readonly db: Kysely<TablesOf<Resources>> } => store.as(principal)
  return {
    config,
    identify: people.identify,
    impersonation: people.impersonation,
    identity: login.identity,
    accounts: login.accounts,
    vkey: log.vkey,
    databaseDir: database.databaseDir,
    as,
    system: (task, tables) => systemPrincipal(task, tables),
    tenants,
    protect: () => people.bannered(protect(rooms, options, observe)),
    routes: () => makeRoutes(rooms, site, () => people.sites(site, rooms)),
    probe,
    keepProbing: (chosen) => keepProbing(rooms, { probe, remindReviewers: people.remindReviewers }, chosen),
    keys: rooms.epochs,
    staff: staff?.room ?? null,
    standings: () => log.standings(clock.now()),
    async published() {
      await Promise.all([log.flush(), audit.flush()])
      return (await log.checkpoint())?.size ?? 0
    },
    close,
  }
}

/** What is done now and again, once for all processes together. */
async function keepProbing(
  rooms: Rooms<ResourceMap>,
  { probe, remindReviewers }: Pick<Surety<unknown>, 'probe'> & Pick<People, 'remindReviewers'>,
  chosen: ProbeOptions,
): Promise<Jobs> {
  const jobs = await openJobs(rooms)
  await jobs.work('probe-due', async () => {
    await probe({ ...chosen, due: true })
    if (await isOutOfDate(rooms)) await probe({ ...chosen, only: [KEYS_PROMISE] })
  })
  await jobs.every('probe-due', '15s')
  await jobs.work('remind-reviewers', remindReviewers)
  await jobs.every('remind-reviewers', '1h')
  return jobs
}

/** The app's public address; a port that the system chooses is known only once it listens. */
function addressOf({ origin }: Pick<SuretyConfig, 'origin'>, { url }: OpenOptions): string {
  return (typeof url === 'function' ? url() : url) ?? `https://${origin}`
}

function siteOf({ config, log }: Rooms<ResourceMap>, options: OpenOptions): Site {
  return {
    name: config.name,
    origin: config.origin,
    vkey: log.vkey,
    get url() {
      return addressOf(config, options)
    },
  }
}

function protect(
  { config, audit, clock, logger }: Rooms<ResourceMap>,
  { maxBodyBytes }: OpenOptions,
  observe: ReturnType<typeof requestMetrics>,
): MiddlewareHandler<SuretyEnv> {
  return protection({
    ...{ clock, logger, observe },
    audit: (event) => audit.note(event),
    ...(maxBodyBytes !== undefined && { maxBodyBytes }),
    ...(config.proxies && { proxies: trustedProxies(config.proxies) }),
  })
}

function makeRoutes(rooms: Rooms<ResourceMap>, site: Site, more: () => Hono<SuretyEnv>[]): Hono<SuretyEnv> {
  const { config, page, log, audit, witnesses, clock, logger, registry, dropped, database, metricsToken } =
    rooms
  return createRoutes({
    site,
    config,
    page: () => page,
    evidence: log,
    witnesses: witnesses.standings,
    audit,
    clock,
    logger,
    requestInputs: config.requestInputs ?? [],
    dropped: dropped.read,
    async isHealthy() {
      await asConnection(database.app).query('select 1')
      // Reads the published log: one that went back or does not hash to its checkpoint throws.
      await log.checkpoint()
      return log.failure() === null && audit.failure() === null
    },
    metrics: { registry, token: metricsToken },
    problems: PUBLIC_PROBLEMS,
    more: more(),
  })
}

/** What visitors may know of failures behind the public pages. */
const PUBLIC_PROBLEMS: PublicProblems = {
  ...TENANT_PROBLEMS,
  ERR_LOG_TAMPERED: {
    status: 503,
    title: 'The evidence log does not hold together',
    detail:
      'What it shows now contradicts what it showed before. Until that is explained, rely on nothing it says.',
  },
}

function probeContext(
  { config, clock, folder, database, provider, tree, epochs, log, audit, staff }: Rooms<ResourceMap>,
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
    keys: createKeyView({ provider, tree, database, audit, folder: folder.keys, epochs: epochs.standings }),
    audit: createAuditView(audit, log, logFilesOf(folder.logs, database)),
    ...(staff && { staff: staff.view }),
    as,
    system: systemPrincipal,
    progress,
  }
}

/** A running Surety whose tables only its own configuration knows. */
export type AnySurety = Surety<TablesOf<ResourceMap>>
