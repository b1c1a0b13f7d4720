import { describe, expect, test } from 'vitest'
import { amountOf, divide } from './amounts.ts'
import { givenRange, MAX_DAYS, namedRange } from './range.ts'
import { durations, neededInstants, stats, statusBar, summaries } from './reports.ts'
import { clipSpans, spansOf, type Beat } from './spans.ts'

const NOW = Date.parse('2026-11-22T12:00:00Z')
const MINUTE = 60_000

function beat(at: string | number, more: Partial<Beat> = {}): Beat {
  return {
    time: new Date(at),
    entity: '/src/a.go',
    project: 'surety',
    branch: 'main',
    language: 'Go',
    category: 'coding',
    machine: 'ada-thinkpad',
    userAgent: 'wakatime/v1.90.0 (linux-6.8) go1.22 vscode/1.90.0 vscode-wakatime/24.5.0',
    dependencies: ['fs', 'fs', 'path'],
    ...more,
  }
}

/** A heartbeat a minute for `minutes`, from `at`. */
function work(at: string, minutes: number, more: Partial<Beat> = {}): Beat[] {
  return Array.from({ length: minutes + 1 }, (_, i) => beat(Date.parse(at) + i * MINUTE, more))
}

describe('amounts', () => {
  test.each([
    [0, '0:00', '0.00', '0 secs'],
    [1, '0:00', '0.00', '1 sec'],
    [59.9, '0:00', '0.02', '59 secs'],
    [60, '0:01', '0.02', '1 min'],
    [3_660, '1:01', '1.02', '1 hr 1 min'],
    [7_200, '2:00', '2.00', '2 hrs'],
    [12_345.6, '3:25', '3.43', '3 hrs 25 mins'],
  ])('says %s seconds in all forms', (seconds, digital, decimal, text) => {
    expect(amountOf(seconds)).toMatchObject({ digital, decimal, text, total_seconds: seconds })
  })
})

describe('division', () => {
  test('sums to the whole, greatest first, with shares of it', () => {
    const spans = spansOf([
      ...work('2026-11-20T10:00Z', 30),
      ...work('2026-11-20T12:00Z', 10, { project: 'b' }),
    ])
    expect(divide(spans, 'projects')).toMatchObject([
      { name: 'surety', total_seconds: 1800, percent: 75, text: '30 mins', seconds: 0 },
      { name: 'b', total_seconds: 600, percent: 25 },
    ])
  })

  test('names what a heartbeat does not say', () => {
    const spans = spansOf(
      work('2026-11-20T10:00Z', 1, { project: null, language: null, category: null, userAgent: null }),
    )
    expect(divide(spans, 'projects')[0]?.name).toBe('Unknown project')
    expect(divide(spans, 'languages')[0]?.name).toBe('Other')
    expect(divide(spans, 'categories')[0]?.name).toBe('Coding')
    expect(divide(spans, 'editors')[0]?.name).toBe('Unknown editor')
  })

  test('counts a library once for a file that names it twice', () => {
    const spans = spansOf(work('2026-11-20T10:00Z', 1))
    expect(divide(spans, 'dependencies').map(({ name, total_seconds }) => [name, total_seconds])).toEqual([
      ['fs', 60],
      ['path', 60],
    ])
  })
})

describe('ranges', () => {
  test('end today in the person’s zone', () => {
    expect(namedRange('last_7_days', NOW, 'UTC')).toEqual({
      first: '2026-11-16',
      last: '2026-11-22',
      zone: 'UTC',
    })
    expect(namedRange('today', NOW, 'Pacific/Kiritimati')?.last).toBe('2026-11-23')
    expect(namedRange('Last 7 Days', NOW, 'UTC')).toEqual(namedRange('last_7_days', NOW, 'UTC'))
  })

  test('take a year and a month', () => {
    expect(namedRange('2024-02', NOW, 'UTC')).toMatchObject({ first: '2024-02-01', last: '2024-02-29' })
    expect(namedRange('2025', NOW, 'UTC')).toMatchObject({ first: '2025-01-01', last: '2025-12-31' })
    expect(namedRange('2025-12', NOW, 'UTC')).toMatchObject({ first: '2025-12-01', last: '2025-12-31' })
  })

  test.each(['', 'constructor', 'last_9_days', '2025-13', '0000', 'last_7_days; drop'])(
    'refuse %j',
    (name) => {
      expect(namedRange(name, NOW, 'UTC')).toBeNull()
    },
  )

  test('take timestamps that begin with a day, and no more days than allowed', () => {
    expect(givenRange('2026-11-01T00:00:00Z', '2026-11-02', 'UTC')).toMatchObject({ first: '2026-11-01' })
    expect(givenRange('2026-11-02', '2026-11-01', 'UTC')).toBeNull()
    expect(givenRange('1970-01-01', '9999-12-31', 'UTC')).toBeNull()
    expect(givenRange('2026-01-01', '2027-01-01', 'UTC')).not.toBeNull()
    expect(givenRange('2026-01-01', '2027-01-02', 'UTC')).toBeNull()
    expect(MAX_DAYS).toBe(366)
  })
})

describe('reports', () => {
  const range = { first: '2026-11-20', last: '2026-11-22', zone: 'UTC' }

  test('split a night at midnight between the two days', () => {
    const { data, cumulative_total } = summaries(work('2026-11-20T23:50Z', 30), range)
    expect(data.map(({ grand_total }) => grand_total.total_seconds)).toEqual([600, 1200, 0])
    expect(cumulative_total).toMatchObject({ seconds: 1800, text: '30 mins' })
  })

  test('need heartbeats from past the edges of the range', () => {
    const { from, until } = neededInstants(range)
    expect(from.toISOString()).toBe('2026-11-19T23:45:00.000Z')
    expect(until.toISOString()).toBe('2026-11-23T00:15:00.000Z')
  })

  test('average over the days with work only', () => {
    const { daily_average } = summaries(
      [...work('2026-11-20T10:00Z', 60), ...work('2026-11-22T10:00Z', 30)],
      range,
    )
    expect(daily_average).toMatchObject({
      seconds: 2700,
      days_including_holidays: 3,
      days_minus_holidays: 2,
      holidays: 1,
    })
  })

  test('are whole for nobody’s time', () => {
    const { data, daily_average } = summaries([], range)
    expect(data).toHaveLength(3)
    expect(data[0]).toMatchObject({ grand_total: { text: '0 secs' }, projects: [], languages: [] })
    expect(daily_average.seconds).toBe(0)
    expect(stats([], range, 'last_3_days').best_day).toBeNull()
  })

  test('carry the range’s day in its zone', () => {
    const berlin = { first: '2026-11-22', last: '2026-11-22', zone: 'Europe/Berlin' }
    expect(summaries([], berlin).data[0]?.range).toEqual({
      date: '2026-11-22',
      start: '2026-11-21T23:00:00.000Z',
      end: '2026-11-22T22:59:59.000Z',
      text: 'Sun 22 Nov 2026',
      timezone: 'Europe/Berlin',
    })
  })

  test('name the best day and all divisions in stats', () => {
    const report = stats(
      [...work('2026-11-20T10:00Z', 20), ...work('2026-11-21T10:00Z', 50)],
      range,
      'last_3_days',
    )
    expect(report.best_day).toMatchObject({ date: '2026-11-21', text: '50 mins' })
    expect(report).toMatchObject({
      total_seconds: 4200,
      human_readable_total: '1 hr 10 mins',
      range: 'last_3_days',
    })
    expect(report.languages[0]).toMatchObject({ name: 'Go', percent: 100 })
    expect(report.operating_systems[0]?.name).toBe('Linux')
    expect(report.machines[0]?.name).toBe('ada-thinkpad')
    expect(report.branches[0]?.name).toBe('main')
  })

  test('list a day’s stretches per project', () => {
    const beats = [
      ...work('2026-11-22T10:00Z', 5),
      ...work('2026-11-22T10:06Z', 4, { project: 'b', branch: 'dev' }),
    ]
    const report = durations(beats, '2026-11-22', 'UTC')
    expect(report.data).toEqual([
      { project: 'surety', time: Date.parse('2026-11-22T10:00Z') / 1000, duration: 360 },
      { project: 'b', time: Date.parse('2026-11-22T10:06Z') / 1000, duration: 240 },
    ])
    expect(report.branches).toEqual(['dev', 'main'])
  })

  test('tell an editor’s status bar about today alone', () => {
    const beats = [...work('2026-11-21T10:00Z', 60), ...work('2026-11-22T10:00Z', 65)]
    const { data, cached_at } = statusBar(beats, '2026-11-22', 'UTC', NOW)
    expect(data.grand_total).toMatchObject({ digital: '1:05', hours: 1, minutes: 5, text: '1 hr 5 mins' })
    expect(cached_at).toBe('2026-11-22T12:00:00.000Z')
  })

  test('count no instant twice, however it is divided', () => {
    const beats = [...work('2026-11-21T10:00Z', 45), ...work('2026-11-21T10:20Z', 45, { project: 'b' })]
    const spans = clipSpans(spansOf(beats), 0, Infinity)
    const sum = divide(spans, 'projects').reduce((seconds, { total_seconds }) => seconds + total_seconds, 0)
    expect(sum).toBe(65 * 60)
  })
})
