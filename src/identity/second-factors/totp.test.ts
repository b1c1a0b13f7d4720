import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { matchingStep, mintTotpSecret, toBase32, totpCode, totpStep, totpUri } from './totp.ts'

// RFC 6238 appendix B, SHA-1, cut to six digits.
const SECRET = toBase32(new TextEncoder().encode('12345678901234567890'))
const VECTORS: readonly (readonly [number, string])[] = [
  [59, '287082'],
  [1_111_111_109, '081804'],
  [1_111_111_111, '050471'],
  [1_234_567_890, '005924'],
  [2_000_000_000, '279037'],
  [20_000_000_000, '353130'],
]

describe('codes of an authenticator', () => {
  test.each(VECTORS)('at %i s is RFC 6238’s %s', (seconds, code) => {
    expect(totpCode(SECRET, totpStep(seconds * 1000))).toBe(code)
    expect(matchingStep(SECRET, ` ${code.slice(0, 3)} ${code.slice(3)} `, seconds * 1000)).toBe(
      Math.floor(seconds / 30),
    )
  })

  test('count one step early or late, and no more', () => {
    const now = 1_700_000_000_000
    const step = totpStep(now)
    const found = [-2, -1, 0, 1, 2].map((skew) => matchingStep(SECRET, totpCode(SECRET, step + skew), now))
    expect(found).toEqual([null, step - 1, step, step + 1, null])
  })

  test('are nothing but six digits', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        if (!/^\s*(\d\s*){6}$/.test(text)) expect(matchingStep(SECRET, text, 1e12)).toBeNull()
      }),
    )
  })

  test('come from 160 random bits, in the alphabet of RFC 4648', () => {
    expect(mintTotpSecret()).toMatch(/^[A-Z2-7]{32}$/)
    expect(toBase32(new TextEncoder().encode('foobar'))).toBe('MZXW6YTBOI')
    expect(toBase32(new TextEncoder().encode('f'))).toBe('MY')
  })

  test('reach the app by a link that names product and account', () => {
    expect(totpUri('ABC', 'Code time', 'a@b.example')).toBe(
      'otpauth://totp/Code%20time:a%40b.example?secret=ABC&issuer=Code%20time',
    )
  })
})
