import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Kysely } from 'kysely'
import { systemPrincipal } from '../../access/index.ts'
import { applyPlan, asConnection, inTransaction, planResources } from '../../database/index.ts'
import { startTestDatabase, type TestDatabase } from '../../database/testing.ts'
import { field, resource, type Canary, type PermissionText, type SuretyConfig } from '../../declare/index.ts'
import { shiftedClock } from '../../kernel/index.ts'
import {
  keysMigrations,
  openFileProvider,
  openKeyTree,
  readStandings,
  type KeyProvider,
  type OpenKeyTree,
} from '../../keys/index.ts'
import {
  catalogue,
  promisesMigrations,
  type AnyTables,
  type Canaries,
  type Measurement,
  type ProbeContext,
} from '../../promises/index.ts'
import { createStore } from '../../store/index.ts'
import { createDatabaseView } from '../database-view.ts'
import { epochScheduleOf } from '../key-epochs.ts'
import { createKeyView } from '../key-view.ts'

const notes = resource({
  name: 'notes',
  subject: 'personId',
  tenant: 'teamId',
  purpose: 'to test',
  basis: 'contract',
  retention: 'account',
  undeclared: 'drop',
  fields: {
    personId: field.id(),
    teamId: field.id(),
    title: field.text('a title', { max: 200, index: 'blind' }),
    at: field.timestamp('when', { clear: 'ranges in SQL' }),
  },
})
/** What each role may do, as declared. */
export const roles = { member: ['notes:*:own'], leader: ['notes:read:tenant'] } satisfies Record<
  string,
  PermissionText[]
>
const config: SuretyConfig = {
  name: 'Notes',
  origin: 'notes.example',
  page: 'security.md',
  resources: { notes },
  roles,
}

/** What differs from a sound system, where a test says so. */
interface Changes {
  readonly granted?: Record<string, PermissionText[]>
  readonly canaries?: Canaries
  readonly site?: string
  readonly canary?: Canary
  /** True: the database's files are out of reach, as with a managed one. */
  readonly remote?: boolean
  /** True: the database's folder cannot be read, as by a process of another account. */
  readonly blind?: boolean
  /** How far time has gone on, in milliseconds. */
  readonly ahead?: number
}

/** A sound system of one table, on which each promise is measured as kept until its guard is taken away. */
export interface ProbeWorld {
  readonly database: TestDatabase
  readonly dataDir: string
  readonly keyFolder: string
  /** A key of the audit log's bodies. */
  readonly periodKey: Buffer
  context(changes?: Changes): ProbeContext
  measure(id: string, changes?: Changes, params?: object): Promise<Measurement>
  /** A route of an app that stores what it should not: the whole request, in the clear. */
  leakyApp(): Canaries
  insertNotes(count: number): Promise<void>
  countNotes(): Promise<number>
  /** What a database administrator could do. */
  behindTheLibrary(statement: string): Promise<void>
  close(): Promise<void>
}

/** Opens it in a database and a folder of its own. */
export async function openProbeWorld(): Promise<ProbeWorld> {
  const database = await startTestDatabase({ migrations: [keysMigrations, promisesMigrations] })
  const { owner, clock, logger } = database
  await applyPlan(owner, await planResources(asConnection(owner), [notes]), { allow: 'additive' })
  const dataDir = await mkdtemp(join(tmpdir(), 'surety-probes-'))
  const keyFolder = join(dataDir, 'keys')
  const provider = await openFileProvider({ folder: keyFolder, outside: [database.databaseDir!], clock })
  const tree = await openKeyTree({ provider, owner, clock, logger })
  const place = { database, dataDir, keyFolder, provider, tree, periodKey: randomBytes(32) }
  const context = (changes: Changes = {}): ProbeContext => probeContext(place, changes)
  const asSystem = (): Kysely<AnyTables> => context().as(systemPrincipal('test', ['notes']))
  return {
    ...place,
    context,
    async measure(id, changes, params = {}) {
      const definition = catalogue.get(id)!
      return definition.probe(context(changes), definition.parameters.parse(params))
    },
    leakyApp: () => leakyApp(database),
    async insertNotes(count) {
      for (let i = 0; i < count; i++) {
        const owners = { personId: crypto.randomUUID(), teamId: crypto.randomUUID() }
        await asSystem()
          .insertInto('notes')
          .values({ ...owners, title: `note ${i}`, at: new Date(clock.now()) })
          .execute()
      }
    },
    countNotes: async () => (await asSystem().selectFrom('notes').select('id').execute()).length,
    behindTheLibrary: (statement) =>
      inTransaction(owner, async (connection) => {
        for (const action of ['read', 'write', 'delete'])
          await connection.query(`select set_config($1, 'any', true)`, [`surety.${action}_notes`])
        await connection.query(statement)
      }),
    async close() {
      tree.close()
      await database.close()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

interface Place extends Pick<ProbeWorld, 'database' | 'dataDir' | 'keyFolder' | 'periodKey'> {
  readonly provider: KeyProvider
  readonly tree: OpenKeyTree
}

function probeContext(
  { database, dataDir, keyFolder, provider, tree, periodKey }: Place,
  { granted = roles, canaries, canary, site, remote, blind, ahead = 0 }: Changes,
): ProbeContext {
  const { clock, logger } = database
  const store = createStore({
    resources: config.resources,
    roles: granted,
    pool: database.app,
    keys: tree,
    clock,
    logger,
  })
  return {
    config: canary ? { ...config, canary } : config,
    clock,
    site: site ?? null,
    dataDir,
    canaries: canaries ?? null,
    database: {
      ...createDatabaseView(database, config),
      ...(remote ? { folder: null } : {}),
      ...(blind ? { folder: join(dataDir, 'closed') } : {}),
    },
    keys: createKeyView({
      provider,
      tree,
      database,
      audit: { keyMaterial: async () => [periodKey] },
      folder: keyFolder,
      epochs: () =>
        readStandings({
          owner: database.owner,
          clock: shiftedClock(ahead),
          schedule: epochScheduleOf(config),
        }),
    }),
    audit: undefined as never,
    as: (principal) => store.as(principal).db as unknown as Kysely<AnyTables>,
    system: systemPrincipal,
    progress() {},
    signal: new AbortController().signal,
  }
}

function leakyApp({ owner }: TestDatabase): Canaries {
  const person = { id: crypto.randomUUID(), tenant: crypto.randomUUID(), role: 'member', credentials: null }
  return {
    withPeople: (wanted, action) => action(wanted.map(() => person)),
    withCrowd: (action) => action(async () => person),
    signIn: async () => null,
    keyHeaders: () => ({}),
    remove: async () => undefined,
    async request(_, intent) {
      const text = JSON.stringify(intent)
      await owner.query('create table if not exists surety.planted_log (text text)')
      await owner.query('insert into surety.planted_log values ($1)', [text])
      return new Response(null, { status: 201 })
    },
  }
}
