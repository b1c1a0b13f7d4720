import fc from 'fast-check'
import { expect, test } from 'vitest'
import { describeDuration, durationAtMost, formatDuration, isDuration, parseDuration } from './duration.ts'

test.each([
  ['0ms', 0],
  ['1ms', 1],
  ['90s', 90_000],
  ['15m', 900_000],
  ['24h', 86_400_000],
  ['27d', 27 * 86_400_000],
  ['2w', 14 * 86_400_000],
  ['1y', 365 * 86_400_000],
  ['999999999y', 999_999_999 * 365 * 86_400_000],
])('reads %s as %i ms', (text, ms) => {
  expect(isDuration(text)).toBe(true)
  expect(parseDuration(text)).toBe(ms)
})

test.each([
  '',
  '24',
  'h',
  '1.5h',
  '-1h',
  '+1h',
  '01h',
  '1 h',
  '1H',
  '1h ',
  '1h1m',
  '1e3s',
  '1000000000s',
  '١h',
  '1h\n',
])('refuses %j with the code and the mend', (text) => {
  expect(isDuration(text)).toBe(false)
  expect(() => parseDuration(text)).toThrow(expect.objectContaining({ code: 'ERR_DURATION_SYNTAX' }))
})

test('reading never throws anything but its own code', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      if (isDuration(text)) expect(parseDuration(text)).toBeGreaterThanOrEqual(0)
      else expect(() => parseDuration(text)).toThrow(expect.objectContaining({ code: 'ERR_DURATION_SYNTAX' }))
    }),
  )
})

test.each([
  [0, 'under a second'],
  [999, 'under a second'],
  [1_000, '1 second'],
  [59_999, '59 seconds'],
  [60_000, '1 minute'],
  [3_599_999, '59 minutes'],
  [3_600_000, '1 hour'],
  [86_399_999, '23 hours'],
  [86_400_000, '1 day'],
  [27 * 86_400_000, '27 days'],
])('describes %i ms as %s', (ms, words) => expect(describeDuration(ms)).toBe(words))

test.each([
  [0, '0s'],
  [1, '1ms'],
  [6 * 3_600_000, '6h'],
  [95_460_000, '1d 2h 31m'],
  [27 * 86_400_000, '27d'],
])('writes %i ms exactly as %s', (ms, text) => expect(formatDuration(ms)).toBe(text))

test('what is at most some time is a literal that is not above it, and less than a unit below', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 400 * 86_400_000 }), (ms) => {
      const literal = durationAtMost(ms)
      expect(parseDuration(literal)).toBeLessThanOrEqual(ms)
      expect(ms - parseDuration(literal)).toBeLessThan(Math.max(1_000, ms / 2))
    }),
  )
})
