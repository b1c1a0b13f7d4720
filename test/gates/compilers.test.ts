import { describe, expect, it } from 'vitest'
import { format, lint, types, unused } from '../../scripts/gates/compilers.ts'
import { runGate } from '../../scripts/gates/gate.ts'
import { findingsOf, plantTree } from './planted-tree.ts'

const GOOD = { 'src/surety.ts': 'export const answer: number = 42\n' }

describe('the gate of types', () => {
  it('passes what fits', async () => {
    expect(await findingsOf(types, GOOD)).toEqual([])
  })

  it('finds what does not', async () => {
    const findings = await findingsOf(types, { 'src/x.ts': "\nexport const a: number = 'b'\n" })
    expect(findings.join()).toMatch(/^src\/x\.ts:2: TS2322/)
  })

  it('finds an enum, which Node cannot run', async () => {
    expect((await findingsOf(types, { 'src/x.ts': 'export enum A { b }\n' })).join()).toMatch(/TS1294/)
  })
})

const LINTED: readonly (readonly [string, Record<string, string>, RegExp])[] = [
  ['any', { 'src/x.ts': 'export const a = (b: any) => b\n' }, /x\.ts:1: .*no-explicit-any/],
  [
    'a floating promise',
    { 'src/x.ts': 'const f = async () => 1\nf()\nexport {}\n' },
    /x\.ts:2: .*no-floating-promises/,
  ],
  [
    'a promise as a condition',
    { 'src/x.ts': 'declare const p: Promise<1>\nif (p) console.log()\nexport {}\n' },
    /no-misused-promises/,
  ],
  ['a file of 401 lines', { 'src/x.ts': `${'export {}\n'.repeat(401)}` }, /max-lines/],
  ['a test of 601 lines', { 'src/x.test.ts': `${'export {}\n'.repeat(601)}` }, /max-lines/],
  [
    'a function of 61 lines',
    { 'src/x.ts': `export function f() {\n${'  f()\n'.repeat(59)}}\n` },
    /max-lines-per-function/,
  ],
  ['console in src', { 'src/x.ts': 'console.log(1)\nexport {}\n' }, /no-console/],
  [
    'an import cycle',
    { 'src/x.ts': "export * from './y.ts'\n", 'src/y.ts': "export * from './x.ts'\n" },
    /no-cycle/,
  ],
  [
    'a disabled rule that was not needed',
    { 'src/x.ts': '// oxlint-disable-next-line no-console\nexport {}\n' },
    /Unused/,
  ],
]

describe('the gate of the lint', () => {
  it('passes clean code, and the longest file, test and function that are allowed', async () => {
    const files = {
      ...GOOD,
      'src/x.ts': 'export {}\n'.repeat(400),
      'src/x.test.ts': 'export {}\n'.repeat(600),
      'src/y.ts': `export function f() {\n${'  f()\n'.repeat(58)}}\n`,
    }
    expect(await findingsOf(lint, files)).toEqual([])
  })

  for (const [what, files, finding] of LINTED) {
    it(`finds ${what}`, async () => {
      expect((await findingsOf(lint, files)).join('\n')).toMatch(finding)
    })
  }
})

describe('the gate of the format', () => {
  it('passes what oxfmt writes', async () => {
    expect(await findingsOf(format, GOOD)).toEqual([])
  })

  it('finds what it would write otherwise', async () => {
    expect(await findingsOf(format, { 'src/x.ts': 'export const a = "b";\n' })).toEqual([
      'src/x.ts: run "npm run format"',
    ])
  })
})

describe('the gate of the unused', () => {
  it('finds an export that nobody uses and a file that nobody imports', async () => {
    const findings = await findingsOf(unused, {
      'src/surety.ts': "import { used } from './log/x.ts'\nexport const a = used\n",
      'src/log/x.ts': 'export const used = 1\nexport const idle = 2\n',
      'src/log/alone.ts': 'export {}\n',
    })
    expect(findings.join('\n')).toMatch(/src\/log\/x\.ts:2: exports: idle/)
    expect(findings.join('\n')).toMatch(/files: src\/log\/alone\.ts/)
    expect(findings.join('\n')).not.toMatch(/: used/)
  })

  it('finds a package that is imported and not declared', async () => {
    const findings = await findingsOf(unused, { 'src/surety.ts': "import 'not-declared'\n" })
    expect(findings.join('\n')).toMatch(/unlisted: not-declared/)
  })
})

describe('every gate of a tool', () => {
  for (const gate of [format, lint, types, unused]) {
    it(`${gate.name}: fails when it looked at too little`, async () => {
      const { findings } = await runGate(gate, plantTree(GOOD))
      expect(findings.at(-1)?.message).toMatch(/^looked at \d files, expected at least 100$/)
    })
  }
})
