import fc from 'fast-check'
import { expect, test } from 'vitest'
import { manualClock } from './clock.ts'
import { createId, createPseudonym, formatId, isId, parseId, timeOfId } from './id.ts'

const TIME = Date.parse('2026-11-22T00:20:00.123Z')

test('an id is a UUIDv7 that tells its time', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 48 - 1 }), (time) => {
      const id = createId(manualClock(time))
      expect(isId(id)).toBe(true)
      expect(id[14]).toBe('7')
      expect('89ab').toContain(id[19])
      expect(timeOfId(id)).toBe(time)
    }),
  )
})

test('ids sort by their time and do not repeat within it', () => {
  const clock = manualClock(TIME)
  const ids = Array.from({ length: 1_000 }, (_, i) => {
    if (i % 2 === 0) clock.advance(1)
    return createId(clock)
  })
  expect(new Set(ids).size).toBe(1_000)
  const times = ids.toSorted().map(timeOfId)
  expect(times).toEqual(times.toSorted((a, b) => a - b))
})

test('a pseudonym is a UUIDv4: it does not tell when it was made', () => {
  const pseudonym = createPseudonym()
  expect(isId(pseudonym)).toBe(true)
  expect(pseudonym[14]).toBe('4')
})

test('text and bytes are two forms of one id', () => {
  fc.assert(
    fc.property(fc.uuid(), (id) => {
      expect(formatId(parseId(id))).toBe(id)
    }),
  )
})

test.each([
  '',
  '0190a8b2-0000-7000-8000-00000000000',
  '0190A8B2-0000-7000-8000-000000000000',
  '0190a8b2000070008000000000000000',
  '{0190a8b2-0000-7000-8000-000000000000}',
  '0190a8b2-0000-0000-8000-000000000000',
  '0190a8b2-0000-7000-0000-000000000000',
  '0190a8b2-0000-7000-8000-000000000000\n',
])('refuses %j', (text) => {
  expect(isId(text)).toBe(false)
  expect(() => parseId(text)).toThrow(TypeError)
})

test('refuses what is no text', () => {
  for (const value of [null, undefined, 7, {}, ['0190a8b2-0000-7000-8000-000000000000']])
    expect(isId(value)).toBe(false)
})
