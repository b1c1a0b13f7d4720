import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatMoment, isMoment, parseMoment } from './moment.ts'

const DAY_MS = 86_400_000
const YEAR_0 = Date.parse('0000-01-01T00:00:00.000Z')
const YEAR_9999 = Date.parse('9999-12-31T23:59:59.999Z')

describe('a moment has one text', () => {
  test('the one that the platform gives', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -8.64e15, max: 8.64e15 }),
        fc.integer({ min: 0, max: DAY_MS }),
        (ms, later) => {
          expect(formatMoment(ms)).toBe(new Date(ms).toISOString())
          if (ms + later <= 8.64e15) expect(formatMoment(ms + later)).toBe(new Date(ms + later).toISOString())
        },
      ),
    )
    for (const ms of [0, -1, 1, DAY_MS - 1, DAY_MS, -DAY_MS, YEAR_0, YEAR_9999, YEAR_9999 + 1, -0])
      expect(formatMoment(ms)).toBe(new Date(ms).toISOString())
  })

  test('refuses what is no time', () => {
    for (const ms of [Number.NaN, Infinity, -Infinity, 8.64e15 + 1])
      expect(() => formatMoment(ms)).toThrow(RangeError)
    expect(formatMoment(0)).toBe('1970-01-01T00:00:00.000Z')
  })
})

describe('the time of a moment', () => {
  test('is the one that was written, whatever was read or written before', () => {
    const moment = fc.integer({ min: YEAR_0, max: YEAR_9999 })
    fc.assert(
      fc.property(moment, moment, fc.integer({ min: -DAY_MS, max: DAY_MS }), (ms, other, apart) => {
        for (const each of [ms, Math.max(YEAR_0, Math.min(YEAR_9999, ms + apart)), other, ms])
          expect(parseMoment(new Date(each).toISOString())).toBe(each)
        formatMoment(other)
        expect(parseMoment(new Date(ms).toISOString())).toBe(ms)
      }),
    )
  })

  test('is none for what is no moment', () => {
    for (const text of ['', 'x', '2026-13-01T00:00:00.000Z']) expect(parseMoment(text)).toBeNaN()
  })
})

describe('a text is a moment', () => {
  test('if and only if formatting its time gives it back', () => {
    const digits = (max: number, width: number) =>
      fc.integer({ min: 0, max }).map((number) => String(number).padStart(width, '0'))
    const text = fc
      .tuple(
        digits(9999, 4),
        digits(14, 2),
        digits(33, 2),
        digits(25, 2),
        digits(61, 2),
        digits(61, 2),
        digits(999, 3),
      )
      .map(
        ([year, month, day, hour, minute, second, ms]) =>
          `${year}-${month}-${day}T${hour}:${minute}:${second}.${ms}Z`,
      )
    fc.assert(
      fc.property(text, (candidate) => {
        const ms = Date.parse(candidate)
        const is = Number.isFinite(ms) && new Date(ms).toISOString() === candidate
        expect(isMoment(candidate)).toBe(is)
      }),
      { numRuns: 2_000 },
    )
  })

  test.each([
    '2026-02-29T00:00:00.000Z',
    '2100-02-29T00:00:00.000Z',
    '2026-04-31T00:00:00.000Z',
    '2026-01-00T00:00:00.000Z',
    '2026-01-01T24:00:00.000Z',
    '2026-01-01T00:00:00Z',
  ])('not %s', (candidate) => expect(isMoment(candidate)).toBe(false))

  test.each(['2024-02-29T00:00:00.000Z', '2000-02-29T23:59:59.999Z', '2026-12-31T00:00:00.000Z'])(
    'but %s',
    (candidate) => expect(isMoment(candidate)).toBe(true),
  )
})
