import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { inTransaction, silentLogger } from '../database/index.ts'
import { startTestDatabase, type TestDatabase } from '../database/testing.ts'
import { keysMigrations, type KeyProvider } from '../keys/index.ts'
import { leapingClock, startTestKeys } from '../keys/testing.ts'
import {
  logMigrations,
  openAuditLog,
  openEvidenceLog,
  openLogSigner,
  type EvidenceLog,
  type RunTransaction,
} from '../log/index.ts'
import { config } from '../promises/testing.ts'
import {
  epochScheduleOf,
  keepRotating,
  openKeyEpochs,
  watchSystemClocks,
  type KeyEpochs,
} from './key-epochs.ts'

const HOUR = 3_600_000
const ORIGIN = `${config.origin}/evidence`
const clock = leapingClock()
let database: TestDatabase
let folder: string
let log: EvidenceLog
let epochs: KeyEpochs
let provider: KeyProvider

beforeEach(async () => {
  database = await startTestDatabase({ clock, migrations: [keysMigrations, logMigrations] })
  folder = await mkdtemp(join(tmpdir(), 'surety-epochs-'))
  log = await openEvidenceLog({
    origin: ORIGIN,
    folder: join(folder, 'log'),
    transaction: (work) => inTransaction(database.owner, work),
    clock,
    logger: silentLogger,
    access: { mode: 'sequence', signer: await openLogSigner(join(folder, 'signing-key.json'), ORIGIN) },
  })
  ;({ provider } = await startTestKeys(database))
  const clocks = watchSystemClocks({ config, database, clock })
  epochs = openKeyEpochs({ config, provider, database, clocks, log, clock, logger: silentLogger })
})
afterEach(async () => {
  await log?.close()
  await database?.close()
  await rm(folder, { recursive: true, force: true })
})

test('a server ends an epoch that is due without a hand, and tells it in the evidence log', async () => {
  clock.leap(7 * HOUR)
  expect((await epochs.standings())[0]).toMatchObject({ ladder: 'live', epoch: 1, problem: 'not-ended' })
  const rotating = keepRotating(epochs, { database, logger: silentLogger })
  try {
    await expect
      .poll(async () => (await epochs.status()).epochs.find(({ phase }) => phase === 'destroyed'), {
        timeout: 60_000,
      })
      .toMatchObject({ ladder: 'live', epoch: 1, destruction: 'attested' })
  } finally {
    await rotating.close()
  }
  expect(await epochs.status()).toMatchObject({ sound: true, unrecorded: 0 })
  await log.flush()
  expect((await log.entries()).map(({ kind }) => kind)).toEqual([
    'log.opened',
    'keys.rotated',
    'keys.destroyed',
  ])
})

test('the keys of audit periods at the provider are no strays, and a key that nothing names is one', async () => {
  const transaction: RunTransaction = (work) => inTransaction(database.owner, work)
  const auditFolder = join(folder, 'audit')
  const signer = await openLogSigner(join(folder, 'audit-signing-key.json'), `${config.origin}/audit`)
  const audit = await openAuditLog({
    ...{ origin: `${config.origin}/audit`, folder: auditFolder, provider, transaction, clock },
    ...{ logger: silentLogger, access: { mode: 'sequence', signer } },
  })
  await audit.close()
  expect((await provider.list()).map(({ label }) => label)).toContain('audit')
  expect(await epochs.status()).toMatchObject({ unrecorded: 0 })
  await provider.create('audit')
  expect(await epochs.status()).toMatchObject({ unrecorded: 1 })
})

test('the declared times are those that an epoch’s end is held to', () => {
  const declared = {
    ...config,
    keys: {
      liveEpoch: '2h',
      backupEpoch: '12h',
      rewrap: '3m',
      retries: '4m',
      providerWait: '7d',
      clockError: '5s',
    },
    backups: { every: '6h', keep: '24d' },
  } as const
  expect(epochScheduleOf(declared)).toEqual({
    epochMs: { live: 2 * HOUR, backup: 12 * HOUR },
    backupAgeMs: 24 * 24 * HOUR,
    rewrapMs: 180_000,
    retriesMs: 240_000,
    waitMs: 7 * 24 * HOUR,
    clockErrorMs: 5_000,
  })
})
