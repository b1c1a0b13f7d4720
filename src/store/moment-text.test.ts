import fc from 'fast-check'
import pg from 'pg'
import { expect, test } from 'vitest'
import { readMoment } from './moment-text.ts'

const TIMESTAMPTZ = 1184
const driver = pg.types.getTypeParser(TIMESTAMPTZ, 'text') as (text: string) => unknown

const YEAR_1 = Date.parse('0001-01-01T00:00:00.000Z')
const YEAR_9999 = Date.parse('9999-12-31T23:59:59.999Z')

/** As the server writes it: no trailing zeros. */
function written(ms: number): string {
  const [, day, time, fraction] = /^(.{10})T(.{8})\.(\d{3})Z$/.exec(new Date(ms).toISOString())!
  const digits = fraction!.replace(/0+$/, '')
  return `${day} ${time}${digits === '' ? '' : `.${digits}`}+00`
}

test('a moment of any year with four digits is read as the driver reads it', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: YEAR_1, max: YEAR_9999 }),
      fc.constantFrom(1, 10, 100, 1000),
      (ms, unit) => {
        const moment = Math.floor(ms / unit) * unit
        expect(readMoment(written(moment))).toEqual(new Date(moment))
        expect(driver(written(moment))).toEqual(new Date(moment))
      },
    ),
    { numRuns: 1_000 },
  )
})

test.each([
  ['infinity'],
  ['-infinity'],
  ['2026-11-22 00:20:00.123456+00'],
  ['2026-11-22 00:20:00+05:30'],
  ['2026-11-22 00:20:00-03'],
  ['12026-11-22 00:20:00+00'],
  ['0044-03-15 12:00:00+00 BC'],
  ['22.11.2026 00:20:00.12+00'],
  ['Sun Nov 22 00:20:00 2026 +00'],
  [''],
])('leaves %s to the driver', (text) => expect(readMoment(text)).toBeNull())
