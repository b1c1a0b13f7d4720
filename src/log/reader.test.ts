import { generateKeyPairSync, sign } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { fromUtf8, utf8 } from '../kernel/index.ts'
import {
  createHashTree,
  createVerifierKey,
  formatBundle,
  hashLeaf,
  signNote,
  tilePath,
  tilesOf,
  verifyTlogProof,
} from '../verify/index.ts'
import type { NoteSigner } from '../verify/index.ts'
import { createLogFolder } from './folder.ts'
import type { LogFolder } from './folder.ts'
import { formatIntent, readIntent } from './intent.ts'
import { join as joinHashes } from './published.ts'
import { createLogReader, readServed } from './reader.ts'

let base: string
let folder: LogFolder
const pair = generateKeyPairSync('ed25519')
const publicKey = Buffer.from(pair.publicKey.export({ format: 'jwk' }).x!, 'base64url')
const signer: NoteSigner = {
  key: createVerifierKey('a.example/log', publicKey),
  sign: async (bytes) => sign(null, bytes, pair.privateKey),
}
const code = (name: string): unknown => expect.objectContaining({ code: name })

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'surety-reader-'))
  folder = createLogFolder(base)
  return () => rm(base, { recursive: true, force: true })
})

/** Publishes a log of `size` entries without the sequencer. */
async function publish(size: number, word = 'entry'): Promise<void> {
  const leaves = Array.from({ length: size }, (_, i) => utf8(`${word} ${i}`))
  const tree = createHashTree()
  for (const leaf of leaves) tree.append(hashLeaf(leaf))
  for (const tile of tilesOf(size)) {
    const level = Number(tile.level)
    const hashes = Array.from({ length: tile.width }, (_, i) => tree.read(level * 8, tile.index * 256 + i))
    await folder.write(tilePath(tile), joinHashes(hashes))
    if (level === 0) {
      const entries = leaves.slice(tile.index * 256, tile.index * 256 + tile.width)
      await folder.write(tilePath({ ...tile, level: 'entries' }), formatBundle(entries))
    }
  }
  const text = `a.example/log\n${size}\n${Buffer.from(tree.root()).toString('base64')}\n`
  await folder.write('checkpoint', utf8(await signNote(text, signer)))
}

async function flip(path: string): Promise<void> {
  const bytes = await readFile(join(base, path))
  bytes[bytes.length - 3]! ^= 1
  await writeFile(join(base, path), bytes)
}

describe('reading what is published', () => {
  test('is nothing before the first checkpoint', async () => {
    expect(await createLogReader(folder, signer.key).refresh()).toBeNull()
  })

  test('follows a log that grows, within a bundle and past it', async () => {
    const reader = createLogReader(folder, signer.key)
    for (const size of [1, 2, 255, 256, 257, 600]) {
      await publish(size)
      const at = (await reader.refresh())!
      expect(at.leaves).toHaveLength(size)
      const proof = await reader.proof(at, size - 1)
      expect(await verifyTlogProof(proof, at.leaves[size - 1]!, signer.key)).toMatchObject({
        index: size - 1,
      })
    }
  })

  test('an earlier view stays as it was while the log grows', async () => {
    const reader = createLogReader(folder, signer.key)
    await publish(10)
    const before = (await reader.refresh())!
    await publish(20)
    await reader.refresh()
    expect(before.leaves).toHaveLength(10)
    expect(before.checkpoint.size).toBe(10)
  })

  test('finds the beginning of a full tile where a partial one made way', async () => {
    const reader = createLogReader(folder, signer.key)
    await publish(100)
    const checkpoint = await readFile(join(base, 'checkpoint'))
    await publish(256)
    await writeFile(join(base, 'checkpoint'), checkpoint)
    await folder.remove('tile/0/000.p')
    await folder.remove('tile/entries/000.p')
    const at = (await reader.refresh())!
    expect(at.leaves).toHaveLength(100)
    expect(await verifyTlogProof(await reader.proof(at, 50), at.leaves[50]!, signer.key)).toMatchObject({
      index: 50,
    })
  })

  test('refuses entries, tiles and checkpoints that somebody changed', async () => {
    await publish(300)
    const reader = createLogReader(folder, signer.key)
    const at = (await reader.refresh())!
    await flip('tile/0/001.p/44')
    await expect(reader.proof(at, 298)).rejects.toThrow(code('ERR_LOG_TAMPERED'))
    await flip('tile/entries/000')
    await expect(createLogReader(folder, signer.key).refresh()).rejects.toThrow(code('ERR_LOG_TAMPERED'))
    await flip('checkpoint')
    await expect(reader.refresh()).rejects.toThrow(code('ERR_LOG_TAMPERED'))
  })

  test('refuses a checkpoint that went back, or says otherwise at the same size', async () => {
    await publish(300)
    const reader = createLogReader(folder, signer.key)
    await reader.refresh()
    await publish(299)
    await expect(reader.refresh()).rejects.toThrow(code('ERR_LOG_TAMPERED'))
    await publish(300, 'other')
    await expect(reader.refresh()).rejects.toThrow(code('ERR_LOG_TAMPERED'))
    await publish(301, 'other')
    await expect(reader.refresh()).rejects.toThrow(code('ERR_LOG_TAMPERED'))
  })

  test('goes on once the folder was put right', async () => {
    await publish(300)
    await flip('tile/entries/000')
    const reader = createLogReader(folder, signer.key)
    await expect(reader.refresh()).rejects.toThrow(code('ERR_LOG_TAMPERED'))
    await flip('tile/entries/000')
    expect((await reader.refresh())!.leaves).toHaveLength(300)
  })

  test('serves no path outside the published forms', async () => {
    await publish(3)
    await writeFile(join(base, 'intent-3'), 'x')
    expect(await readServed(base, 'tile/0/000.p/3')).not.toBeNull()
    for (const path of ['intent-3', '../x', 'tile/0/000.p', 'tile/0/000.p/../000.p/3'])
      expect(await readServed(base, path)).toBeNull()
  })
})

describe('the folder', () => {
  test('lets one of several processes claim a name', async () => {
    const claims = await Promise.all(
      Array.from({ length: 8 }, (_, i) => folder.claim('deep/er/name', utf8(`${i}`))),
    )
    expect(claims.filter(Boolean)).toHaveLength(1)
    const winner = claims.indexOf(true)
    expect(await folder.read('deep/er/name')).toEqual(Buffer.from(`${winner}`))
  })

  test('leaves no temporary file behind, whatever happened', async () => {
    await folder.write('a/b', utf8('1'))
    await folder.claim('a/b', utf8('2'))
    await expect(folder.write('a/b/c', utf8('3'))).rejects.toMatchObject({ code: expect.any(String) })
    expect((await readdir(base, { recursive: true })).toSorted()).toEqual(['a', 'a/b'])
  })

  test('has nothing where nothing is', async () => {
    const empty = createLogFolder(join(base, 'missing'))
    expect([await empty.read('a'), await empty.names()]).toEqual([null, []])
    await empty.tidy()
    await empty.remove('a')
  })
})

describe('an intent', () => {
  const intent = {
    origin: 'a.example/log',
    from: 7,
    leaves: [utf8('a'), utf8('b')],
    rootHash: new Uint8Array(32).fill(5),
  }

  test('reads back as written', async () => {
    await folder.claim('intent-7', await formatIntent(intent, signer))
    expect(await readIntent(folder, signer.key, 7)).toMatchObject({ from: 7, rootHash: intent.rootHash })
    expect((await readIntent(folder, signer.key, 7))!.leaves.map(fromUtf8)).toEqual(['a', 'b'])
    expect(await readIntent(folder, signer.key, 8)).toBeNull()
  })

  test('of another log or place, or what is none, is refused, not skipped', async () => {
    const refused = [
      await formatIntent({ ...intent, origin: 'b.example/log' }, signer),
      await formatIntent({ ...intent, from: 6 }, signer),
      utf8('{}\n'),
    ]
    for (const bytes of refused) {
      await folder.write('intent-7', bytes)
      await expect(readIntent(folder, signer.key, 7)).rejects.toThrow(code('ERR_LOG_TAMPERED'))
    }
  })

  test('of which the disk has a part is none, wherever it ends', async () => {
    const whole = await formatIntent(intent, signer)
    for (let length = 0; length < whole.length; length++) {
      for (const rest of [0, whole.length - length]) {
        const bytes = Buffer.concat([whole.subarray(0, length), new Uint8Array(rest)])
        await folder.put('intent-7', bytes)
        expect(await readIntent(folder, signer.key, 7), `${length} bytes, ${rest} zeros`).toBeNull()
      }
    }
  })

  test('that anything was changed in is never taken, whichever byte it is', async () => {
    const whole = await formatIntent(intent, signer)
    for (let at = 0; at < whole.length; at++) {
      const bytes = whole.slice()
      bytes[at]! ^= 1
      await folder.put('intent-7', bytes)
      const taken = await readIntent(folder, signer.key, 7).catch((error: { code: unknown }) => error.code)
      expect([null, 'ERR_LOG_TAMPERED'], `byte ${at}`).toContain(taken)
    }
  })
})
