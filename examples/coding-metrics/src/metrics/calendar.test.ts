import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addDays, DAY_MS, dayOf, daysBetween, dayText, isDay, knownZone, startOfDay } from './calendar.ts'

const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Asia/Kathmandu',
  'Pacific/Apia',
  'America/Sao_Paulo',
]

describe('days', () => {
  test.each(['2026-02-30', '2026-13-01', '26-01-01', '2026-1-1', '', '2026-01-01T00:00', '1969-12-31'])(
    'refuses %j',
    (text) => {
      expect(isDay(text)).toBe(false)
    },
  )

  test('takes a leap day only in leap years', () => {
    expect(isDay('2024-02-29')).toBe(true)
    expect(isDay('2026-02-29')).toBe(false)
  })

  test('counts over months and years', () => {
    expect(addDays('2026-12-31', 1)).toBe('2027-01-01')
    expect(addDays('2026-03-01', -1)).toBe('2026-02-28')
    expect(daysBetween('2026-11-29', '2026-12-02')).toHaveLength(4)
    expect(daysBetween('2026-11-30', '2026-11-29')).toEqual([])
    expect(dayText('2026-11-21')).toBe('Sat 21 Nov 2026')
  })
})

describe('time zones', () => {
  test('takes what this runtime knows and falls back to UTC for anything else', () => {
    expect(knownZone('Europe/Berlin')).toBe('Europe/Berlin')
    for (const zone of ['Mars/Olympus', '', null, '../../etc/passwd', 'x'.repeat(64)]) {
      expect(knownZone(zone)).toBe('UTC')
    }
  })

  test('knows when a day begins, also when the clocks change that night', () => {
    expect(new Date(startOfDay('2026-11-22', 'UTC')).toISOString()).toBe('2026-11-22T00:00:00.000Z')
    expect(new Date(startOfDay('2026-03-29', 'Europe/Berlin')).toISOString()).toBe('2026-03-28T23:00:00.000Z')
    expect(new Date(startOfDay('2026-03-30', 'Europe/Berlin')).toISOString()).toBe('2026-03-29T22:00:00.000Z')
  })

  test('begins a day without midnight at its first instant', () => {
    // Clocks in São Paulo went from 23:59:59 to 01:00 in that night.
    expect(new Date(startOfDay('2018-11-04', 'America/Sao_Paulo')).toISOString()).toBe(
      '2018-11-04T03:00:00.000Z',
    )
  })

  test('every day begins where the day before ends', () => {
    const days = fc.date({ min: new Date('2000-01-01'), max: new Date('2035-01-01'), noInvalidDate: true })
    fc.assert(
      fc.property(fc.constantFrom(...ZONES), days, (zone, date) => {
        const day = date.toISOString().slice(0, 10)
        // Apia had no 30 December 2011.
        fc.pre(!(zone === 'Pacific/Apia' && day === '2011-12-30'))
        const start = startOfDay(day, zone)
        expect(dayOf(start, zone)).toBe(day)
        expect(dayOf(start - 1, zone) < day).toBe(true)
        expect(startOfDay(addDays(day, 1), zone) - start).toBeLessThanOrEqual(2 * DAY_MS)
      }),
      { numRuns: 60 },
    )
  })
})
