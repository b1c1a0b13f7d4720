import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { returnPath } from './return-path.ts'

describe('where a sign-in leads', () => {
  it.each([['/'], ['/team'], ['/team?days=7#top'], ['/a/b%2F..%2Fc']])('keeps %s', (path) =>
    expect(returnPath(path)).toBe(path),
  )

  it.each([
    [null],
    [''],
    ['team'],
    ['//evil.example'],
    ['/\\evil.example'],
    ['/\t/evil.example'],
    ['\\/evil.example'],
    ['https://evil.example/'],
    ['javascript:alert(1)'],
    ['/..//evil.example'],
    ['/.//evil.example'],
    ['/ /evil.example'],
    ['/\u0000'],
    [`/${'a'.repeat(1_024)}`],
  ])('leads to the start page instead of %j', (path) => expect(returnPath(path)).toBe('/'))

  it('never leads a browser to another host', () => {
    const piece = fc.constantFrom(
      '/',
      '\\',
      '.',
      '..',
      ':',
      '@',
      '\t',
      '\n',
      '%2f',
      'evil.example',
      '?',
      '#',
      ' ',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const target = new URL(returnPath(pieces.join('')), 'https://here.example/account/sign-in')
        expect(target.origin).toBe('https://here.example')
      }),
      { numRuns: 2_000 },
    )
  })
})
