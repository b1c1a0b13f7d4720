import fc from 'fast-check'
import { expect, test } from 'vitest'
import { concatBytes, equalBytes, fromBase64, fromUtf8, toBase64, toHex, utf8 } from './bytes.ts'

const bytes = fc.uint8Array({ maxLength: 300 })

test('text survives UTF-8 and back, a byte-order mark included', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(fromUtf8(utf8(text))).toBe(text)
    }),
  )
  expect(fromUtf8(utf8('\ufeffa'))).toBe('\ufeffa')
})

test.each([[[0xff]], [[0xc0, 0x80]], [[0xed, 0xa0, 0x80]], [[0xe2, 0x82]]])(
  'refuses malformed UTF-8 %j',
  (malformed) => {
    expect(() => fromUtf8(Uint8Array.from(malformed))).toThrow(TypeError)
  },
)

test('base64 is that of RFC 4648 and survives the way back', () => {
  fc.assert(
    fc.property(bytes, (data) => {
      expect(toBase64(data)).toBe(Buffer.from(data).toString('base64'))
      expect(fromBase64(toBase64(data))).toEqual(data)
    }),
  )
  const large = new Uint8Array(100_000).map((_, i) => i)
  expect(toBase64(large)).toBe(Buffer.from(large).toString('base64'))
})

test.each(['A', 'AA', 'AAA', 'AB==', 'AAB=', 'A===', 'AA= =', 'A-_A', 'AAAA\n', ' AAAA', '====', 'AA=A'])(
  'refuses %j, which is not the one base64 of any bytes',
  (text) => expect(fromBase64(text)).toBeNull(),
)

test('any text is either refused or the one base64 of its bytes', () => {
  const nearly = fc.string({ unit: fc.constantFrom(...'AZaz09+/=-_ \n'.split('')), maxLength: 12 })
  fc.assert(
    fc.property(nearly, (text) => {
      const data = fromBase64(text)
      if (data !== null) expect(toBase64(data)).toBe(text)
    }),
  )
})

test('joins and compares bytes', () => {
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      expect([...concatBytes(a, b)]).toEqual([...a, ...b])
      expect(equalBytes(a, b)).toBe(Buffer.compare(a, b) === 0)
      expect(equalBytes(a, a.slice())).toBe(true)
      expect(equalBytes(a, concatBytes(a, Uint8Array.of(0)))).toBe(false)
    }),
  )
  expect(concatBytes()).toEqual(new Uint8Array(0))
})

test('hex is lower case and two digits a byte', () => {
  expect(toHex(Uint8Array.of(0, 10, 255))).toBe('000aff')
  fc.assert(
    fc.property(bytes, (data) => {
      expect(toHex(data)).toBe(Buffer.from(data).toString('hex'))
    }),
  )
})
