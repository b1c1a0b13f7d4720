import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createFormTokens, isSameOrigin, returnPath } from './form-token.ts'

const URL_OF_SITE = 'http://localhost:4001'

describe('where a browser goes after sign-in', () => {
  test.each(['/', '/dashboard', '/a/b?c=d', '/account/sessions'])('%s is a path of this site', (path) =>
    expect(returnPath(path, '/account')).toBe(path),
  )

  test.each([
    '',
    'https://evil.example/',
    '//evil.example/',
    '/\\evil.example',
    '\\\\evil.example',
    '/\t/evil.example',
    '/%2e%2e//evil.example',
    '/..//evil.example',
    'javascript:alert(1)',
    '/a'.repeat(2_000),
    null,
    ['/a'],
  ])('%j leads to the fallback', (target) => expect(returnPath(target, '/account')).toBe('/account'))

  test('never leaves the site, whatever is asked', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.webUrl(),
          fc.string().map((text) => `/${text}`),
        ),
        (target) => {
          expect(new URL(returnPath(target, '/account'), URL_OF_SITE).origin).toBe(URL_OF_SITE)
        },
      ),
    )
  })
})

describe('a form', () => {
  const request = (headers: Record<string, string>) =>
    new Request(`${URL_OF_SITE}/x`, { method: 'POST', headers })

  test('comes from a page of this site', () => {
    expect(isSameOrigin(request({ 'sec-fetch-site': 'same-origin', origin: 'null' }), URL_OF_SITE)).toBe(true)
    expect(isSameOrigin(request({ origin: URL_OF_SITE }), URL_OF_SITE)).toBe(true)
  })

  test.each([
    { 'sec-fetch-site': 'cross-site', origin: URL_OF_SITE },
    { 'sec-fetch-site': 'same-site', origin: 'http://localhost:4002' },
    { 'sec-fetch-site': 'none' },
    { origin: 'http://localhost:4002' },
    { origin: 'null' },
    { host: 'localhost:4001' },
    {},
  ])('does not when the browser says %j', (headers) =>
    expect(isSameOrigin(request(headers as Record<string, string>), URL_OF_SITE)).toBe(false),
  )

  test('carries the token of its session and of no other', () => {
    const tokens = createFormTokens('s'.repeat(43))
    expect(tokens.isOf('one', tokens.of('one'))).toBe(true)
    expect(tokens.isOf('two', tokens.of('one'))).toBe(false)
    expect(tokens.isOf('one', '')).toBe(false)
    expect(createFormTokens('t'.repeat(43)).isOf('one', tokens.of('one'))).toBe(false)
  })
})
