import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { inTransaction, silentLogger } from '../database/index.ts'
import { startTestDatabase } from '../database/testing.ts'
import type { TestDatabase } from '../database/testing.ts'
import { manualClock } from '../kernel/index.ts'
import { parseVerifierKey, verifyTlogProof } from '../verify/index.ts'
import type { EvidenceBody } from '../verify/index.ts'
import { logMigrations, openEvidenceLog, openLogSigner } from './index.ts'
import type { EvidenceLog, EvidenceLogOptions, RunTransaction } from './index.ts'

const ORIGIN = 'test.example/evidence'
const START = Date.parse('2026-11-22T00:00:00.000Z')

let database: TestDatabase
let folder: string
let keyFile: string
const clock = manualClock(START)
const transaction: RunTransaction = (work) => inTransaction(database.owner, work)

beforeAll(async () => {
  database = await startTestDatabase({ migrations: [logMigrations] })
})
afterAll(async () => database.close())
beforeEach(async () => {
  await database.owner.query('truncate surety.log_queue, surety.log_state')
  const base = await mkdtemp(join(tmpdir(), 'surety-log-'))
  folder = join(base, 'log')
  keyFile = join(base, 'keys', 'evidence.json')
  return () => rm(base, { recursive: true, force: true })
})

async function open(
  mode: 'sequence' | 'append' = 'sequence',
  options: Partial<EvidenceLogOptions> = {},
): Promise<EvidenceLog> {
  const access = mode === 'append' ? { mode } : { mode, signer: await openLogSigner(keyFile, ORIGIN) }
  return openEvidenceLog({
    origin: ORIGIN,
    folder,
    transaction,
    clock,
    logger: silentLogger,
    access,
    ...options,
  })
}

const withdrawn = (i: number): EvidenceBody => ({ kind: 'promise.withdrawn', key: `test.promise-${i}` })
const bodies = (count: number, from = 0): EvidenceBody[] =>
  Array.from({ length: count }, (_, i) => withdrawn(from + i))
const keysOf = async (log: EvidenceLog): Promise<string[]> =>
  (await log.entries()).flatMap((entry) => (entry.kind === 'promise.withdrawn' ? [entry.key] : []))
const expected = (count: number): string[] => bodies(count).map((body) => (body as { key: string }).key)

describe('publishing', () => {
  test('opens a new log with an entry that names its origin', async () => {
    const log = await open()
    const [first, ...others] = await log.entries()
    expect(first).toMatchObject({ kind: 'log.opened', v: 1, origin: ORIGIN, at: '2026-11-22T00:00:00.000Z' })
    expect(others).toEqual([])
    await log.close()
  })

  test('publishes what was appended, once and in order, across full tiles and restarts', async () => {
    let log = await open()
    await log.append(bodies(300))
    await log.append(bodies(700, 300))
    await log.flush()
    await log.close()
    log = await open()
    await log.append(bodies(500, 1000))
    await log.flush()
    expect(await keysOf(log)).toEqual(expected(1500))
    expect((await log.checkpoint())?.size).toBe(1501)
    await log.close()
  })

  test('gives a proof for every entry that a stranger can verify', async () => {
    const log = await open()
    await log.append(bodies(600))
    await log.flush()
    const snapshot = (await log.snapshot())!
    for (const index of [0, 1, 255, 256, 511, 512, 599, 600]) {
      const proof = await snapshot.proof(index)
      const found = await verifyTlogProof(proof, snapshot.leaf(index), parseVerifierKey(log.vkey))
      expect(found.index).toBe(index)
    }
    await expect(log.proof(601)).rejects.toMatchObject({ code: 'ERR_LOG_NO_ENTRY' })
    await log.close()
  })

  test('publishes nothing of a transaction that is rolled back, and all of one that commits', async () => {
    const log = await open()
    const rollback = inTransaction(database.owner, async (connection) => {
      await log.append([withdrawn(7)], connection)
      throw new Error('changed my mind')
    })
    await expect(rollback).rejects.toThrow('changed my mind')
    await inTransaction(database.owner, (connection) => log.append([withdrawn(8)], connection))
    await log.flush()
    expect(await keysOf(log)).toEqual(['test.promise-8'])
    await log.close()
  })

  test('stamps times that never go back, even when the clock does', async () => {
    const log = await open()
    clock.advance(60_000)
    await log.append(bodies(1))
    await log.flush()
    clock.advance(-120_000)
    await log.append(bodies(1, 1))
    await log.flush()
    clock.advance(60_000)
    const times = (await log.entries()).map((entry) => entry.at)
    expect(times).toEqual(times.toSorted())
    expect(times.at(-1)).toBe('2026-11-22T00:01:00.000Z')
    await log.close()
  })

  test('refuses a body that no verifier would accept', async () => {
    const log = await open()
    const nonsense = { kind: 'promise.withdrawn', key: 'a', note: 'extra' } as EvidenceBody
    await expect(log.append([nonsense])).rejects.toMatchObject({ code: 'ERR_LOG_ENTRY' })
    await expect(log.append([{ kind: 'promise.withdrawn', key: '\ud800' }])).rejects.toMatchObject({
      code: 'ERR_LOG_ENTRY',
    })
    await log.flush()
    expect(await keysOf(log)).toEqual([])
    await log.close()
  })
})

describe('several processes', () => {
  test('publishes what another process appended, and shows it to that process', async () => {
    const server = await open()
    const prober = await open('append')
    await prober.append(bodies(3))
    await prober.flush()
    expect(await keysOf(prober)).toEqual(expected(3))
    expect(prober.vkey).toBe(server.vkey)
    await Promise.all([server.close(), prober.close()])
  })

  test('publishes each entry once while two sequencers race', async () => {
    const [one, two] = [await open(), await open()]
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        (i % 2 === 0 ? one : two).append(bodies(10, i * 10)).then(() => (i % 3 ? one : two).wake()),
      ),
    )
    await Promise.all([one.flush(), two.flush()])
    expect((await keysOf(one)).toSorted()).toEqual(expected(200).toSorted())
    expect(await keysOf(two)).toEqual(await keysOf(one))
    await Promise.all([one.close(), two.close()])
  })

  test('says that nothing publishes when no server runs', async () => {
    await (await open()).close()
    const prober = await open('append')
    await prober.append(bodies(1))
    await expect(prober.flush({ timeoutMs: 100 })).rejects.toMatchObject({ code: 'ERR_LOG_NOT_PUBLISHED' })
    await prober.close()
  })

  test('refuses to append before the log was ever opened', async () => {
    await expect(open('append')).rejects.toMatchObject({ code: 'ERR_LOG_NOT_OPENED' })
  })
})

describe('what is served', () => {
  test('serves checkpoint, key and tiles, and nothing else that lies in the folder or beyond', async () => {
    const log = await open()
    await log.append(bodies(300))
    await log.flush()
    await writeFile(join(folder, 'secret'), 'x')
    expect(await log.read('checkpoint')).not.toBeNull()
    expect(new TextDecoder().decode((await log.read('vkey'))!)).toBe(`${log.vkey}\n`)
    expect((await log.read('tile/0/000'))?.length).toBe(8192)
    expect((await log.read('tile/0/001.p/45'))?.length).toBe(45 * 32)
    expect(await log.read('tile/entries/000')).not.toBeNull()
    for (const path of [
      'secret',
      '../keys/evidence.json',
      'tile/../secret',
      'tile/0/000/../../../secret',
      '',
      '.',
      'intent-0',
      'tile/0',
      'tile/0/1',
      '/checkpoint',
      'tile/0/000\0',
    ]) {
      expect(await log.read(path), path).toBeNull()
    }
    await log.close()
  })

  test('keeps the private key to its owner', async () => {
    const log = await open()
    const files = await readdir(folder, { recursive: true, withFileTypes: true })
    const secret = (JSON.parse(await readFile(keyFile, 'utf8')) as { privateKey: string }).privateKey
    for (const file of files.filter((entry) => entry.isFile())) {
      expect(await readFile(join(file.parentPath, file.name), 'utf8')).not.toContain(secret)
    }
    await log.close()
  })
})
