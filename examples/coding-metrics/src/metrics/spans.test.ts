import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { clipSpans, KEYSTROKE_TIMEOUT_MS, spansOf, stretchesOf, totalSeconds, type Beat } from './spans.ts'

function beat(ms: number, more: Partial<Beat> = {}): Beat {
  return {
    time: new Date(ms),
    entity: '/a',
    project: 'p',
    branch: null,
    language: 'Go',
    category: 'coding',
    machine: null,
    userAgent: null,
    dependencies: null,
    ...more,
  }
}
const MINUTE = 60_000
const times = fc.array(fc.integer({ min: 0, max: 6 * 3_600_000 }), { maxLength: 60 })

describe('time between heartbeats', () => {
  test('belongs to the earlier one', () => {
    const spans = spansOf([beat(0, { project: 'a' }), beat(MINUTE, { project: 'b' }), beat(3 * MINUTE)])
    expect(spans.map(({ start, end, beat: { project } }) => [start, end, project])).toEqual([
      [0, MINUTE, 'a'],
      [MINUTE, 3 * MINUTE, 'b'],
    ])
  })

  test('counts up to the timeout, and not at all a millisecond past it', () => {
    expect(totalSeconds(spansOf([beat(0), beat(KEYSTROKE_TIMEOUT_MS)]))).toBe(900)
    expect(totalSeconds(spansOf([beat(0), beat(KEYSTROKE_TIMEOUT_MS + 1)]))).toBe(0)
  })

  test('is nothing for one heartbeat or none', () => {
    expect(spansOf([])).toEqual([])
    expect(spansOf([beat(5)])).toEqual([])
  })

  test('does not depend on the order of arrival', () => {
    fc.assert(
      fc.property(times, (list) => {
        const there = spansOf(list.map((ms) => beat(ms)))
        const back = spansOf(list.toReversed().map((ms) => beat(ms)))
        expect(totalSeconds(there)).toBe(totalSeconds(back))
      }),
    )
  })

  test('stays the same when heartbeats are sent again', () => {
    fc.assert(
      fc.property(times, (list) => {
        const once = list.map((ms) => beat(ms))
        expect(totalSeconds(spansOf([...once, ...once]))).toBe(totalSeconds(spansOf(once)))
      }),
    )
  })

  test('grows by 30 ms at most for each near duplicate', () => {
    fc.assert(
      fc.property(times, (list) => {
        const once = list.map((ms) => beat(ms))
        const again = list.map((ms) => beat(ms + 30))
        const grown = totalSeconds(spansOf([...once, ...again])) - totalSeconds(spansOf(once))
        // A gap just past the timeout may fall under it: 30 ms then let a whole gap count.
        const bridged = gapsOf(list).filter(
          (gap) => gap > KEYSTROKE_TIMEOUT_MS && gap <= KEYSTROKE_TIMEOUT_MS + 30,
        )
        fc.pre(bridged.length === 0)
        expect(grown).toBeGreaterThanOrEqual(-0.001)
        expect(grown).toBeLessThanOrEqual(0.03 * list.length + 0.001)
      }),
    )
  })

  test('never exceeds the time between the first and the last', () => {
    fc.assert(
      fc.property(times, (list) => {
        const length = list.length === 0 ? 0 : Math.max(...list) - Math.min(...list)
        expect(totalSeconds(spansOf(list.map((ms) => beat(ms))))).toBeLessThanOrEqual(length / 1000)
      }),
    )
  })
})

function gapsOf(list: readonly number[]): number[] {
  const ordered = list.toSorted((a, b) => a - b)
  return ordered.slice(1).map((ms, i) => ms - ordered[i]!)
}

test('clipping at any instant keeps the whole', () => {
  fc.assert(
    fc.property(times, fc.integer({ min: 0, max: 6 * 3_600_000 }), (list, cut) => {
      const spans = spansOf(list.map((ms) => beat(ms)))
      const [before, after] = [clipSpans(spans, -Infinity, cut), clipSpans(spans, cut, Infinity)]
      expect(totalSeconds(before) + totalSeconds(after)).toBeCloseTo(totalSeconds(spans), 6)
    }),
  )
})

test('joins adjoining spans of one name into a stretch', () => {
  const spans = spansOf([0, 1, 2, 30, 31].map((minute) => beat(minute * MINUTE)))
  expect(stretchesOf(spans, ({ project }) => project ?? '')).toEqual([
    { name: 'p', start: 0, end: 2 * MINUTE },
    { name: 'p', start: 30 * MINUTE, end: 31 * MINUTE },
  ])
})
