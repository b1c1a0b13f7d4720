import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readName, readRoleName } from './role-name.ts'

describe('the name of a role', () => {
  test('is kept without what is not seen, and refused where nothing is left', () => {
    expect(readRoleName('  On\u200B  call\n', [])).toBe('On call')
    for (const name of ['', ' \t', '\u3164\u115F', '\u2800', '\uFEFF\u202E', 'x'.repeat(61)])
      expect(readRoleName(name, [])).toBeNull()
    expect(readName('x'.repeat(60))).toHaveLength(60)
  })

  test('mixes no alphabets whose letters pass for each other’s', () => {
    for (const name of ['Оps', 'Οps', 'Αdmin', 'Ꭺdmin', 'Αудитор', 'ops Ԁ'])
      expect(readRoleName(name, [])).toBeNull()
    for (const name of ['Ops 24/7', 'Опс', '運用 Ops', 'عمليات', 'परिचालन', '🚑 Ops'])
      expect(readRoleName(name, [])).toBe(name)
  })

  test.each([
    ['ops', 'Ops'],
    ['ops', 'орѕ'],
    ['ops', 'Ops'],
    ['ops', 'ops\uFE0F'],
    ['ops', 'o p s'],
    ['owner', 'ovvner'],
    ['modern', 'modem'],
    ['ceo', 'сео'],
    ['bill', 'B1ll'],
    ['ｏｐｓ', 'OPS'],
    ['Zoë', 'zoe'],
  ])('%s is taken by what looks like it: %s', (taken, name) => {
    expect(readRoleName(name, [taken])).toBeNull()
  })

  test('answers any text, and never a name that it would not take again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 80 }), (text) => {
        const name = readRoleName(text, [])
        if (name === null) return
        expect(readRoleName(name, [])).toBe(name)
        expect(readRoleName(name, [name])).toBeNull()
      }),
    )
  })
})
