import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Kysely } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { systemPrincipal } from '../access/index.ts'
import { applyPlan, asConnection, inTransaction, planResources, type Connection } from '../database/index.ts'
import { startTestDatabase, type TestDatabase } from '../database/testing.ts'
import { field, resource, type Canary, type PermissionText, type SuretyConfig } from '../declare/index.ts'
import {
  keysMigrations,
  openFileProvider,
  openKeyTree,
  readFileKeys,
  readStandings,
  type KeyProvider,
  type OpenKeyTree,
} from '../keys/index.ts'
import {
  catalogue,
  openEnvelopes,
  type OpenedEnvelopes,
  promisesMigrations,
  type AnyTables,
  type Canaries,
  type Measurement,
  type ProbeContext,
} from '../promises/index.ts'
import { createStore } from '../store/index.ts'
import { shiftedClock } from '../kernel/index.ts'
import { createDatabaseView } from './database-view.ts'
import { epochScheduleOf } from './key-epochs.ts'
import { createKeyView } from './key-view.ts'

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
const roles = { member: ['notes:*:own'], leader: ['notes:read:tenant'] } satisfies Record<
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

const unused = (): never => {
  throw new TypeError('without a site no canary acts')
}

/** Each promise is measured as kept on a sound system, and as broken once its guard is taken away. */
describe('the probes', () => {
  let database: TestDatabase
  let dataDir: string
  let keyFolder: string
  let provider: KeyProvider
  let tree: OpenKeyTree
  const periodKey = randomBytes(32)

  beforeAll(async () => {
    database = await startTestDatabase({ migrations: [keysMigrations, promisesMigrations] })
    await applyPlan(database.owner, await planResources(asConnection(database.owner), [notes]), {
      allow: 'additive',
    })
    dataDir = await mkdtemp(join(tmpdir(), 'surety-probes-'))
    keyFolder = join(dataDir, 'keys')
    provider = await openFileProvider({
      folder: keyFolder,
      outside: [database.databaseDir!],
      clock: database.clock,
    })
    tree = await openKeyTree({
      provider,
      owner: database.owner,
      clock: database.clock,
      logger: database.logger,
    })
  })
  afterAll(async () => {
    tree?.close()
    await database?.close()
    await rm(dataDir, { recursive: true, force: true })
  })

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

  function context({
    granted = roles,
    canaries,
    canary,
    site,
    remote,
    blind,
    ahead = 0,
  }: Changes = {}): ProbeContext {
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

  async function measure(id: string, changes: Changes = {}, params: object = {}): Promise<Measurement> {
    const definition = catalogue.get(id)!
    return definition.probe(context(changes), definition.parameters.parse(params))
  }

  /** A route of an app that stores what it should not: the whole request, in the clear. */
  function leakyApp(): Canaries {
    const person = { id: crypto.randomUUID(), tenant: crypto.randomUUID(), role: 'member', credentials: null }
    return {
      withPeople: (wanted, action) => action(wanted.map(() => person)),
      signIn: async () => null,
      async request(_, intent) {
        const text = JSON.stringify(intent)
        await database.owner.query('create table if not exists surety.planted_log (text text)')
        await database.owner.query('insert into surety.planted_log values ($1)', [text])
        return new Response(null, { status: 201 })
      },
    }
  }

  describe('access.rbac', () => {
    test('finds every role as declared', async () => {
      const measured = await measure('access.rbac')
      expect(measured).toMatchObject({ outcome: 'kept', values: { trials: 18, wrong: 0, roles: 2 } })
      // A matrix in which nothing is allowed, or nothing refused, would prove nothing.
      expect(measured.values).toMatchObject({ allowed: 5, refused: 13 })
    })

    test('sees a role that can do more than it says', async () => {
      const granted = {
        ...roles,
        leader: ['notes:read:tenant', 'notes:delete:tenant'] satisfies PermissionText[],
      }
      expect(await measure('access.rbac', { granted })).toMatchObject({
        outcome: 'broken',
        summary: expect.stringContaining('leader can delete'),
      })
    })

    test('sees a role that can do less than it says', async () => {
      const granted = { ...roles, leader: [] }
      expect(await measure('access.rbac', { granted })).toMatchObject({
        outcome: 'broken',
        summary: expect.stringContaining('leader cannot read'),
      })
    })

    test('leaves no row behind', async () => {
      expect(await countNotes()).toBe(0)
    })
  })

  describe('access.tenant-isolation', () => {
    test('reaches nothing in another tenant', async () => {
      expect(await measure('access.tenant-isolation')).toMatchObject({
        outcome: 'kept',
        values: { attempts: 10, leaks: 0 },
      })
    })

    test('sees that row-level security is off', async () => {
      await database.owner.query('alter table app.notes no force row level security')
      expect(await measure('access.tenant-isolation')).toMatchObject({
        outcome: 'broken',
        summary: expect.stringContaining('forced'),
      })
      await database.owner.query('alter table app.notes force row level security')
    })

    test('sees a policy that lets strangers in', async () => {
      await database.owner.query('create policy open_door on app.notes for select to surety_app using (true)')
      expect(await measure('access.tenant-isolation')).toMatchObject({ outcome: 'broken' })
      await database.owner.query('drop policy open_door on app.notes')
    })
  })

  describe('canary functions without a running app', () => {
    test.each(['access.rbac', 'access.tenant-isolation', 'data.declared-fields', 'encryption.rest'])(
      '%s refuses to measure less than it tells',
      async (id) => {
        const canary = { createPerson: unused, request: unused, remove: unused }
        await expect(measure(id, { canary })).rejects.toMatchObject({ code: 'ERR_PROMISE_SITE' })
      },
    )

    test('access.tenant-isolation is undecided when the app’s routes take no canary row', async () => {
      const shut: Canaries = { ...leakyApp(), request: async () => new Response(null, { status: 403 }) }
      expect(await measure('access.tenant-isolation', { canaries: shut })).toMatchObject({
        outcome: 'undecided',
      })
    })
  })

  describe('data.declared-fields', () => {
    test('finds nothing undeclared, stored or in the schema', async () => {
      expect(await measure('data.declared-fields')).toMatchObject({
        outcome: 'kept',
        values: { stored: 0, undeclared: 0 },
      })
    })

    test('sees a column that nobody declared', async () => {
      await database.owner.query('alter table app.notes add column shoe_size text')
      expect(await measure('data.declared-fields')).toMatchObject({
        outcome: 'broken',
        summary: expect.stringContaining('shoe_size'),
      })
      await database.owner.query('alter table app.notes drop column shoe_size')
    })

    test('sees an app that stores whole requests', async () => {
      const measured = await measure('data.declared-fields', { canaries: leakyApp() })
      expect(measured).toMatchObject({
        outcome: 'broken',
        summary: expect.stringContaining('that nothing declares was stored'),
      })
      await database.owner.query('drop table surety.planted_log')
    })
  })

  describe('encryption.rest', () => {
    test('finds no sealed value in any file, and the planted one', async () => {
      expect(await measure('encryption.rest')).toMatchObject({
        outcome: 'kept',
        values: { found: 0, plantedFound: true, envelopes: 0 },
      })
    })

    test('opens what is stored', async () => {
      await insertNotes(3)
      expect(await measure('encryption.rest')).toMatchObject({
        outcome: 'kept',
        values: { envelopes: 3, opened: 3, failed: 0 },
      })
    })

    test.each([
      [
        'a flipped bit',
        `update app.notes set _envelope = set_byte(_envelope, 40, get_byte(_envelope, 40) # 1)`,
      ],
      ['an edited clear column', `update app.notes set at = at + interval '1 day'`],
      ['a row given to somebody else', `update app.notes set "personId" = gen_random_uuid()`],
    ])('sees %s', async (_, statement) => {
      await insertNotes(1)
      await behindTheLibrary(statement)
      expect(await measure('encryption.rest')).toMatchObject({ outcome: 'broken', values: { failed: 1 } })
    })

    test('sees an app that stores the value in the clear', async () => {
      const measured = await measure('encryption.rest', { canaries: leakyApp() })
      expect(measured).toMatchObject({ outcome: 'broken', summary: expect.stringContaining('in the clear') })
      await database.owner.query('drop table surety.planted_log')
    })

    test('opens as many rows as it may, from a random place on, and reaches every row in time', async () => {
      await insertNotes(5)
      await behindTheLibrary(
        'update app.notes set _envelope = set_byte(_envelope, 40, get_byte(_envelope, 40) # 1) where id = (select max(id::text)::uuid from app.notes)',
      )
      const runs: OpenedEnvelopes[] = []
      for (let i = 0; i < 60; i++) runs.push(await openEnvelopes(context(), 3))
      for (const run of runs) expect(run).toMatchObject({ total: 5, opened: 3 })
      expect(runs.some(({ failed }) => failed === 1)).toBe(true)
      expect(runs.some(({ failed }) => failed === 0)).toBe(true)
    })

    test('searches cells through SQL where the files are out of reach', async () => {
      await insertNotes(2)
      const sound = await measure('encryption.rest', { remote: true })
      expect(sound).toMatchObject({
        outcome: 'kept',
        summary: expect.stringContaining('cells of the database'),
        values: { plantedFound: true },
      })
      const leaky = await measure('encryption.rest', { remote: true, canaries: leakyApp() })
      expect(leaky).toMatchObject({
        outcome: 'broken',
        summary: expect.stringContaining('surety.planted_log'),
      })
      await database.owner.query('drop table surety.planted_log')
    })

    test('calls a clear column broken under scope=all', async () => {
      expect(await measure('encryption.rest', {}, { scope: 'all' })).toMatchObject({
        outcome: 'broken',
        summary: expect.stringContaining('notes.at'),
      })
    })
  })

  describe('encryption.keys-apart', () => {
    test('finds no key outside the key folder', async () => {
      await insertNotes(1)
      const measured = await measure('encryption.keys-apart')
      expect(measured).toMatchObject({ outcome: 'kept', values: { found: 0, placementProblems: 0 } })
      expect(measured.values['keys']).toBeGreaterThanOrEqual(4)
    })

    test.each(['base64', 'hex', 'latin1'] as const)('sees a provider key copied as %s', async (encoding) => {
      const [key] = await readFileKeys(keyFolder)
      const copy = join(dataDir, 'copy')
      await writeFile(copy, encoding === 'latin1' ? key! : key!.toString(encoding))
      expect(await measure('encryption.keys-apart')).toMatchObject({
        outcome: 'broken',
        summary: expect.stringContaining('copy'),
      })
      await rm(copy)
    })

    test('sees a key of the audit log’s bodies', async () => {
      const copy = join(dataDir, 'copy')
      await writeFile(copy, periodKey.toString('base64'))
      expect(await measure('encryption.keys-apart')).toMatchObject({
        outcome: 'broken',
        summary: expect.stringContaining('audit period key'),
      })
      await rm(copy)
    })

    test.each([
      ['at the last moment', 6 * 60 + 30, 'kept'],
      ['a minute and a half later', 6 * 60 + 32, 'broken'],
    ])('sees a live epoch that did not end: %s', async (_, minutes, outcome) => {
      await insertNotes(1)
      const started = (await database.owner.query('select starts_at from surety.epoch_keys')).rows[0] as {
        starts_at: Date
      }
      const passed = database.clock.now() - started.starts_at.getTime()
      const measured = await measure('encryption.keys-apart', { ahead: minutes * 60_000 - passed })
      expect(measured).toMatchObject({ outcome, values: { overdueLadders: outcome === 'kept' ? 0 : 1 } })
      if (outcome === 'broken') expect(measured.summary).toMatch(/^Epoch 1 of the live keys was to end on /)
    })

    test('sees a key folder that others can enter', async () => {
      await chmod(keyFolder, 0o755)
      expect(await measure('encryption.keys-apart')).toMatchObject({ outcome: 'broken' })
      await chmod(keyFolder, 0o700)
    })
  })

  describe('a search that cannot see', () => {
    test.each(['data.declared-fields', 'encryption.rest', 'encryption.keys-apart'])(
      'leaves %s undecided, never kept',
      async (id) => {
        await insertNotes(1)
        const measured = await measure(id, { blind: true })
        expect(measured).toMatchObject({ outcome: 'undecided', values: { plantedFound: false } })
      },
    )
  })

  describe('privacy.lawful-basis', () => {
    test('finds a purpose for every table', async () => {
      expect(await measure('privacy.lawful-basis')).toMatchObject({ outcome: 'kept' })
    })

    test('sees a table without one', async () => {
      await database.owner.query('create table app.diary (text text)')
      expect(await measure('privacy.lawful-basis')).toMatchObject({
        outcome: 'broken',
        summary: expect.stringContaining('app.diary'),
      })
      await database.owner.query('drop table app.diary')
    })
  })

  beforeEach(() => behindTheLibrary('delete from app.notes'))

  async function insertNotes(count: number): Promise<void> {
    const db = context().as(systemPrincipal('test', ['notes']))
    for (let i = 0; i < count; i++) {
      const row = {
        personId: crypto.randomUUID(),
        teamId: crypto.randomUUID(),
        title: `note ${i}`,
        at: new Date(),
      }
      await db.insertInto('notes').values(row).execute()
    }
  }

  async function countNotes(): Promise<number> {
    return (
      await context()
        .as(systemPrincipal('test', ['notes']))
        .selectFrom('notes')
        .select('id')
        .execute()
    ).length
  }

  /** What a database administrator could do. */
  async function behindTheLibrary(statement: string): Promise<void> {
    await inTransaction(database.owner, async (connection: Connection) => {
      for (const action of ['read', 'write', 'delete'])
        await connection.query(`select set_config($1, 'any', true)`, [`surety.${action}_notes`])
      await connection.query(statement)
    })
  }
})
