import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Kysely } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemPrincipal } from '../access/index.ts'
import { applyPlan, asConnection, inTransaction, planResources, silentLogger } from '../database/index.ts'
import { startTestDatabase, type TestDatabase } from '../database/testing.ts'
import { field, resource, type SuretyConfig } from '../declare/index.ts'
import { parseDuration, shiftedClock, systemClock, toBase64, type Clock } from '../kernel/index.ts'
import {
  keysMigrations,
  openFileProvider,
  openKeyTree,
  type KeyProvider,
  type OpenKeyTree,
} from '../keys/index.ts'
import { logMigrations, openAuditLog, openLogSigner, type AuditLog } from '../log/index.ts'
import {
  catalogue,
  type AnyTables,
  type Measurement,
  type ProbeContext,
  type RecordedTrail,
} from '../promises/index.ts'
import { createStore, type AuditTrail } from '../store/index.ts'
import { createAuditTrail } from './audit-trail.ts'
import { createAuditView } from './audit-view.ts'
import { turnLogFiles } from './log-files.ts'

const notes = resource({
  name: 'notes',
  subject: 'personId',
  purpose: 'to remember',
  basis: 'contract',
  retention: 'account',
  fields: { personId: field.id(), title: field.text('a title', { max: 200 }) },
})
const config: SuretyConfig = {
  name: 'Notes',
  origin: 'notes.example',
  page: 'security.md',
  resources: { notes },
  roles: { member: ['notes:*:own'] },
}
const DAY_MS = parseDuration('1d')

let database: TestDatabase
let dataDir: string
let provider: KeyProvider
let tree: OpenKeyTree
let audit: AuditLog
let recorded: RecordedTrail | null
let clock: Clock

beforeEach(async () => {
  clock = systemClock
  recorded = null
  database = await startTestDatabase({ migrations: [keysMigrations, logMigrations] })
  const plan = await planResources(asConnection(database.owner), [notes])
  await applyPlan(database.owner, plan, { allow: 'additive' })
  dataDir = await mkdtemp(join(tmpdir(), 'surety-audit-probes-'))
  provider = await openFileProvider({ folder: join(dataDir, 'keys'), outside: [], clock })
  tree = await openKeyTree({ provider, owner: database.owner, clock, logger: silentLogger })
  audit = await openAuditLog({
    ...{
      origin: 'notes.example/audit',
      folder: join(dataDir, 'audit'),
      provider,
      clock,
      logger: silentLogger,
    },
    transaction: (work) => inTransaction(database.owner, work),
    access: {
      mode: 'sequence',
      signer: await openLogSigner(join(dataDir, 'signing', 'audit.json'), 'notes.example/audit'),
    },
  })
})
afterEach(async () => {
  await audit.close()
  tree.close()
  await database.close()
  await rm(dataDir, { recursive: true, force: true })
})

const places = (): { folder: string; serverLog: null } => ({ folder: join(dataDir, 'logs'), serverLog: null })

function context(trail: AuditTrail | null = createAuditTrail(audit)): ProbeContext {
  const { app } = database
  const logger = silentLogger
  const store = createStore({
    ...{ resources: config.resources, roles: config.roles, pool: app, keys: tree, clock, logger },
    ...(trail ? { trail } : {}),
  })
  return {
    ...{ config, clock, site: null, dataDir, canaries: null },
    database: undefined as never,
    keys: undefined as never,
    audit: {
      ...createAuditView(audit, { entries: async () => [] }, places()),
      recorded: async () => recorded,
    },
    as: (principal) => store.as(principal).db as unknown as Kysely<AnyTables>,
    system: systemPrincipal,
    progress() {},
    signal: new AbortController().signal,
  }
}

async function measure(id: string, within = context(), params: object = {}): Promise<Measurement> {
  const definition = catalogue.get(id)!
  return definition.probe(within, definition.parameters.parse(params))
}

async function insertNotes(count: number, trail?: AuditTrail | null): Promise<void> {
  const db = context(trail).as(systemPrincipal('test', ['notes']))
  const rows = Array.from({ length: count }, () => ({ personId: crypto.randomUUID(), title: 'a note' }))
  await db.insertInto('notes').values(rows).execute()
}

describe('monitor.audit-trail', () => {
  const trail = (): Promise<Measurement> => measure('monitor.audit-trail')

  test('follows every row to its event, and the log from its first entry to its last', async () => {
    await insertNotes(5)
    const first = await trail()
    expect(first).toMatchObject({
      outcome: 'kept',
      values: { rowsFollowed: 6, rowsWithoutEvent: 0, queued: expect.any(Number) },
    })
    const { auditSize, auditRoot, auditVkey } = first.values
    recorded = {
      size: Number(auditSize),
      rootHash: String(auditRoot),
      vkey: String(auditVkey),
      withoutBody: 0,
    }
    await insertNotes(300)
    expect(await trail()).toMatchObject({ outcome: 'kept' })
  })

  test('sees rows that were written without an event', async () => {
    await insertNotes(2, null)
    expect(await trail()).toMatchObject({
      outcome: 'broken',
      summary: expect.stringContaining('2 written rows have no event'),
    })
    expect(await measure('monitor.audit-trail', context(null))).toMatchObject({ outcome: 'broken' })
  })

  test('takes an insert that could not name its rows for as many rows as it wrote, and no more', async () => {
    const db = context().as(systemPrincipal('test', ['notes']))
    const row = { personId: crypto.randomUUID(), title: 'a note' }
    const unnamed = db.insertInto('notes').values(row)
    await unnamed.onConflict((conflict) => conflict.doNothing()).execute()
    expect(await trail()).toMatchObject({ outcome: 'kept', values: { rowsFollowed: 1 } })
    await insertNotes(1, null)
    expect(await trail()).toMatchObject({
      outcome: 'broken',
      summary: expect.stringContaining('1 written rows have no event'),
    })
  })

  test.each([
    [
      'a body was removed',
      'delete from surety.audit_bodies where id = (select max(id::text)::uuid from surety.audit_bodies)',
      'lost their bodies',
    ],
    [
      'a body was changed',
      'update surety.audit_bodies set sealed = set_byte(sealed, 40, get_byte(sealed, 40) # 1)',
      'ERR_LOG_BODY',
    ],
    [
      'nothing can be published',
      "insert into surety.log_queue (log, entry_id, body) values ('audit', 'x', '\\x00')",
      'ERR_LOG_QUEUE',
    ],
  ])('sees that %s', async (_, sql, what) => {
    await insertNotes(1)
    await audit.flush()
    await database.owner.query(sql)
    expect(await trail()).toMatchObject({ outcome: 'broken', summary: expect.stringContaining(what) })
  })

  test('sees that bodies were removed before their time, whatever else was removed with them', async () => {
    await insertNotes(3)
    await audit.flush()
    const { size, rootHash } = (await audit.checkpoint())!
    await database.owner.query('delete from surety.audit_bodies')
    expect(await trail()).toMatchObject({
      outcome: 'broken',
      summary: expect.stringContaining(`${size} of its entries lost their bodies`),
      values: { entriesWithoutBody: size },
    })
    recorded = { size, rootHash: toBase64(rootHash), vkey: audit.vkey, withoutBody: size }
    expect(await trail()).toMatchObject({ outcome: 'broken', summary: expect.stringContaining('no event') })
    await database.owner.query('truncate app.notes')
    expect(await trail()).toMatchObject({ outcome: 'kept', values: { entriesWithoutBody: size } })
  })

  test('sees a log that was changed, or is not the one the evidence log recorded', async () => {
    await insertNotes(1)
    await audit.flush()
    const { size, rootHash } = (await audit.checkpoint())!
    const root = toBase64(rootHash)
    for (const [told, what] of [
      [{ size, rootHash: toBase64(new Uint8Array(32)), vkey: audit.vkey }, 'not those recorded last'],
      [{ size: size + 99, rootHash: root, vkey: audit.vkey }, 'and had'],
      [{ size, rootHash: root, vkey: 'another' }, 'verifier key'],
    ] as const) {
      recorded = { ...told, withoutBody: 0 }
      expect(await trail()).toMatchObject({ outcome: 'broken', summary: expect.stringContaining(what) })
    }
    recorded = { size, rootHash: root, vkey: audit.vkey, withoutBody: 0 }
    expect(await trail()).toMatchObject({ outcome: 'kept' })
    const folder = join(dataDir, 'audit', 'tile', 'entries')
    const [name] = (await readdir(join(folder, '000.p'))).toSorted((a, b) => Number(b) - Number(a))
    const bytes = await readFile(join(folder, '000.p', name!))
    bytes[5]! ^= 1
    const whole = audit.verifyWhole
    await audit.close()
    await writeFile(join(folder, '000.p', name!), bytes)
    await expect(whole()).rejects.toMatchObject({ code: 'ERR_LOG_TAMPERED' })
  })
})

describe('retention.logs', () => {
  test('rehearses the end of a period, and later asks for the proof of what ended', async () => {
    const first = await measure('retention.logs')
    expect(first).toMatchObject({
      outcome: 'kept',
      values: { prunedPeriods: 1, prunedProven: 1, limitDays: 365 },
    })
    const second = await measure('retention.logs')
    expect(second).toMatchObject({ outcome: 'kept', values: { prunedPeriods: 1, prunedProven: 1 } })
    await database.owner.query(
      `update surety.audit_keys set pruned_leaf = decode(repeat('00', 32), 'hex') where rehearsal`,
    )
    expect(await measure('retention.logs')).toMatchObject({
      outcome: 'broken',
      summary: expect.stringContaining('no longer in the log'),
    })
  })

  test('sees a body or a key that is older than promised', async () => {
    clock = shiftedClock(366 * DAY_MS)
    expect(await measure('retention.logs')).toMatchObject({ outcome: 'broken' })
    await database.owner.query('delete from surety.audit_bodies where at < $1', [
      new Date(systemClock.now() + DAY_MS),
    ])
    expect(await measure('retention.logs')).toMatchObject({
      outcome: 'broken',
      summary: expect.stringContaining('key of audit events'),
    })
  })

  test('sees a key that its provider did not destroy', async () => {
    const destroy = provider.destroy
    Object.assign(provider, { destroy: async () => 'confirmed' })
    expect(await measure('retention.logs')).toMatchObject({
      outcome: 'broken',
      summary: expect.stringContaining('destroyed key still opened'),
    })
    Object.assign(provider, { destroy })
  })

  test('sees old lines in log files, which turning keeps within the time', async () => {
    const { folder } = places()
    await mkdir(folder)
    const line = (daysAgo: number): string =>
      `${new Date(systemClock.now() - daysAgo * DAY_MS).toISOString().replace('T', ' ').replace('Z', '')} UTC [1] LOG: x\n`
    await writeFile(join(folder, 'server.log'), line(40) + line(0))
    await writeFile(join(folder, 'server.log.20250101T000000Z'), line(370))
    await writeFile(join(folder, 'app.log'), `{"level":30,"time":${systemClock.now() - 3 * DAY_MS}}\n`)
    expect(await measure('retention.logs')).toMatchObject({
      outcome: 'broken',
      values: { logFiles: 3, oldestLogFileDays: 370 },
    })
    await turnLogFiles({
      places: places(),
      retentionMs: parseDuration('1y'),
      clock,
      mayDestroy: async () => true,
    })
    const names = (await readdir(folder)).toSorted()
    expect(names).toEqual(['app.log', 'server.log', expect.stringMatching(/^server\.log\.\d{8}T\d{6}Z$/)])
    expect(await readFile(join(folder, 'server.log'), 'utf8')).toBe('')
    expect(await readFile(join(folder, names[2]!), 'utf8')).toContain('LOG: x')
    expect(await measure('retention.logs')).toMatchObject({
      outcome: 'kept',
      values: { logFiles: 2, oldestLogFileDays: 40 },
    })
    // A file without times counts from when it was made.
    await writeFile(join(folder, 'plain.log'), 'no time here\n')
    await utimes(join(folder, 'plain.log'), 0, 0)
    expect(await measure('retention.logs')).toMatchObject({ outcome: 'broken' })
  })

  test('refuses a time that nothing could keep', () => {
    const { parameters } = catalogue.get('retention.logs')!
    for (const atMost of ['11d', '1h', 'soon', '-1y'])
      expect(parameters.safeParse({ atMost }).success).toBe(false)
    expect(parameters.safeParse({ atMost: '12d' }).success).toBe(true)
  })
})
