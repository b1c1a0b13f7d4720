import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatPromiseKey, parsePromiseTarget } from './promise-link.ts'

describe('a promise target', () => {
  it.each([
    ['promise:erasure.production', 'erasure.production', {}],
    ['promise:erasure.production?within=24h', 'erasure.production', { within: '24h' }],
    ['promise:data.no-personal?a=1&b=x%20y', 'data.no-personal', { a: '1', b: 'x y' }],
    ['promise:a.b.c?v=%C3%A4', 'a.b.c', { v: 'ä' }],
  ])('%s is read', (href, id, params) => {
    expect(parsePromiseTarget(href)).toEqual({ id, params })
  })

  it.each([
    'promise:',
    'promise:erasure',
    'promise:Erasure.production',
    'promise:erasure..production',
    'promise:erasure.production?',
    'promise:erasure.production?within',
    'promise:erasure.production?within=',
    'promise:erasure.production?within=24h&',
    'promise:erasure.production?within=24h&within=48h',
    'promise:erasure.production?Within=24h',
    'promise:erasure.production?within=%zz',
    'promise:erasure.production?within=%00',
    'promise:erasure.production?within=%ff',
    'promise:erasure.production#x',
    'promise:erasure.production?a=1?b=2',
    'promise:erasure production',
    `promise:erasure.production?a=${'x'.repeat(201)}`,
  ])('%s is refused in words', (href) => {
    expect(parsePromiseTarget(href)).toBeTypeOf('string')
  })

  it('takes a value of 200 characters, the last accepted', () => {
    expect(parsePromiseTarget(`promise:a.b?a=${'x'.repeat(200)}`)).toMatchObject({ id: 'a.b' })
  })
})

describe('a promise key', () => {
  it('does not depend on the order of the parameters', () => {
    expect(formatPromiseKey({ id: 'a.b', params: { z: '1', a: '2' } })).toBe('a.b?a=2&z=1')
  })

  it('is one text per target: writing and reading it again changes nothing', () => {
    const value = fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' }).filter((text) => {
      // oxlint-disable-next-line no-control-regex
      return text.isWellFormed() && text.length <= 30 && !/[\u0000-\u001f\u007f]/.test(text)
    })
    const params = fc.dictionary(fc.stringMatching(/^[a-z][A-Za-z0-9]{0,5}$/), value, {
      noNullPrototype: true,
    })
    fc.assert(
      fc.property(params, (given) => {
        const target = { id: 'erasure.production', params: given }
        const key = formatPromiseKey(target)
        expect(parsePromiseTarget(`promise:${key}`)).toEqual(target)
      }),
    )
  })
})
