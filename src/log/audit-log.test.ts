import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { asConnection, inTransaction, silentLogger } from '../database/index.ts'
import { startTestDatabase, type TestDatabase } from '../database/testing.ts'
import {
  canonicalBytes,
  createPseudonym,
  manualClock,
  parseDuration,
  type ManualClock,
} from '../kernel/index.ts'
import { keysMigrations, openFileProvider, type KeyProvider } from '../keys/index.ts'
import { commitAuditEntry, parseVerifierKey, verifyTlogProof } from '../verify/index.ts'
import { logMigrations, openAuditLog, openLogSigner } from './index.ts'
import type { AuditEvent, AuditLog, AuditLogOptions, OpenedEntry, RunTransaction } from './index.ts'

const ORIGIN = 'test.example/audit'
const DAY_MS = parseDuration('1d')
const person = createPseudonym()

let database: TestDatabase
let clock: ManualClock
let folder: string
let base: string
let provider: KeyProvider
const transaction: RunTransaction = (work) => inTransaction(database.owner, work)

beforeAll(async () => {
  database = await startTestDatabase({ migrations: [keysMigrations, logMigrations] })
})
afterAll(async () => database.close())
beforeEach(async () => {
  await database.owner.query(
    'truncate surety.log_queue, surety.log_state, surety.audit_bodies, surety.audit_keys',
  )
  base = await mkdtemp(join(tmpdir(), 'surety-audit-'))
  folder = join(base, 'log')
  clock = manualClock(Date.parse('2026-11-22T00:00:00.000Z'))
  provider = await openFileProvider({ folder: join(base, 'provider'), outside: [], clock })
  return () => rm(base, { recursive: true, force: true })
})

async function open(options: Partial<AuditLogOptions> = {}): Promise<AuditLog> {
  const signer = await openLogSigner(join(base, 'keys', 'audit.json'), ORIGIN)
  return openAuditLog({
    ...{ origin: ORIGIN, folder, transaction, clock, logger: silentLogger, provider },
    access: { mode: 'sequence', signer },
    ...options,
  })
}

const changed = (row: string, subject = person): AuditEvent => ({
  kind: 'data.insert',
  actor: { kind: 'user', id: subject, tenant: null, roles: ['member'] },
  resource: 'notes',
  columns: ['title'],
  tenant: null,
  subject,
  rows: [row],
  count: 1,
})

async function openedOf(log: AuditLog, sinceMs = 0): Promise<OpenedEntry[]> {
  const entries: OpenedEntry[] = []
  for await (const entry of log.entries(sinceMs)) entries.push(entry)
  return entries
}

async function rowsOf(log: AuditLog): Promise<string[]> {
  const entries = await openedOf(log)
  return entries.flatMap(({ entry }) => (entry.kind === 'data.insert' ? entry.rows! : []))
}

describe('an event', () => {
  test('is recorded with the change it tells of, and gone with it when that is rolled back', async () => {
    const log = await open()
    const [kept, lost] = [createPseudonym(), createPseudonym()]
    const one = await log.statement([changed(kept)])
    await inTransaction(database.app, (app) => app.query(one.sql, one.parameters))
    const other = await log.statement([changed(lost)])
    const rolledBack = inTransaction(database.app, async (app) => {
      await app.query(other.sql, other.parameters)
      throw new Error('changed my mind')
    })
    await expect(rolledBack).rejects.toThrow('changed my mind')
    await log.flush()
    expect(await rowsOf(log)).toEqual([kept])
    expect((await log.checkpoint())?.size).toBe(2)
    await log.close()
  })

  test('can be shown by its holder: body and salt make a leaf that a stranger verifies', async () => {
    const log = await open()
    await log.record([changed('a'), changed('b'), changed('ä€\u2028"\\\u0001')])
    await log.flush()
    for (const { body, salt, commitment } of await openedOf(log)) {
      const leaf = commitAuditEntry(salt, body)
      expect(leaf).toEqual(new Uint8Array(commitment))
      const proven = await log.prove(leaf)
      const found = await verifyTlogProof(proven!.proof, leaf, parseVerifierKey(log.vkey))
      expect(found.index).toBe(proven!.index)
      expect(canonicalBytes(JSON.parse(Buffer.from(body).toString()))).toEqual(new Uint8Array(body))
    }
    await log.close()
  })

  test('gives nothing away in the log, nor in the table: equal events have different leaves', async () => {
    const log = await open()
    await log.record([changed('same'), changed('same')])
    await log.flush()
    const [, one, two] = await openedOf(log)
    expect(one!.commitment).not.toEqual(two!.commitment)
    const files = await readdir(folder, { recursive: true, withFileTypes: true })
    const bytes = await Promise.all(
      files
        .filter((file) => file.isFile())
        .map((file) => readFile(join(file.parentPath, file.name), 'latin1')),
    )
    const { rows } = await database.owner.query('select t::text as text from surety.audit_bodies t')
    for (const text of [...bytes, ...rows.map((row: { text: string }) => row.text)]) {
      expect(text).not.toContain(person)
      expect(text).not.toContain(Buffer.from(person).toString('hex'))
    }
    await log.close()
  })

  test('of which anything was changed in the table does not open', async () => {
    const log = await open()
    await log.record([changed('a')])
    await log.flush()
    for (const change of [
      'sealed = set_byte(sealed, 40, get_byte(sealed, 40) # 1)',
      'commitments = set_byte(commitments, 3, get_byte(commitments, 3) # 1)',
      "at = at + interval '1 second'",
      'batch = gen_random_uuid()',
    ]) {
      await expect(
        inTransaction(database.owner, async (connection) => {
          await connection.query(`update surety.audit_bodies set ${change}`)
          const within = await open({ transaction: (work) => work(connection), access: { mode: 'append' } })
          await openedOf(within)
        }),
        change,
      ).rejects.toMatchObject({ code: 'ERR_LOG_BODY' })
    }
    expect(await openedOf(log)).toHaveLength(2)
    await log.close()
  })

  test('outside a transaction is stored within a moment, and at the latest at the end', async () => {
    const log = await open()
    clock.advance(1)
    log.note({
      kind: 'http.request',
      request: createPseudonym(),
      method: 'POST',
      route: '/notes',
      status: 201,
    })
    await log.close()
    clock.advance(1)
    const again = await open()
    expect((await openedOf(again)).map(({ entry }) => entry.kind)).toEqual([
      'system.started',
      'http.request',
      'system.started',
    ])
    await again.close()
  })
})

test('an event that has no canonical JSON is refused', async () => {
  const log = await open()
  await expect(log.statement([changed('\ud800')])).rejects.toMatchObject({ code: 'ERR_LOG_ENTRY' })
  await expect(log.statement([changed('x'.repeat(1_048_577))])).rejects.toMatchObject({
    code: 'ERR_LOG_ENTRY',
  })
  await log.close()
})

describe('the app’s role', () => {
  test.each([
    'select * from surety.audit_bodies',
    'select * from surety.audit_keys',
    'select * from surety.log_queue',
    'delete from surety.audit_bodies',
    "update surety.audit_bodies set sealed = ''",
    "insert into surety.log_queue (log, entry_id, body) values ('evidence', 'x', '')",
    'truncate surety.audit_bodies',
  ])('appends and does nothing else: %s', async (sql) => {
    await expect(asConnection(database.app).query(sql)).rejects.toMatchObject({ code: '42501' })
  })

  const append = (at: string, period: number, leaves: number, bytes: number): Promise<unknown> =>
    asConnection(database.app).query(
      `select surety.append_audit(gen_random_uuid(), $1::timestamptz, $2, gen_random_uuid(), decode(repeat('00', $3), 'hex'), decode(repeat('00', $4), 'hex'))`,
      [at, period, leaves, bytes],
    )

  test.each<[string, ...Parameters<typeof append>]>([
    ['no leaf', '2026-11-22Z', 0, 0, 0],
    ['half a leaf', '2026-11-22Z', 0, 31, 0],
    ['a leaf and a byte', '2026-11-22Z', 0, 33, 0],
    ['more leaves than a tick can hold', '2026-11-22Z', 0, 32 * 131_073, 0],
    ['a body that no reader could hold', '2026-11-22Z', 0, 32, 67_108_865],
    ['a time that never comes', 'infinity', 0, 32, 0],
    ['a time before all', '-infinity', 0, 32, 0],
    ['a period that nobody opened', '2026-11-22Z', 99, 32, 0],
  ])('appends nothing that would stop the log or its readers: %s', async (_, at, after, leaves, bytes) => {
    const log = await open()
    const { periods } = await log.retention()
    await expect(append(at, periods[0]!.period + after, leaves, bytes)).rejects.toMatchObject({
      code: '23514',
    })
    await log.close()
  })

  test('appends nothing to a period that has ended', async () => {
    const log = await open()
    const { periods } = await log.retention()
    clock.advance(364 * DAY_MS)
    await log.prune()
    await expect(append('2026-11-22Z', periods[0]!.period, 32, 0)).rejects.toMatchObject({ code: '23514' })
    await log.close()
  })
})

test('more events than one append may hold are refused before anything is sealed', async () => {
  const log = await open()
  const events = Array.from({ length: 131_073 }, () => changed('a'))
  await expect(log.statement(events)).rejects.toMatchObject({ code: 'ERR_LOG_ENTRY' })
  await log.close()
})

describe('the end of bodies', () => {
  test('comes with their key before they are a year old; every proof still holds', async () => {
    const log = await open()
    await log.record([changed('first')])
    await log.flush()
    const [started, first] = await openedOf(log)
    clock.advance(40 * DAY_MS)
    await log.record([changed('second')])
    clock.advance(323 * DAY_MS)
    expect(await log.prune()).toEqual([])
    clock.advance(1 * DAY_MS)
    expect(await log.prune()).toEqual([{ period: expect.any(Number), entries: 2 }])
    expect(await rowsOf(log)).toEqual(['second'])
    await log.flush()
    for (const { commitment } of [started!, first!]) {
      const { proof } = (await log.prove(commitment))!
      await verifyTlogProof(proof, commitment, parseVerifierKey(log.vkey))
    }
    const { periods } = await log.retention()
    expect(periods[0]).toMatchObject({ destroyedAt: clock.now(), prunedEntries: 2 })
    expect((await provider.list()).map(({ state }) => state).toSorted()).toEqual([
      'destroyed',
      'live',
      'live',
    ])
    expect((await log.verifyWhole())?.size).toBeGreaterThan(3)
    await log.close()
  })

  test('leaves the other bodies to whoever reads while it is under way', async () => {
    const log = await open()
    await log.record([changed('first')])
    clock.advance(40 * DAY_MS)
    await log.record([changed('second')])
    clock.advance(324 * DAY_MS)
    const { destroy, unwrap } = provider
    const [gone, refused] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    provider.destroy = async (id) => {
      const attestation = await destroy.call(provider, id)
      gone.resolve()
      // Only now the row says so.
      await refused.promise
      return attestation
    }
    provider.unwrap = (...given) =>
      unwrap.apply(provider, given).catch((error: unknown) => {
        refused.resolve()
        throw error
      })
    const pruning = log.prune()
    await gone.promise
    expect(await rowsOf(log)).toEqual(['second'])
    expect(await pruning).toHaveLength(1)
    await log.close()
  })

  test('leaves no key to be searched for; until then each period’s own is', async () => {
    const wrapped: Buffer[] = []
    const { wrap } = provider
    provider.wrap = (id, key, context) => {
      wrapped.push(Buffer.from(key))
      return wrap.call(provider, id, key, context)
    }
    const log = await open()
    clock.advance(40 * DAY_MS)
    await log.record([changed('second')])
    expect(wrapped).toHaveLength(2)
    expect(await log.keyMaterial()).toEqual(wrapped)
    clock.advance(324 * DAY_MS)
    await log.prune()
    expect((await log.keyMaterial())[0]).toEqual(wrapped[1])
    await log.close()
  })

  test('finds the bodies of a period without reading those of others', async () => {
    const plan = await inTransaction(database.owner, async (connection) => {
      await connection.query('set local enable_seqscan = off')
      return connection.query('explain delete from surety.audit_bodies where period = 1')
    })
    expect(JSON.stringify(plan)).toContain('audit_bodies_period')
  })

  test('leaves nothing that an old backup with its wrapped key could open', async () => {
    const log = await open()
    expect(await log.rehearsePruning()).toEqual({
      openedBefore: true,
      openedAfter: false,
      copyOpenedAfter: false,
      provenAfter: true,
    })
    await log.close()
  })

  test('waits while something speaks against destroying, and is finished after a crash', async () => {
    const objecting = await open({ mayDestroy: async () => false })
    await objecting.record([changed('old')])
    clock.advance(364 * DAY_MS)
    expect(await objecting.prune()).toEqual([])
    expect(await rowsOf(objecting)).toEqual(['old'])
    await objecting.close()
    // A crash between the provider's answer and ours.
    const { rows } = await database.owner.query('select provider_key from surety.audit_keys order by period')
    await provider.destroy(rows[0].provider_key)
    const log = await open()
    expect(await rowsOf(log)).toEqual([])
    expect((await log.retention()).periods[0]).toMatchObject({ prunedEntries: 2 })
    await log.close()
  })

  test('cannot be promised sooner than pruning can follow', async () => {
    await expect(open({ retention: '11d' })).rejects.toMatchObject({ code: 'ERR_LOG_RETENTION' })
  })
})

describe('a write without its event', () => {
  test('is refused while the key provider does not answer', async () => {
    const log = await open()
    await rm(join(base, 'provider'), { recursive: true })
    clock.advance(2 * 3_600_000)
    await expect(log.statement([changed('x')])).rejects.toMatchObject({ code: 'ERR_LOG_PERIOD' })
    await log.close()
  })
})

test('a log that was changed anywhere is noticed by whoever reads it from first to last', async () => {
  const log = await open()
  await log.record(Array.from({ length: 300 }, (_, i) => changed(`row-${i}`)))
  await log.flush()
  const before = (await log.verifyWhole())!
  expect(before.size).toBe(301)
  expect(await log.rootAt(before.size)).toEqual(before.rootHash)
  await log.record([changed('more')])
  await log.flush()
  expect(await log.rootAt(before.size)).toEqual(before.rootHash)
  const path = join(folder, 'tile', 'entries', '000')
  const bytes = await readFile(path)
  bytes[100]! ^= 1
  await writeFile(path, bytes)
  await expect(log.verifyWhole()).rejects.toMatchObject({ code: 'ERR_LOG_TAMPERED' })
  await log.close()
})
