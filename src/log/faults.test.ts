import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { inTransaction, silentLogger } from '../database/index.ts'
import { startTestDatabase } from '../database/testing.ts'
import type { TestDatabase } from '../database/testing.ts'
import { canonicalBytes, createId, systemClock, toBase64, utf8 } from '../kernel/index.ts'
import { createHashTree, formatBundle, hashLeaf } from '../verify/index.ts'
import type { EvidenceBody, NoteSigner } from '../verify/index.ts'
import { createLogFolder } from './folder.ts'
import type { LogFolder } from './folder.ts'
import { formatIntent } from './intent.ts'
import { logMigrations, openEvidenceLog, openLogSigner } from './index.ts'
import type { EvidenceLog } from './index.ts'
import { readLeaves, readPublished, scanFolder } from './published.ts'
import { enqueue, takeTurn } from './queue.ts'
import { Sequencer } from './sequencer.ts'
import type { LeafFormat } from './sequencer.ts'
import { APPEND_FOR_EVER } from './testing/append-for-ever.ts'
import { LogProcesses } from './testing/log-processes.ts'

const ORIGIN = 'test.example/evidence'

let database: TestDatabase
let base: string
let folder: string
let keyFile: string

beforeAll(async () => {
  database = await startTestDatabase({ migrations: [logMigrations] })
})
afterAll(async () => database.close())
beforeEach(async () => {
  await database.owner.query('truncate surety.log_queue, surety.log_state')
  base = await mkdtemp(join(tmpdir(), 'surety-faults-'))
  folder = join(base, 'log')
  keyFile = join(base, 'keys', 'evidence.json')
  return () => rm(base, { recursive: true, force: true })
})

async function open(signer?: NoteSigner): Promise<EvidenceLog> {
  return openEvidenceLog({
    ...{ origin: ORIGIN, folder, clock: systemClock, logger: silentLogger },
    transaction: (work) => inTransaction(database.owner, work),
    access: { mode: 'sequence', signer: signer ?? (await openLogSigner(keyFile, ORIGIN)) },
  })
}

const withdrawn = (name: string): EvidenceBody => ({ kind: 'promise.withdrawn', key: `test.${name}` })

describe('processes killed with SIGKILL, thirty times, two publishing at once', () => {
  test('lose no acknowledged entry, double none and sign one history', async () => {
    const name = database.databaseName.replace(/^surety_/, '')
    const appenders = new LogProcesses(APPEND_FOR_EVER, {
      ...{ dataDir: database.dataDir, name, folder, keyFile, origin: ORIGIN },
      providerFolder: join(base, 'provider'),
    })
    const running = [await appenders.start(), await appenders.start()]
    for (let round = 0; round < 30; round++) {
      await sleep(Math.random() * 250)
      const slot = round % 2
      await appenders.kill(running[slot]!)
      running[slot] = await appenders.start()
    }
    await Promise.all(running.map((process) => appenders.kill(process)))
    await sleep(100)
    expect(appenders.errors).toEqual([])

    const log = await open()
    await log.flush({ timeoutMs: 60_000 })
    const ids = (await log.entries()).map(({ id }) => id)
    await log.close()
    expect(appenders.acknowledged.length).toBeGreaterThan(500)
    expect(new Set(ids).size).toBe(ids.length)
    const known = new Set(ids)
    expect(appenders.acknowledged.filter((id) => !known.has(id))).toEqual([])

    const port = createLogFolder(folder)
    const signer = await openLogSigner(keyFile, ORIGIN)
    const published = await readPublished(port, signer.key)
    await scanFolder(port, published)
    const tree = createHashTree()
    for (const leaf of await readLeaves(port, 0, published!.size)) tree.append(hashLeaf(leaf))
    expect(appenders.signed.length).toBeGreaterThan(40)
    for (const { size, root } of appenders.signed)
      expect(toBase64(tree.root(size)), `size ${size}`).toBe(root)
    expect((await port.names()).toSorted()).toEqual(['checkpoint', 'tile', 'vkey'])
  }, 420_000)
})

const leaves: LeafFormat = {
  stamp: (id, body, atMs) => [utf8(`${id}|${atMs}|${Buffer.from(body).toString()}`)],
  idOf: (leaf) => Buffer.from(leaf).toString().split('|')[0]!,
  timeOf: (leaf) => Number(Buffer.from(leaf).toString().split('|')[1]),
}

/** A folder on a disk that is full from its `at`-th change on, until space is made. */
function fillingFolder(at: number): LogFolder & { makeSpace(): void; wasFull(): boolean } {
  const inner = createLogFolder(folder)
  let changes = 0
  let full = true
  let hit = false
  const limited =
    <Args extends unknown[], Result>(change: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      if (full && ++changes >= at) {
        hit = true
        throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
      }
      return change(...args)
    }
  return {
    ...inner,
    write: limited(inner.write),
    put: limited(inner.put),
    claim: limited(inner.claim),
    makeSpace: () => (full = false),
    wasFull: () => hit,
  }
}

test('a disk that fills up at any write stops the log; it goes on, whole, when there is space', async () => {
  const signer = await openLogSigner(keyFile, ORIGIN)
  const queue = (from: number, count: number): Promise<void> => {
    const entries = Array.from({ length: count }, (_, i) => ({ id: `id-${from + i}`, body: utf8('x') }))
    return inTransaction(database.owner, (connection) => enqueue(connection, 'test', entries))
  }
  let filled = 0
  for (let at = 1; ; at++) {
    await database.owner.query('truncate surety.log_queue, surety.log_state')
    await rm(folder, { recursive: true, force: true })
    const port = fillingFolder(at)
    const sequencer = new Sequencer({ name: 'test', folder: port, signer, leaves, clock: systemClock })
    const tick = () => inTransaction(database.owner, (connection) => sequencer.tick(connection))
    await queue(0, 300)
    const outcome = await tick().catch((error: unknown) => error)
    if (!port.wasFull()) break
    filled += 1
    expect(outcome).toMatchObject({ code: 'ENOSPC' })
    await expect(tick()).rejects.toMatchObject({ code: 'ENOSPC' })
    port.makeSpace()
    await queue(300, 5)
    while ((await tick()) === 'published');
    const published = await readPublished(port, signer.key)
    await scanFolder(port, published)
    const ids = (await readLeaves(port, 0, published!.size)).map(leaves.idOf)
    expect(ids, `full at change ${at}`).toEqual(Array.from({ length: 305 }, (_, i) => `id-${i}`))
  }
  expect(filled).toBeGreaterThan(5)
})

describe('someone who can write to the log folder, and has no key', () => {
  const forged = (): Uint8Array =>
    canonicalBytes({
      ...withdrawn('never-said'),
      v: 1,
      id: createId(systemClock),
      at: new Date().toISOString(),
    })

  test('cannot plant what the log says next, at a start or while it runs', async () => {
    const log = await open()
    await log.append([withdrawn('first')])
    await log.flush()
    const real = await openLogSigner(keyFile, ORIGIN)
    const port = createLogFolder(folder)
    const { size } = (await readPublished(port, real.key))!
    const tree = createHashTree()
    for (const leaf of await readLeaves(port, 0, size)) tree.append(hashLeaf(leaf))
    const leaf = forged()
    tree.append(hashLeaf(leaf))
    const thief = await openLogSigner(join(base, 'thief', 'key.json'), ORIGIN)
    const intent = { origin: ORIGIN, from: size, leaves: [leaf], rootHash: tree.root() }
    const head = `${JSON.stringify({ format: 1, origin: ORIGIN, from: size, count: 1, root: toBase64(tree.root()) })}\n`
    for (const planted of [
      await formatIntent(intent, thief),
      Buffer.concat([utf8(head), formatBundle([leaf])]),
    ]) {
      await writeFile(join(folder, `intent-${size}`), planted)
      await log.append([withdrawn('second')])
      await expect(log.flush()).rejects.toMatchObject({ code: 'ERR_LOG_TAMPERED' })
      // A start that meets the running log's tick leaves that its turn, and looks at nothing.
      const opening = async (): Promise<unknown> =>
        open().then(
          async (opened) => opened.close(),
          (error: { code?: unknown }) => error.code,
        )
      await expect.poll(opening).toBe('ERR_LOG_TAMPERED')
    }
    await port.remove(`intent-${size}`)
    await log.close()
    const mended = await open()
    await mended.flush()
    const keys = (await mended.entries()).map((entry) => ('key' in entry ? entry.key : ''))
    expect(keys).toEqual(['', 'test.first', 'test.second', 'test.second'])
    await mended.close()
  })

  describe('and while another process has its turn at publishing', () => {
    /** Plants a checkpoint that the log never signed, and has the turn until let go. */
    async function holdTurn(): Promise<() => Promise<void>> {
      const log = await open()
      await log.flush()
      await log.close()
      await writeFile(join(folder, 'checkpoint'), 'not a checkpoint')
      const { promise: over, resolve } = Promise.withResolvers<void>()
      const { promise: taken, resolve: take } = Promise.withResolvers<void>()
      const turn = inTransaction(database.owner, async (connection) => {
        expect(await takeTurn(connection, 'evidence', 1, true)).toMatchObject({ taken: true })
        take()
        await over
      })
      await taken
      return async () => {
        resolve()
        await turn
      }
    }

    test('a start waits for its own, and refuses what was planted', async () => {
      const letGo = await holdTurn()
      const opening = open().catch((error: unknown) => error)
      await sleep(300)
      await letGo()
      expect(await opening).toMatchObject({ code: 'ERR_LOG_TAMPERED' })
    })

    test('a start that cannot wait says so at its first turn, and signs nothing', async () => {
      const letGo = await holdTurn()
      const log = await open()
      expect(log.failure()).toBeNull()
      await letGo()
      await expect.poll(() => log.failure()).toMatchObject({ code: 'ERR_LOG_TAMPERED' })
      expect(await readFile(join(folder, 'checkpoint'), 'utf8')).toBe('not a checkpoint')
      await log.close()
    })
  })

  test('cannot have another file served for a part of the log', async () => {
    const log = await open()
    await writeFile(join(base, 'secret'), 'secret')
    await symlink(join(base, 'secret'), join(folder, 'other'))
    for (const path of [
      'other',
      '../secret',
      'tile/../../secret',
      'tile/0/000.p/1/../../../../../secret',
      '',
    ])
      expect(await log.read(path), path).toBeNull()
    await log.close()
  })
})

test('a key file that is lost, garbled or of another key starts nothing and signs nothing', async () => {
  const log = await open()
  await log.close()
  const before = await readFile(join(folder, 'checkpoint'), 'utf8')
  const kept = await readFile(keyFile, 'utf8')
  await writeFile(keyFile, kept.replace('"format":1', '"format":9'))
  await expect(open()).rejects.toMatchObject({ code: 'ERR_LOG_KEY_FILE' })
  await rm(keyFile)
  await expect(open()).rejects.toMatchObject({ code: 'ERR_LOG_KEY' })
  expect(await readFile(join(folder, 'checkpoint'), 'utf8')).toBe(before)
  await writeFile(keyFile, kept, { mode: 0o600 })
  await (await open()).close()
})

test('a log folder that cannot be read is an error, never an empty log', async () => {
  const log = await open()
  await log.append([withdrawn('first')])
  await log.flush()
  await log.close()
  // A folder in the checkpoint's place fails for root too, whom permissions do not stop.
  await rm(join(folder, 'checkpoint'))
  await createLogFolder(join(folder, 'checkpoint')).write('x', utf8('x'))
  await expect(open()).rejects.toMatchObject({ code: 'EISDIR' })
  await rm(join(folder, 'checkpoint'), { recursive: true })
  await expect(open()).rejects.toMatchObject({ code: 'ERR_LOG_FOLDER_BEHIND' })
})
