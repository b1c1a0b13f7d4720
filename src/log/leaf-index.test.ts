import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { bundlesOf, formatBundle, hashBytes, TILE_WIDTH, tilePath } from '../verify/index.ts'
import { createLogFolder, type LogFolder } from './folder.ts'
import { createLeafIndex } from './leaf-index.ts'

let base: string
let read: string[]
let folder: LogFolder

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'surety-leaf-index-'))
  read = []
  const inner = createLogFolder(base)
  folder = {
    ...inner,
    read(path) {
      read.push(path)
      return inner.read(path)
    },
  }
})
afterEach(() => rm(base, { recursive: true, force: true }))

const leafOf = (i: number): Uint8Array => hashBytes(Uint8Array.of(i >> 16, i >> 8, i))

async function publish(leaves: readonly Uint8Array[]): Promise<void> {
  for (const bundle of bundlesOf(leaves.length)) {
    const start = bundle.index * TILE_WIDTH
    await folder.put(tilePath(bundle), formatBundle(leaves.slice(start, start + bundle.width)))
  }
}

test('finds every leaf at its place in a log that grows, and no other', async () => {
  const index = createLeafIndex(folder)
  for (const size of [1, 255, 256, 257, 1_500, 3_000]) {
    const leaves = Array.from({ length: size }, (_, i) => leafOf(i))
    await publish(leaves)
    for (const [i, leaf] of leaves.entries()) expect(await index.find(leaf, size)).toEqual([i])
    expect(await index.find(leafOf(size), size)).toEqual([])
  }
})

test('reads each full bundle once, whatever is asked', async () => {
  await publish(Array.from({ length: 1_000 }, (_, i) => leafOf(i)))
  const index = createLeafIndex(folder)
  await Promise.all([0, 500, 999, 5].map((i) => index.find(leafOf(i), 1_000)))
  await index.find(leafOf(7), 1_000)
  expect(read.filter((path) => path === 'tile/entries/000')).toHaveLength(1)
})

test('finds all places of a leaf, the newest first, and none beyond the size asked for', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 300 }),
      async (kinds) => {
        await publish(kinds.map(leafOf))
        const index = createLeafIndex(folder)
        await index.find(leafOf(0), kinds.length)
        const size = Math.ceil(kinds.length / 2)
        const expected = kinds.flatMap((kind, i) => (kind === 3 && i < size ? [i] : [])).toReversed()
        expect(await index.find(leafOf(3), size)).toEqual(expected)
        await rm(base, { recursive: true, force: true })
      },
    ),
    { numRuns: 20 },
  )
})
