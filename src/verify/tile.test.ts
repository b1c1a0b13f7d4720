import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concatBytes, utf8 } from '../kernel/index.ts'
import { createHashTree } from './hash-tree.ts'
import { hashLeaf } from './merkle.ts'
import {
  bundlesOf,
  formatBundle,
  parseBundle,
  parseTilePath,
  tileHashReader,
  tilePath,
  tilesOf,
  tileWidth,
} from './tile.ts'
import { createTileEdge } from './tile-edge.ts'

describe('paths (C2SP tlog-tiles)', () => {
  test.each([
    [{ level: 0, index: 0, width: 256 }, 'tile/0/000'],
    [{ level: 0, index: 1234067, width: 256 }, 'tile/0/x001/x234/067'],
    [{ level: 1, index: 999, width: 1 }, 'tile/1/999.p/1'],
    [{ level: 63, index: 1000, width: 255 }, 'tile/63/x001/000.p/255'],
    [{ level: 'entries', index: 5, width: 17 }, 'tile/entries/005.p/17'],
  ] as const)('%j is %s', (tile, path) => {
    expect(tilePath(tile)).toBe(path)
    expect(parseTilePath(path)).toEqual(tile)
  })

  test('every tile has one path, and the path is that of the tile', () => {
    const tile = fc.record({
      level: fc.oneof(fc.integer({ min: 0, max: 63 }), fc.constant('entries' as const)),
      index: fc.integer({ min: 0, max: 2 ** 50 }),
      width: fc.integer({ min: 1, max: 256 }),
    })
    fc.assert(
      fc.property(tile, (any) => {
        expect(parseTilePath(tilePath(any))).toEqual(any)
      }),
    )
  })

  test.each([
    ...[
      'tile/00/000',
      'tile/64/000',
      'tile/-1/000',
      'tile/0/0',
      'tile/0/0000',
      'tile/0/x000/000',
      'tile/0/000.p/0',
      'tile/0/000.p/256',
    ],
    ...[
      'tile/0/000.p/01',
      'tile/0/000.p/',
      'tile/0/x001',
      'tile/0/001/x000',
      'tile/data/000',
      'tile/0/000/',
      '/tile/0/000',
      'tile/0/000\n',
    ],
    ...['tile/0/../000', 'tile/0/00a', 'tile/0/x999/x999/x999/x999/x999/x999/999', '', 'checkpoint'],
  ])('refuses %j', (path) => expect(parseTilePath(path)).toBeNull())

  test('whatever text comes, it is refused or is the path of a tile', () => {
    const nearly = fc.string({
      unit: fc.constantFrom('tile/', 'entries/', '0', '1', '256', 'x001/', '000', '.p/', '/', '..'),
      maxLength: 8,
    })
    fc.assert(
      fc.property(nearly, (path) => {
        const tile = parseTilePath(path)
        if (tile) expect(tilePath(tile)).toBe(path)
      }),
    )
  })
})

describe('which tiles a tree has', () => {
  test('the example of the specification: 70,000 entries', () => {
    const tiles = tilesOf(70_000)
    const count = (level: number, full: boolean): number =>
      tiles.filter((tile) => tile.level === level && (tile.width === 256) === full).length
    expect([count(0, true), count(0, false), count(1, true), count(1, false), count(2, false)]).toEqual([
      273, 1, 1, 1, 1,
    ])
    expect(tiles.filter((tile) => tile.width < 256).map((tile) => tile.width)).toEqual([112, 17, 1])
    expect(bundlesOf(70_000)).toHaveLength(274)
  })

  test('a tree of 256 entries is a full tile and one hash above it; an empty one has none', () => {
    expect(tilesOf(256).map(tilePath)).toEqual(['tile/0/000', 'tile/1/000.p/1'])
    expect(tilesOf(0)).toEqual([])
    expect(tileWidth('entries', 1, 256)).toBe(0)
  })
})

test('an edge emits exactly the tiles that its tree has, and they answer for every subtree', async () => {
  const size = 66_000
  const tree = createHashTree()
  const edge = createTileEdge()
  const files = new Map<string, Uint8Array>()
  const put = ({
    level,
    index,
    hashes,
  }: {
    level: number
    index: number
    hashes: readonly Uint8Array[]
  }): void => {
    files.set(tilePath({ level, index, width: hashes.length }), concatBytes(...hashes))
  }
  for (let i = 0; i < size; i++) {
    const leaf = hashLeaf(utf8(String(i)))
    tree.append(leaf)
    for (const tile of edge.append(leaf)) put(tile)
  }
  for (const tile of edge.partials()) put(tile)
  expect([...files.keys()].toSorted()).toEqual(tilesOf(size).map(tilePath).toSorted())
  const read = tileHashReader(size, async (tile) => files.get(tilePath(tile))!)
  for (let level = 0; level <= 16; level++) {
    const last = Math.floor(size / 2 ** level) - 1
    for (const index of [0, 1, Math.floor(last / 2), last - 1, last].filter((n) => n >= 0 && n <= last)) {
      expect(await read(level, index)).toEqual(tree.read(level, index))
    }
  }
})

test('a tile of the wrong length is refused', async () => {
  const read = tileHashReader(300, async () => new Uint8Array(31))
  await expect(read(0, 299)).rejects.toMatchObject({ code: 'ERR_VERIFY_TILE' })
})

describe('entry bundles', () => {
  const entries = fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 300 })

  test('survive the way there and back', () => {
    fc.assert(
      fc.property(entries, (list) => {
        expect(parseBundle(formatBundle(list), list.length)).toEqual(list)
      }),
    )
  })

  test('any bytes are either refused or the bundle of what they hold', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.integer({ min: 0, max: 5 }), (bytes, width) => {
        let list: Uint8Array[]
        try {
          list = parseBundle(bytes, width)
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_VERIFY_TILE' })
          return
        }
        expect(formatBundle(list)).toEqual(bytes)
      }),
    )
  })

  test('take the longest entry and refuse one byte more', () => {
    const longest = new Uint8Array(65_535)
    expect(parseBundle(formatBundle([longest]), 1)).toEqual([longest])
    expect(() => formatBundle([new Uint8Array(65_536)])).toThrow(
      expect.objectContaining({ code: 'ERR_VERIFY_ENTRY_SIZE' }),
    )
  })

  test('are refused with one entry too many, too few, or cut', () => {
    const bundle = formatBundle([utf8('a'), utf8('bc')])
    for (const attempt of [
      () => parseBundle(bundle, 1),
      () => parseBundle(bundle, 3),
      () => parseBundle(bundle.subarray(0, -1), 2),
      () => parseBundle(bundle.subarray(0, 4), 1),
    ]) {
      expect(attempt).toThrow(expect.objectContaining({ code: 'ERR_VERIFY_TILE' }))
    }
  })
})
