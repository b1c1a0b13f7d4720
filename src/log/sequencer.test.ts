import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { inTransaction } from '../database/index.ts'
import { startTestDatabase } from '../database/testing.ts'
import type { TestDatabase } from '../database/testing.ts'
import { fromUtf8, manualClock, toBase64, utf8 } from '../kernel/index.ts'
import { createHashTree, formatCheckpoint, hashLeaf, signNote } from '../verify/index.ts'
import type { NoteSigner } from '../verify/index.ts'
import { createLogFolder } from './folder.ts'
import type { LogFolder } from './folder.ts'
import { logMigrations, openLogSigner } from './index.ts'
import { readLeaves, readPublished, scanFolder } from './published.ts'
import { enqueue } from './queue.ts'
import { Sequencer } from './sequencer.ts'
import type { LeafFormat, TickOutcome } from './sequencer.ts'

const ORIGIN = 'test.example/log'
const clock = manualClock(1_000)

/** Leaves `id|time|body`, so that what was logged can be read off. */
const leaves: LeafFormat = {
  stamp: (id, body, atMs) => [utf8(`${id}|${atMs}|${fromUtf8(body)}`)],
  idOf: (leaf) => fromUtf8(leaf).split('|')[0]!,
  timeOf: (leaf) => Number(fromUtf8(leaf).split('|')[1]),
}

let database: TestDatabase
let base: string
let root: string
let signer: NoteSigner
let signed: { size: number; rootHash: string }[]

beforeAll(async () => {
  database = await startTestDatabase({ migrations: [logMigrations] })
})
afterAll(async () => database.close())
beforeEach(async () => {
  await database.owner.query('truncate surety.log_queue, surety.log_state')
  base = await mkdtemp(join(tmpdir(), 'surety-sequencer-'))
  root = join(base, 'log')
  signed = []
  signer = watchful(await openLogSigner(join(base, 'key'), ORIGIN))
  return () => rm(base, { recursive: true, force: true })
})

/** A signer that remembers everything it ever signed, published or not. */
function watchful(inner: NoteSigner): NoteSigner {
  return {
    key: inner.key,
    sign(bytes) {
      const [, size, rootHash] = fromUtf8(bytes).split('\n')
      if (rootHash) signed.push({ size: Number(size), rootHash: rootHash! })
      return inner.sign(bytes)
    },
  }
}

/** Everything ever signed must be a state that the published log went through. */
async function expectOneHistory(): Promise<void> {
  const folder = createLogFolder(root)
  const tree = createHashTree()
  const checkpoint = await readPublished(folder, signer.key)
  for (const leaf of await readLeaves(folder, 0, checkpoint?.size ?? 0)) tree.append(hashLeaf(leaf))
  for (const { size, rootHash } of signed) expect(toBase64(tree.root(size)), `size ${size}`).toBe(rootHash)
}

function createSequencer(folder: LogFolder = createLogFolder(root), withSigner = signer): Sequencer {
  return new Sequencer({ name: 'test', folder, signer: withSigner, leaves, clock, maxBatch: 100 })
}

const tick = (sequencer: Sequencer): Promise<TickOutcome> =>
  inTransaction(database.owner, (connection) => sequencer.tick(connection))

async function queue(from: number, count: number): Promise<void> {
  const entries = Array.from({ length: count }, (_, i) => ({
    id: `id-${from + i}`,
    body: utf8(`${from + i}`),
  }))
  await inTransaction(database.owner, (connection) => enqueue(connection, 'test', entries))
}

async function publish(sequencer = createSequencer()): Promise<void> {
  while ((await tick(sequencer)) === 'published') clock.advance(1)
  await sequencer.settle()
}

async function publishedIds(): Promise<string[]> {
  const folder = createLogFolder(root)
  const checkpoint = await readPublished(folder, signer.key)
  await scanFolder(folder, checkpoint)
  return (await readLeaves(folder, 0, checkpoint?.size ?? 0)).map(leaves.idOf)
}

const ids = (count: number): string[] => Array.from({ length: count }, (_, i) => `id-${i}`)

class Crash extends Error {}

/** A folder whose process dies at its `at`-th change: before it, or right after it took effect. */
function crashingFolder(at: number, when: 'before' | 'after'): LogFolder {
  const inner = createLogFolder(root)
  let changes = 0
  const dying =
    <Args extends unknown[], Result>(change: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      changes += 1
      if (changes > at || (changes === at && when === 'before')) throw new Crash()
      const result = await change(...args)
      if (changes >= at) throw new Crash()
      return result
    }
  return {
    ...inner,
    write: dying(inner.write),
    put: dying(inner.put),
    sync: dying(inner.sync),
    claim: dying(inner.claim),
    remove: dying(inner.remove),
  }
}

/** A folder on a disk that keeps what it must, and of the rest what chance decides when the power goes. */
function forgetfulFolder(): { folder: LogFolder; losePower(): Promise<number> } {
  const inner = createLogFolder(root)
  const uncertain = new Map<string, Uint8Array | null>()
  const put: LogFolder['put'] = async (path, bytes) => {
    if (!uncertain.has(path)) uncertain.set(path, await inner.read(path))
    await inner.put(path, bytes)
  }
  const remove: LogFolder['remove'] = async (path) => {
    if (path.startsWith('intent-')) uncertain.set(path, await inner.read(path))
    await inner.remove(path)
  }
  const sync: LogFolder['sync'] = async (paths) => {
    await inner.sync(paths)
    for (const path of paths) uncertain.delete(path)
  }
  return {
    folder: { ...inner, put, remove, sync },
    async losePower() {
      let forgotten = 0
      for (const [path, before] of uncertain) {
        const now = await inner.read(path)
        const half = now && Math.random() < 0.5 ? now.subarray(0, now.length / 2) : before
        if (Math.random() < 0.5) continue
        forgotten += 1
        if (half === null) await inner.remove(path)
        else await inner.put(path, half)
      }
      return forgotten
    },
  }
}

describe('a crash', () => {
  test('at any change of the folder loses nothing, doubles nothing and never signs two histories', async () => {
    let crashes = 0
    for (const when of ['before', 'after'] as const) {
      for (let at = 1; ; at++) {
        await database.owner.query('truncate surety.log_queue, surety.log_state')
        await rm(root, { recursive: true, force: true })
        signed = []
        await queue(0, 250)
        await publish()
        await queue(250, 20)
        const dying = createSequencer(crashingFolder(at, when))
        const outcome = await publish(dying).catch((error: unknown) => error)
        if (!(outcome instanceof Crash)) break
        crashes += 1
        clock.advance(5_000)
        await queue(270, 5)
        await publish()
        expect(await publishedIds(), `crash ${when} change ${at}`).toEqual(ids(275))
        await expectOneHistory()
      }
    }
    expect(crashes).toBeGreaterThan(12)
  })

  test('of the machine, whatever the disk forgot, tore or brought back, loses nothing either', async () => {
    let forgotten = 0
    for (let round = 0; round < 40; round++) {
      await database.owner.query('truncate surety.log_queue, surety.log_state')
      await rm(root, { recursive: true, force: true })
      signed = []
      const disk = forgetfulFolder()
      const running = createSequencer(disk.folder)
      let count = 0
      for (let step = 0; step < 6; step++) {
        const more = 1 + Math.floor(Math.random() * 90)
        await queue(count, more)
        count += more
        await tick(running)
        if (Math.random() < 0.3) await running.settle()
      }
      forgotten += await disk.losePower()
      clock.advance(5_000)
      await publish()
      expect(await publishedIds()).toEqual(ids(count))
      await expectOneHistory()
      expect((await createLogFolder(root).names()).toSorted()).toEqual(['checkpoint', 'tile', 'vkey'])
    }
    expect(forgotten).toBeGreaterThan(100)
  })

  test('of the machine while it decides leaves half a decision, from which nothing followed', async () => {
    await queue(0, 10)
    await publish()
    await queue(10, 5)
    const inner = createLogFolder(root)
    for (const part of [0, 0.2, 0.9, 0.999]) {
      const claim: LogFolder['claim'] = async (path, bytes) => {
        await inner.put(path, bytes.subarray(0, bytes.length * part))
        throw new Crash()
      }
      await expect(tick(createSequencer({ ...inner, claim }))).rejects.toBeInstanceOf(Crash)
    }
    await publish()
    expect(await publishedIds()).toEqual(ids(15))
    await expectOneHistory()
  })

  test('before a decision is known to be on the disk has it written once more, and signs only then', async () => {
    const inner = createLogFolder(root)
    const changes: string[] = []
    const sequencer = createSequencer({
      ...inner,
      async claim(path, bytes) {
        await inner.claim(path, bytes)
        throw new Error('EIO')
      },
      async write(path, bytes) {
        changes.push(`write ${path}`)
        await inner.write(path, bytes)
      },
      async put(path, bytes) {
        if (path === 'checkpoint') changes.push('put checkpoint')
        await inner.put(path, bytes)
      },
    })
    await queue(0, 10)
    await expect(tick(sequencer)).rejects.toThrow('EIO')
    expect(signed).toEqual([])
    await tick(sequencer)
    expect(changes).toEqual(['write vkey', 'write intent-0', 'put checkpoint'])
    expect(await publishedIds()).toEqual(ids(10))
  })

  test('whose tiles the disk refused has them written once more, from the intents', async () => {
    const inner = createLogFolder(root)
    let refusing = true
    const sync: LogFolder['sync'] = async (paths) => {
      if (!refusing || paths.length === 0) return inner.sync(paths)
      // As a disk does: it says so once, and afterwards holds something else.
      for (const path of paths) await writeFile(join(root, path), 'lost')
      refusing = false
      throw new Error('EIO')
    }
    const sequencer = createSequencer({ ...inner, sync })
    await queue(0, 300)
    await tick(sequencer)
    await expect(sequencer.settle()).rejects.toThrow('EIO')
    await queue(300, 5)
    await publish(sequencer)
    expect(await publishedIds()).toEqual(ids(305))
  })

  test('between publishing and the commit doubles nothing', async () => {
    await queue(0, 5)
    const lost = inTransaction(database.owner, async (connection) => {
      await createSequencer().tick(connection)
      throw new Crash()
    })
    await expect(lost).rejects.toBeInstanceOf(Crash)
    expect(await publishedIds()).toEqual(ids(5))
    await queue(5, 5)
    await publish()
    expect(await publishedIds()).toEqual(ids(10))
  })

  test('of the commit alone is healed by the same process too', async () => {
    const sequencer = createSequencer()
    await queue(0, 5)
    const lost = inTransaction(database.owner, async (connection) => {
      await sequencer.tick(connection)
      throw new Crash()
    })
    await expect(lost).rejects.toBeInstanceOf(Crash)
    await queue(5, 5)
    await publish(sequencer)
    expect(await publishedIds()).toEqual(ids(10))
  })

  test('leaves half-written files that the next start removes', async () => {
    await queue(0, 3)
    await publish()
    await writeFile(join(root, 'tile', '.tmp-0011223344556677'), 'half')
    await publish()
    await expect(readFile(join(root, 'tile', '.tmp-0011223344556677'))).rejects.toMatchObject({
      code: 'ENOENT',
    })
  })
})

describe('a start', () => {
  beforeEach(async () => {
    await queue(0, 300)
    await publish()
  })

  test('refuses a folder that lies behind the database: the tail was cut', async () => {
    await cp(root, join(base, 'earlier'), { recursive: true })
    await queue(300, 10)
    await publish()
    await rm(root, { recursive: true })
    await cp(join(base, 'earlier'), root, { recursive: true })
    await expect(tick(createSequencer())).rejects.toMatchObject({ code: 'ERR_LOG_FOLDER_BEHIND' })
  })

  test('refuses a folder that is gone', async () => {
    await rm(root, { recursive: true })
    await expect(tick(createSequencer())).rejects.toMatchObject({ code: 'ERR_LOG_FOLDER_BEHIND' })
  })

  test.each([
    'tile/0/000',
    'tile/0/001.p/44',
    'tile/1/000.p/1',
    'tile/entries/000',
    'tile/entries/001.p/44',
    'checkpoint',
  ])('refuses a flipped bit in %s', async (path) => {
    const bytes = await readFile(join(root, path))
    bytes[bytes.length - 5]! ^= 1
    await writeFile(join(root, path), bytes)
    await expect(tick(createSequencer())).rejects.toMatchObject({ code: 'ERR_LOG_TAMPERED' })
  })

  test('refuses a history that the database did not publish, though this very key signed it', async () => {
    const { rows } = await database.owner.query('select * from surety.log_state')
    await database.owner.query('truncate surety.log_state')
    await rm(root, { recursive: true })
    signed = []
    await queue(1000, 301)
    await publish()
    await database.owner.query('update surety.log_state set size = $1, root = $2', [
      rows[0].size,
      rows[0].root,
    ])
    await expect(tick(createSequencer())).rejects.toMatchObject({ code: 'ERR_LOG_FORK' })
  })

  test('refuses a checkpoint that is none of the history which the intents lead to', async () => {
    await queue(300, 10)
    await tick(createSequencer())
    await database.owner.query('truncate surety.log_state')
    const other = { origin: ORIGIN, size: 300, rootHash: new Uint8Array(32) }
    await writeFile(join(root, 'checkpoint'), await signNote(formatCheckpoint(other), signer))
    await expect(tick(createSequencer())).rejects.toMatchObject({ code: 'ERR_LOG_TAMPERED' })
  })

  test('refuses another key and another origin', async () => {
    const otherKey = await openLogSigner(join(base, 'other-key'), ORIGIN)
    await expect(tick(createSequencer(undefined, otherKey))).rejects.toMatchObject({ code: 'ERR_LOG_KEY' })
    const otherOrigin = await openLogSigner(join(base, 'other-origin'), 'else.example/log')
    await expect(tick(createSequencer(undefined, otherOrigin))).rejects.toMatchObject({
      code: 'ERR_LOG_ORIGIN',
    })
  })

  test('goes on from the newest checkpoint when the database was restored from a backup', async () => {
    const { rows } = await database.owner.query('select * from surety.log_state')
    await queue(300, 20)
    await publish()
    await database.owner.query('update surety.log_state set size = $1, root = $2', [
      rows[0].size,
      rows[0].root,
    ])
    await queue(300, 25)
    await publish()
    expect(await publishedIds()).toEqual(ids(325))
  })

  test('goes on from the folder when the database was lost', async () => {
    await database.owner.query('truncate surety.log_queue, surety.log_state')
    await queue(300, 5)
    await publish()
    expect(await publishedIds()).toEqual(ids(305))
  })
})

test('a row that something else wrote stops the log loudly and is not dropped', async () => {
  await queue(0, 1)
  await database.owner.query(
    "insert into surety.log_queue (log, entry_id, body) values ('test', 'bad', '\\xff')",
  )
  await expect(tick(createSequencer())).rejects.toMatchObject({ code: 'ERR_LOG_QUEUE' })
  const { rows } = await database.owner.query('select entry_id from surety.log_queue order by seq')
  expect(rows.map((row: { entry_id: string }) => row.entry_id)).toEqual(['id-0', 'bad'])
})

test('a second process waits its turn while one publishes', async () => {
  await queue(0, 1)
  await inTransaction(database.owner, async (connection) => {
    expect(await createSequencer().tick(connection)).toBe('published')
    expect(await tick(createSequencer())).toBe('busy')
  })
})

test('partial tiles disappear once the tile after theirs is full, never those a checkpoint needs', async () => {
  const folder = createLogFolder(root)
  await queue(0, 100)
  await publish()
  expect(await folder.read('tile/0/000.p/100')).not.toBeNull()
  await queue(100, 200)
  await publish()
  expect(await folder.read('tile/0/000.p/100')).not.toBeNull()
  await queue(300, 300)
  await publish()
  expect(await folder.read('tile/0/000.p/100')).toBeNull()
  expect(await folder.read('tile/entries/000.p/100')).toBeNull()
  expect(await publishedIds()).toEqual(ids(600))
})
