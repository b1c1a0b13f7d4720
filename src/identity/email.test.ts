import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalEmail } from './email.ts'

describe('an address', () => {
  test.each([
    ['Ada@Example.COM', 'ada@example.com'],
    ['  ada@example.com ', 'ada@example.com'],
    ['ada@EXAMPLE。com', 'ada@example.com'],
    ['ada+news@example.co.uk', 'ada+news@example.co.uk'],
    ['ada@bücher.example', 'ada@xn--bcher-kva.example'],
  ])('%s is taken as %s', (typed, canonical) => expect(canonicalEmail(typed)).toBe(canonical))

  test('that only looks the same is refused, or shows that it is another', () => {
    // Cyrillic а in the local part, then in the domain.
    expect(() => canonicalEmail('\u0430da@example.com')).toThrow(
      expect.objectContaining({ code: 'ERR_IDENTITY_EMAIL' }),
    )
    expect(canonicalEmail('ada@ex\u0430mple.com')).toBe('ada@xn--exmple-4nf.com')
  })

  test.each([
    // Each becomes ada@ or kim@ when it is normalised or put into lower case.
    'ａｄａ@example.com',
    'ad\u00aa@example.com',
    '\u212aim@example.com',
    'ada＠example.com',
    '',
    'ada',
    '@example.com',
    'ada@',
    'ada@example',
    'ada@@example.com',
    '"a b"@example.com',
    'a..b@example.com',
    'ada@-example.com',
    'ada@127.0.0.1',
    'ada@example.com\u0000',
    'ad\u200ba@example.com',
    `${'a'.repeat(65)}@example.com`,
    `a@${'b.'.repeat(200)}com`,
    'a'.repeat(1_000_000),
  ])('is refused as %j', (typed) => {
    expect(() => canonicalEmail(typed)).toThrow(expect.objectContaining({ code: 'ERR_IDENTITY_EMAIL' }))
  })

  test('is stable: its form is its own form, and ASCII', () => {
    fc.assert(
      fc.property(fc.emailAddress(), (typed) => {
        let canonical: string
        try {
          canonical = canonicalEmail(typed)
        } catch {
          return
        }
        expect(canonicalEmail(canonical)).toBe(canonical)
        expect(canonical).toMatch(/^[\x21-\x7e]+$/)
      }),
    )
  })
})
