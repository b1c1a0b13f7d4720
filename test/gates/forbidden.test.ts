import { describe, expect, it } from 'vitest'
import { forbidden } from '../../scripts/gates/forbidden.ts'
import { findingsOf } from './planted-tree.ts'

const REFUSED: readonly (readonly [string, string, string])[] = [
  ['a bare error', 'src/log/x.ts', "throw new Error('no')"],
  ['a bare error without new', 'src/log/x.ts', "throw Error('no')"],
  ['Date.now()', 'src/log/x.ts', 'export const t = Date.now()'],
  ['new Date()', 'src/log/x.ts', 'export const t = new Date()'],
  ['Date()', 'src/log/x.ts', 'export const t = Date()'],
  ['performance.now()', 'src/log/x.ts', 'export const t = performance.now()'],
  ['process.hrtime', 'src/log/x.ts', 'export const t = process.hrtime.bigint()'],
  ['now() in a sql template', 'src/log/x.ts', 'export const q = sql`now()`'],
  ['now() in a statement', 'src/log/x.ts', "export const q = 'select now() as t'"],
  ['now() behind a substitution', 'src/log/x.ts', 'export const q = `update ${t} set at = NOW ( )`'],
  [
    'current_timestamp as a default',
    'src/log/x.ts',
    "export const q = 'create table t (at timestamptz default CURRENT_TIMESTAMP)'",
  ],
  ['Buffer in the kernel', 'src/kernel/x.ts', "export const b = Buffer.from('')"],
  ['process in verify', 'src/verify/x.ts', 'export const b = process.env'],
]

const ACCEPTED: readonly (readonly [string, string, string])[] = [
  ['a coded error', 'src/log/x.ts', "throw new LogError('ERR_LOG_X', 'no')"],
  ['a misuse', 'src/log/x.ts', "throw new TypeError('no')"],
  ['an error that is passed on', 'src/log/x.ts', 'throw error'],
  ['new Date(ms)', 'src/log/x.ts', 'export const t = new Date(clock.now())'],
  ["a clock's now()", 'src/log/x.ts', 'export const t = clock.now()'],
  ['the clock itself', 'src/kernel/clock.ts', 'export const now = () => Date.now()'],
  ['now() in words', 'src/log/x.ts', "export const text = 'time never comes from now()'"],
  ['a bare error in a test', 'src/log/x.test.ts', "throw new Error('no')"],
  ['Buffer elsewhere', 'src/log/x.ts', "export const b = Buffer.from('')"],
]

describe('the gate of forbidden calls', () => {
  for (const [what, file, code] of REFUSED) {
    it(`finds ${what}`, async () => {
      const findings = await findingsOf(forbidden, { [file]: `\n${code}\n` })
      expect(findings).toHaveLength(1)
      expect(findings[0]).toMatch(new RegExp(`^${file}:2: `))
    })
  }

  for (const [what, file, code] of ACCEPTED) {
    it(`lets ${what} be`, async () => {
      const files = { [file]: code, 'src/log/other.ts': '' }
      expect(await findingsOf(forbidden, files)).toEqual([])
    })
  }
})
