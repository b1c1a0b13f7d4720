import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toHex, utf8 } from '../kernel/index.ts'
import { hashBytes } from './hash-bytes.ts'

const expected = (...parts: readonly Uint8Array[]): string => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}

describe('SHA-256', () => {
  test.each([
    ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    [
      'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
      '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
    ],
    ['a'.repeat(1_000_000), 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0'],
  ])('gives the published hash (FIPS 180-4, examples) of %.20j', (text, hash) => {
    expect(toHex(hashBytes(utf8(text)))).toBe(hash)
  })

  test('agrees with the platform at every length around a block', () => {
    for (let length = 0; length <= 260; length++) {
      const bytes = Uint8Array.from({ length }, (_, i) => i * 7 + length)
      expect(toHex(hashBytes(bytes)), `${length} bytes`).toBe(expected(bytes))
    }
  })

  test('agrees with the platform on any parts, also around the longest message it keeps room for', () => {
    const long = fc
      .integer({ min: 66_540, max: 66_570 })
      .map((length) => new Uint8Array(length).fill(length & 0xff))
    const part = fc.oneof({ weight: 9, arbitrary: fc.uint8Array({ maxLength: 300 }) }, long)
    fc.assert(
      fc.property(fc.array(part, { maxLength: 4 }), (parts) => {
        expect(toHex(hashBytes(...parts))).toBe(expected(...parts))
      }),
    )
  })

  test('leaves nothing of one message in the next, and keeps no hash that it gave', () => {
    const first = hashBytes(new Uint8Array(1000).fill(0xff))
    const copy = first.slice()
    expect(toHex(hashBytes(utf8('abc')))).toBe(expected(utf8('abc')))
    expect(first).toEqual(copy)
  })
})
