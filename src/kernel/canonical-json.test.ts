import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalBytes, canonicalJson, parseCanonicalJson } from './canonical-json.ts'

describe('one value, one text', () => {
  test('the text parses back to the value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })

  test('the text is canonical itself', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value)
        expect(canonicalJson(JSON.parse(text))).toBe(text)
      }),
    )
  })

  test('the order in which members were set does not show', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (object) => {
        const reversed = Object.fromEntries(Object.entries(object).toReversed())
        expect(canonicalJson(reversed)).toBe(canonicalJson(object))
      }),
    )
  })

  test('members that look like numbers sort as text', () => {
    expect(canonicalJson({ 9: 1, 10: 2, b: 3, B: 4 })).toBe('{"10":2,"9":1,"B":4,"b":3}')
  })

  test('members without a value are left out', () => {
    expect(canonicalJson({ a: undefined, b: null })).toBe('{"b":null}')
  })

  test('nor does it at any depth', () => {
    const nested = (depth: number, last: unknown): unknown =>
      depth === 0 ? last : { a: nested(depth - 1, last), b: [depth] }
    for (const depth of [1, 31, 32, 33, 200]) {
      expect(canonicalJson(nested(depth, { y: 1, x: 2 })), `depth ${depth}`).toBe(
        canonicalJson(nested(depth, { x: 2, y: 1 })),
      )
    }
    expect(canonicalJson([{ b: 1, a: [{ d: 'ö', c: undefined }] }])).toBe('[{"a":[{"d":"ö"}],"b":1}]')
  })

  test('a member named toJSON has no say', () => {
    expect(canonicalJson({ a: 1, toJSON: 'x' })).toBe('{"a":1,"toJSON":"x"}')
    expect(() => canonicalJson({ a: 1, toJSON: () => 2 })).toThrow(TypeError)
  })

  test('an object without a prototype counts as plain', () => {
    expect(canonicalJson(Object.assign(Object.create(null), { a: 1 }))).toBe('{"a":1}')
  })

  test('a member named __proto__ is a member like any other', () => {
    const text = '{"__proto__":{"a":1}}'
    expect(canonicalJson(JSON.parse(text))).toBe(text)
  })

  test('bytes are the UTF-8 of the text', () => {
    expect(canonicalBytes({ a: 'ö€' })).toEqual(new TextEncoder().encode('{"a":"ö€"}'))
  })
})

describe('a canonical text is read', () => {
  const name = fc.oneof(fc.string(), fc.constantFrom('9', '10', '__proto__', 'toJSON', 'é', 'a', 'B'))
  const value = fc.letrec((tie) => ({
    any: fc.oneof({ depthSize: 'small' }, fc.jsonValue(), tie('list'), tie('object')),
    list: fc.array(tie('any')),
    object: fc.dictionary(name, tie('any')),
  })).any

  test('if and only if it is the canonical text of its own value', () => {
    const shuffled = fc
      .tuple(fc.array(fc.tuple(name, fc.jsonValue()), { maxLength: 4 }), fc.boolean())
      .map(([members, spaced]) => {
        const text = members.map(([key, member]) => `${JSON.stringify(key)}:${JSON.stringify(member)}`)
        return spaced ? `[{${text.join(', ')}}]` : `[{${text.join(',')}}]`
      })
    fc.assert(
      fc.property(
        fc.oneof(
          value.map((any) => JSON.stringify(any)),
          shuffled,
        ),
        (text) => {
          const parsed: unknown = JSON.parse(text)
          if (canonicalJson(parsed) === text) expect(parseCanonicalJson(text)).toEqual(parsed)
          else expect(() => parseCanonicalJson(text)).toThrow(TypeError)
        },
      ),
      { numRuns: 300 },
    )
  })

  test('though it has a backslash before a u and a d', () => {
    const text = canonicalJson({ path: 'C:\\udine', '\\uD800': 1 })
    expect(parseCanonicalJson(text)).toEqual({ path: 'C:\\udine', '\\uD800': 1 })
  })

  test('though its members look like numbers', () => {
    expect(parseCanonicalJson('{"10":2,"9":1}')).toEqual({ 9: 1, 10: 2 })
    expect(() => parseCanonicalJson('{"9":1,"10":2}')).toThrow(TypeError)
  })

  test.each([
    '{"b":1,"a":2}',
    '[{"a":[{"b":1,"a":2}]}]',
    '{"a":1,"a":1}',
    '{"a": 1}',
    '[1.0]',
    '[1e2]',
    '[-0]',
    '[1e999]',
    '["\\u0041"]',
    '["\\ud800"]',
    '{"\\ud800":1}',
    '["\\u00e9"]',
    '["\\/"]',
    ' []',
    '[]\n',
  ])('but not %j', (text) => expect(() => parseCanonicalJson(text)).toThrow(TypeError))

  test.each(['', '{', '[01]', '{"a":1}{}', 'undefined'])('nor %j', (text) =>
    expect(() => parseCanonicalJson(text)).toThrow(SyntaxError),
  )
})

describe('what has no canonical form', () => {
  const cycle: Record<string, unknown> = {}
  cycle.self = { cycle }
  const refused: [string, unknown][] = [
    ['NaN', Number.NaN],
    ['infinity', [Number.POSITIVE_INFINITY]],
    ['a lone surrogate', { a: '\ud800' }],
    ['a lone surrogate as a name', { '\udc00': 1 }],
    ['a bigint', 1n],
    ['a function', () => 1],
    ['undefined', undefined],
    ['undefined in a list', [undefined]],
    ['a hole in a list', Array(1)],
    ['a symbol', Symbol('a')],
    ['a date', new Date(0)],
    ['a map', new Map()],
    ['bytes', new Uint8Array(1)],
    ['a cycle', cycle],
  ]
  test.each(refused)('refuses %s', (_, value) => expect(() => canonicalJson(value)).toThrow(TypeError))

  test('the same object twice is no cycle', () => {
    const shared = { a: 1 }
    expect(canonicalJson([shared, { shared }, shared])).toBe('[{"a":1},{"shared":{"a":1}},{"a":1}]')
  })
})
