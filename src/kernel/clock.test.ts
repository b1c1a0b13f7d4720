import { expect, test } from 'vitest'
import { manualClock, shiftedClock, systemClock } from './clock.ts'

test('the system clock tells the time, and its monotonic side never goes back', () => {
  expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(1_000)
  const first = systemClock.monotonic()
  expect(systemClock.monotonic()).toBeGreaterThanOrEqual(first)
})

test('a shifted clock is ahead by its offset, and its monotonic side is not', () => {
  const base = manualClock(1_000)
  const shifted = shiftedClock(500, base)
  base.advance(20)
  expect(shifted.now()).toBe(1_520)
  expect(shifted.monotonic()).toBe(base.monotonic())
})

test.each([-1, Number.NaN])('refuses to shift a clock by %s', (offset) => {
  expect(() => shiftedClock(offset)).toThrow(RangeError)
})

test('a manual clock moves only when told to', () => {
  const clock = manualClock(5_000)
  expect([clock.now(), clock.monotonic()]).toEqual([5_000, 0])
  clock.advance(7)
  expect([clock.now(), clock.monotonic()]).toEqual([5_007, 7])
})
