import { describe, expect, test } from 'vitest'
import { systemClock } from '../kernel/index.ts'
import { clockFromEnvironment } from './clock.ts'

describe('clockFromEnvironment', () => {
  test('is the system’s clock unless the environment shifts it', () => {
    expect(clockFromEnvironment({})).toBe(systemClock)
    const ahead = clockFromEnvironment({ SURETY_CLOCK_OFFSET: '27d' }).now() - systemClock.now()
    expect(Math.round(ahead / 1_000)).toBe(27 * 86_400)
  })

  test.each([
    [{ SURETY_CLOCK_OFFSET: '27d', DATABASE_URL: 'postgres://db.example/app' }],
    [{ SURETY_CLOCK_OFFSET: '27d', NODE_ENV: 'production' }],
    [{ SURETY_CLOCK_OFFSET: '-27d' }],
    [{ SURETY_CLOCK_OFFSET: 'soon' }],
  ])('refuses %j: only a demo’s clock moves, and forward only', (environment) => {
    expect(() => clockFromEnvironment(environment)).toThrow(
      expect.objectContaining({ code: 'ERR_START_CLOCK' }),
    )
  })
})
