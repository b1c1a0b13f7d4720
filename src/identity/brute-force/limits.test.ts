import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  ATTACK,
  forgottenAt,
  isAttack,
  isLocked,
  LIMIT_UNDER_ATTACK,
  LIMITS,
  NO_COUNT,
  waitOf,
  withFailure,
  type Count,
  type Limit,
} from './limits.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const START = Date.UTC(2026, 10, 1)
const limits = [...Object.entries(LIMITS), ['under attack', LIMIT_UNDER_ATTACK]] as [string, Limit][]

/** Guesses that are looked at when the next one comes as soon as it may. */
function guessesIn(limit: Limit, span: number): number {
  let [now, count, guesses] = [START, NO_COUNT, 0]
  while (now < START + span) {
    count = withFailure(count, limit, now)
    guesses += 1
    now += Math.max(1, waitOf(count, limit, now))
  }
  return guesses
}

describe('a limit', () => {
  test('of an account waits 1, 2, 4 and 8 seconds before it locks for an hour', () => {
    let count: Count = NO_COUNT
    const waits = Array.from({ length: 11 }, () => {
      count = withFailure(count, LIMITS.account, START)
      return waitOf(count, LIMITS.account, START) / 1000
    })
    expect(waits).toEqual([0, 0, 0, 0, 0, 1, 2, 4, 8, 3600, 3600])
    expect(isLocked(count, LIMITS.account)).toBe(true)
  })

  test('of an account lets fewer than 100 guesses a day pass, from however many places', () => {
    expect(guessesIn(LIMITS.account, DAY)).toBeLessThanOrEqual(34)
    expect(guessesIn(LIMITS.account, DAY)).toBeGreaterThanOrEqual(10)
    expect(guessesIn({ ...LIMIT_UNDER_ATTACK }, HOUR)).toBe(3)
  })

  test.each(limits)(
    'of %s: last free failure, first that waits, last before the lock, lock',
    (_name, limit) => {
      const after = (level: number): number => waitOf({ level, at: START, until: 0 }, limit, START)
      expect(after(limit.free)).toBe(0)
      expect(after(limit.free + 1)).toBe(limit.firstWaitMs)
      expect(after(limit.lockAfter - 1)).toBeLessThan(limit.lockMs)
      expect(after(limit.lockAfter)).toBe(limit.lockMs)
    },
  )

  test.each(limits)('of %s is forgotten within a day, whatever was tried', (_name, limit) => {
    fc.assert(
      fc.property(fc.array(fc.nat(HOUR), { maxLength: 200 }), (pauses) => {
        let [now, count] = [START, NO_COUNT]
        for (const pause of pauses) {
          now += pause
          count = withFailure(count, limit, now)
        }
        expect(count.level).toBeLessThanOrEqual(limit.lockAfter)
        expect(forgottenAt(count, limit) - now).toBeLessThanOrEqual(DAY)
        expect(withFailure(count, limit, forgottenAt(count, limit)).level).toBeLessThan(1.001)
      }),
    )
  })

  test('is not longer for a clock that was turned back, nor shorter for waiting in vain', () => {
    const locked: Count = { level: 10, at: START, until: 0 }
    expect(withFailure(locked, LIMITS.account, START - DAY).level).toBe(10)
    expect(waitOf(locked, LIMITS.account, START + HOUR - 1)).toBe(1)
    expect(waitOf(locked, LIMITS.account, START + HOUR)).toBe(0)
    expect(waitOf({ ...NO_COUNT, until: START + 5 }, LIMITS.address, START)).toBe(5)
  })
})

describe('an attack', () => {
  test.each(Object.entries(ATTACK.accounts) as [keyof typeof ATTACK.accounts, number][])(
    'on %s is %i accounts that fail while few succeed',
    (scope, accounts) => {
      expect(isAttack({ failed: accounts - 1, succeeded: 0 }, scope)).toBe(false)
      expect(isAttack({ failed: accounts, succeeded: 0 }, scope)).toBe(true)
      expect(isAttack({ failed: accounts, succeeded: accounts / 2 }, scope)).toBe(false)
    },
  )
})
