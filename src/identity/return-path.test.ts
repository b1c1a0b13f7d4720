import fc from 'fast-check'
import { expect, test } from 'vitest'
import { returnPath } from './form-token.ts'

test('a sign-in never leads a browser to another host, whatever was asked for', () => {
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
      const target = new URL(returnPath(pieces.join(''), '/'), 'https://here.example/account/sign-in')
      expect(target.origin).toBe('https://here.example')
    }),
    { numRuns: 2_000 },
  )
})
