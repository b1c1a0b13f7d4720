import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createFormTokens, returnPath } from './form-token.ts'

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

test('a form’s token is its session’s, and nobody’s who lacks the secret', () => {
  const tokens = createFormTokens('s'.repeat(43))
  expect(tokens.of('one')).toBe(tokens.of('one'))
  expect(tokens.of('two')).not.toBe(tokens.of('one'))
  expect(createFormTokens('t'.repeat(43)).of('one')).not.toBe(tokens.of('one'))
})
