import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalBytes } from '../kernel/index.ts'
import { canonicalRow, membersOf, toJson } from './row-bytes.ts'

const value = fc.oneof(
  fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed()),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.date({ noInvalidDate: true }),
  fc.uint8Array(),
  fc.array(fc.string()),
  fc.jsonValue(),
  fc.constantFrom(null, undefined),
)

/** What a column may be called. */
const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_]{0,47}$/)

test('a row is written as its canonical JSON, whatever it holds and however its columns are named', () => {
  fc.assert(
    fc.property(fc.dictionary(name, value), fc.array(name), (values, absent) => {
      const names = [...new Set([...Object.keys(values), ...absent])]
      const row = Object.assign(Object.create(null) as Record<string, unknown>, values)
      const present = names.filter((name) => row[name] !== null && row[name] !== undefined)
      const plain = Object.create(null) as Record<string, unknown>
      for (const name of present) plain[name] = toJson(row[name])
      const expected = canonicalBytes(plain)
      expect(Buffer.compare(Buffer.from(canonicalRow(row, membersOf(names))), expected)).toBe(0)
    }),
    { numRuns: 500 },
  )
})

test('a text that is not well formed is refused', () => {
  expect(() => canonicalRow({ a: '\ud800' }, membersOf(['a']))).toThrow(TypeError)
})
