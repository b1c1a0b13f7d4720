import { describe, expect, it } from 'vitest'
import { findCycles } from '../../scripts/gates/imports.ts'
import { roomOf, ROOMS, rooms } from '../../scripts/gates/rooms.ts'
import { findingsOf } from './planted-tree.ts'

const GOOD = {
  'src/kernel/index.ts': "export * from './clock.ts'\n",
  'src/kernel/clock.ts': 'export const a = 1\n',
  'src/verify/index.ts': "export * from '../kernel/index.ts'\n",
  'src/log/index.ts': "import { a } from '../kernel/index.ts'\nimport 'node:fs'\nexport { a }\n",
  'src/identity/index.ts': 'export const b = 1\n',
  'src/guard/index.ts': 'export const c = 1\n',
  'src/surety.ts': "export { b } from './identity/index.ts'\n",
  'examples/shop/src/app.ts': "import 'surety'\n",
}

const VIOLATIONS: readonly (readonly [string, Record<string, string>, RegExp])[] = [
  [
    'an import against the order',
    { 'src/kernel/x.ts': "import '../log/index.ts'\n" },
    /x\.ts:1: kernel must not import log/,
  ],
  [
    'a type import against the order',
    { 'src/verify/x.ts': "import type { a } from '../log/index.ts'\n" },
    /verify must not import log/,
  ],
  [
    'an inline type import',
    { 'src/verify/x.ts': "export type A = import('../log/index.ts').A\n" },
    /verify must not import log/,
  ],
  [
    'a re-export against the order',
    { 'src/kernel/x.ts': "\nexport * from '../log/index.ts'\n" },
    /x\.ts:2: kernel must not import log/,
  ],
  [
    'a dynamic import against the order',
    { 'src/log/x.ts': "export const x = () => import('../surety.ts')\n" },
    /log must not import composition/,
  ],
  [
    'a test against the order',
    { 'src/kernel/x.test.ts': "import '../log/index.ts'\n" },
    /kernel must not import log/,
  ],
  [
    'capabilities that know each other',
    { 'src/guard/x.ts': "import '../identity/index.ts'\n" },
    /these capabilities stand apart/,
  ],
  [
    'a way round the index',
    { 'src/log/x.ts': "import '../kernel/clock.ts'\n" },
    /through \.\.\/kernel\/index\.ts/,
  ],
  ['a room nobody declared', { 'src/attic/x.ts': "import '../kernel/index.ts'\n" }, /attic is no room/],
  [
    'node: in a browser-safe room',
    { 'src/verify/x.ts': "import 'node:crypto'\n" },
    /verify runs in browsers/,
  ],
  ['a package in the kernel', { 'src/kernel/x.ts': "import 'zod'\n" }, /kernel runs in browsers/],
  ['an undeclared package', { 'src/log/x.ts': "import 'vitest'\n" }, /vitest is not among/],
  [
    'an example that reaches into the sources',
    { 'examples/shop/src/x.ts': "import '../../../src/surety.ts'\n" },
    /imports "surety", never its sources/,
  ],
  [
    'a source that reaches outside',
    { 'src/log/x.ts': "import '../../test/x.ts'\n", 'test/x.ts': '' },
    /imports nothing outside src/,
  ],
  [
    'a source that imports a test',
    { 'src/log/x.ts': "import './y.test.ts'\n", 'src/log/y.test.ts': '' },
    /imports no test/,
  ],
  ['a file that does not exist', { 'src/log/x.ts': "import './gone.ts'\n" }, /gone\.ts does not exist/],
  [
    'a cycle',
    { 'src/log/x.ts': "import './y.ts'\n", 'src/log/y.ts': "import './x.ts'\n" },
    /import cycle: src\/log\/x\.ts → src\/log\/y\.ts/,
  ],
]

describe('the gate of the rooms', () => {
  it('passes a tree that keeps the order', async () => {
    expect(await findingsOf(rooms, GOOD)).toEqual([])
  })

  it("lets tests and their support use another room's test support", async () => {
    const files = {
      'src/database/testing.ts': "import 'node:fs'\n",
      'src/store/testing.ts': "import '../database/testing.ts'\n",
      'src/store/x.test.ts': "import '../database/testing.ts'\n",
    }
    expect(await findingsOf(rooms, { ...GOOD, ...files })).toEqual([])
  })

  it('finds a source that imports test support', async () => {
    const files = { 'src/database/testing.ts': '', 'src/store/x.ts': "import '../database/testing.ts'\n" }
    expect((await findingsOf(rooms, { ...GOOD, ...files })).join()).toMatch(/only tests import/)
  })

  it('passes a cycle that exists in types only', async () => {
    const files = {
      'src/log/x.ts': "import type { Y } from './y.ts'\nexport type X = Y\n",
      'src/log/y.ts': "import './x.ts'\nexport type Y = 1\n",
    }
    expect(await findingsOf(rooms, { ...GOOD, ...files })).toEqual([])
  })

  for (const [what, files, finding] of VIOLATIONS) {
    it(`finds ${what}`, async () => {
      expect((await findingsOf(rooms, { ...GOOD, ...files })).join('\n')).toMatch(finding)
    })
  }

  it('does not pass over a file that it cannot parse', async () => {
    expect((await findingsOf(rooms, { ...GOOD, 'src/log/x.ts': 'import {' })).join('\n')).toMatch(
      /gate itself failed/,
    )
  })

  it('knows the room of each place in src', () => {
    expect(roomOf('src/surety.ts')).toBe('composition')
    expect(roomOf('src/log/tile/path.ts')).toBe('log')
    expect(roomOf('test/e2e/x.ts')).toBeUndefined()
    expect(new Set(ROOMS).size).toBe(ROOMS.length)
  })
})

describe('findCycles', () => {
  it('finds each cycle once and nothing else', () => {
    const graph = new Map([
      ['a', ['b']],
      ['b', ['c', 'd']],
      ['c', ['a']],
      ['d', ['e']],
      ['e', ['e']],
      ['f', ['a', 'd']],
    ])
    expect(findCycles(graph).map((cycle) => cycle.sort())).toEqual([['e'], ['a', 'b', 'c']])
  })
})
