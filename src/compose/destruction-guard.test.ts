import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { inTransaction, silentLogger } from '../database/index.ts'
import { startTestDatabase, type TestDatabase } from '../database/testing.ts'
import { parseDuration, systemClock, type Clock } from '../kernel/index.ts'
import { keysMigrations } from '../keys/index.ts'
import { startTestKeys } from '../keys/testing.ts'
import { logMigrations, openAuditLog, openLogSigner, type AuditLog } from '../log/index.ts'
import { config } from '../promises/testing.ts'
import { createDestructionGuard, type MayDestroy } from './destruction-guard.ts'
import { watchSystemClocks } from './key-epochs.ts'
import { turnLogFiles } from './log-files.ts'

const DAY = parseDuration('1d')
const ORIGIN = 'notes.example/audit'
let offMs: number
/** The app's clock, off by what a test says. */
const clock: Clock = {
  now: () => systemClock.now() + offMs,
  monotonic: () => systemClock.monotonic(),
}
let alarms: unknown[]
let database: TestDatabase
let folder: string
let mayDestroy: MayDestroy
let audit: AuditLog

beforeEach(async () => {
  offMs = 0
  alarms = []
  database = await startTestDatabase({ migrations: [keysMigrations, logMigrations] })
  folder = await mkdtemp(join(tmpdir(), 'surety-destruction-'))
  const logger = { info() {}, error: (fields: { err: { code: string } }) => alarms.push(fields.err.code) }
  mayDestroy = createDestructionGuard(watchSystemClocks({ config, database, clock }), logger as never)
  audit = await openAuditLog({
    origin: ORIGIN,
    folder: join(folder, 'audit'),
    provider: (await startTestKeys(database)).provider,
    retention: '30d',
    mayDestroy,
    transaction: (work) => inTransaction(database.owner, work),
    clock,
    logger: silentLogger,
    access: { mode: 'sequence', signer: await openLogSigner(join(folder, 'signing-key.json'), ORIGIN) },
  })
})
afterEach(async () => {
  await audit?.close()
  await database?.close()
  await rm(folder, { recursive: true, force: true })
})

describe('a clock that cannot be trusted', () => {
  test.each([
    ['40 days ahead', 40 * DAY],
    ['set back by a day', -DAY],
  ])('%s destroys no audit body, and is told once', async (_, ms) => {
    await audit.record([{ kind: 'system.started' }])
    offMs = ms
    expect(await audit.prune()).toEqual([])
    expect(await audit.prune()).toEqual([])
    expect(alarms).toEqual(['ERR_DATABASE_CLOCKS'])
    offMs = 0
    expect((await audit.retention()).periods).toMatchObject([{ destroyedAt: null }])
    expect(await audit.prune()).toEqual([])
    // The next disagreement is told again.
    offMs = ms
    await audit.prune()
    expect(alarms).toHaveLength(2)
  })

  test('set back keeps even what is due, until it is set right', async () => {
    await audit.record([{ kind: 'system.started' }])
    await database.owner.query(
      `update surety.audit_keys set first_event_at = first_event_at - interval '40 days'`,
    )
    offMs = -DAY
    expect(await audit.prune()).toEqual([])
    expect(alarms).toEqual(['ERR_DATABASE_CLOCKS'])
    offMs = 0
    expect(await audit.prune()).toMatchObject([{ period: 1, entries: 2 }])
  })

  test('40 days ahead removes and empties no log file, though it may turn one', async () => {
    const logs = join(folder, 'logs')
    await mkdir(logs)
    const line = `{"level":30,"time":${systemClock.now()},"msg":"today"}\n`
    await writeFile(join(logs, 'app.log'), line)
    await writeFile(join(logs, 'app.log.20260101T000000Z'), line)
    const turn = (): Promise<void> =>
      turnLogFiles({ places: { folder: logs, serverLog: null }, retentionMs: 30 * DAY, clock, mayDestroy })
    offMs = 40 * DAY
    await turn()
    const names = await readdir(logs)
    expect(names).toHaveLength(3)
    const contents = await Promise.all(names.map((name) => readFile(join(logs, name), 'utf8')))
    expect(contents.toSorted()).toEqual(['', line, line])
    expect(alarms).toEqual(['ERR_DATABASE_CLOCKS'])
  })

  test('leaves an unreachable database to whoever asked', async () => {
    const unreachable = createDestructionGuard(
      { assertAgree: () => Promise.reject(new RangeError('gone')) },
      silentLogger,
    )
    await expect(unreachable()).rejects.toThrow(RangeError)
  })
})
