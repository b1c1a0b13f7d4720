import fc from 'fast-check'
import { expect, it } from 'vitest'
import { decodeEntities } from './entities.ts'

it.each([
  ['a &amp; b', 'a & b'],
  ['&lt;b&gt;', '<b>'],
  ['&#65;&#x42;', 'AB'],
  ['&#x1F600;', '😀'],
  ['&mdash;', '—'],
  ['&#0;&#xD800;&#9999999;', '\ufffd\ufffd\ufffd'],
  ['&unknown; &amp &;', '&unknown; &amp &;'],
  ['&amp;lt;', '&lt;'],
  ['&constructor;', '&constructor;'],
])('%s reads %s', (text, decoded) => expect(decodeEntities(text)).toBe(decoded))

it('keeps text without references as it is', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const plain = text.replaceAll('&', '')
      expect(decodeEntities(plain)).toBe(plain)
    }),
  )
})

it('makes well-formed text of any number', () => {
  fc.assert(
    fc.property(fc.nat(0x12_0000), (code) => {
      expect(decodeEntities(`&#${code};`).isWellFormed()).toBe(true)
    }),
  )
})
