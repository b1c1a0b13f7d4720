import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createPseudonym } from '../kernel/index.ts'
import { findKeys, keyRule } from './key-scan.ts'
import { createSecret, formatKey } from './key-text.ts'

const newKey = (prefix = 'codetime', id = createPseudonym()) =>
  formatKey({ prefix, id, secret: createSecret() })

describe('findKeys', () => {
  test('finds a key of any system wherever it stands, and what to revoke', () => {
    const id = createPseudonym()
    fc.assert(
      fc.property(
        fc.string({ maxLength: 200 }),
        fc.constantFrom('', '_', 'x', '0', 'X', '=', '"', 'x_', 'a'.repeat(200), `${'b'.repeat(71)}_`),
        fc.constantFrom('a', 'codetime', `z${'9'.repeat(30)}`),
        fc.constantFrom('', '\n', 'Z', '0', '_', '"', '%22'),
        (before, left, prefix, right) => {
          const text = `${before}${left}`
          const found = findKeys(`${text}${newKey(prefix, id)}${right}`)
          expect(found).toContainEqual({ index: text.length, prefix, id })
        },
      ),
    )
  })

  test('finds each of several, one right behind the other', () => {
    const keys = Array.from({ length: 5 }, () => newKey())
    expect(findKeys(keys.join(''))).toHaveLength(5)
    expect(findKeys(keys.join('\n')).map(({ index }) => index)).toEqual(
      keys.map((key, i) => i * (key.length + 1)),
    )
  })

  test('takes nothing for a key that only looks like one', () => {
    const key = newKey()
    const lookAlikes = [
      key.slice(0, -1),
      key.toUpperCase(),
      `${key.slice(0, 20)}${key[20] === 'x' ? 'y' : 'x'}${key.slice(21)}`,
      key.replace('codetime', 'codetimf'),
      key.replace('_', '-'),
      key.replace('_', ''),
      `codetime_${'0'.repeat(71)}`,
      `ghp_${'a'.repeat(36)}`,
    ]
    for (const text of lookAlikes) expect(findKeys(text)).toEqual([])
  })

  test('answers any text', () => {
    fc.assert(fc.property(fc.string({ maxLength: 500 }), (text) => findKeys(text).length === 0))
  })
})

describe('keyRule', () => {
  test('matches whole keys of its system, and verifies them without a look-up', () => {
    const rule = keyRule('codetime')
    const key = newKey()
    expect(key).toHaveLength(rule.length)
    expect(new RegExp(`^${rule.pattern}$`).test(key)).toBe(true)
    expect(rule.verify(key)).toBe(true)
    for (const other of [newKey('other'), key.slice(0, -1), `codetime_${'0'.repeat(71)}`])
      expect(rule.verify(other)).toBe(false)
  })
})
