import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { manualClock, systemClock } from '../kernel/index.ts'
import { createTicker } from './ticker.ts'

/** How often to look for what comes by itself. */
const OFTEN = { interval: 5 }

test('runs at once when woken, then pauses before it runs again', async () => {
  const runs: number[] = []
  const ticker = createTicker(async () => void runs.push(performance.now()), {
    clock: systemClock,
    pauseMs: 60,
    pollMs: 10_000,
  })
  ticker.wake()
  expect(runs).toHaveLength(1)
  ticker.wake()
  ticker.wake()
  expect(runs).toHaveLength(1)
  await expect.poll(() => runs.length, OFTEN).toBe(2)
  expect(runs[1]! - runs[0]!).toBeGreaterThanOrEqual(55)
  await ticker.close()
})

test('waits after a first wake for what comes with it, and runs once for all', async () => {
  const runs: number[] = []
  const ticker = createTicker(async () => void runs.push(performance.now()), {
    clock: systemClock,
    pauseMs: 5,
    pollMs: 600_000,
    gatherMs: 40,
  })
  const woken = performance.now()
  ticker.wake()
  ticker.wake()
  expect(runs).toHaveLength(0)
  await expect.poll(() => runs.length, { timeout: 30_000 }).toBe(1)
  expect(runs[0]! - woken).toBeGreaterThanOrEqual(39)
  await sleep(60)
  expect(runs).toHaveLength(1)
  await ticker.close()
})

test('pauses for as long as it likes after a run of that length', async () => {
  const clock = manualClock(0)
  const took: number[] = []
  const ticker = createTicker(async () => clock.advance(40), {
    clock,
    pauseMs: (runMs) => {
      took.push(runMs)
      return runMs
    },
    pollMs: 10_000,
  })
  ticker.wake()
  await ticker.close()
  expect(took).toEqual([40])
})

test('runs unasked at intervals', async () => {
  let runs = 0
  const ticker = createTicker(async () => void (runs += 1), { clock: systemClock, pauseMs: 5, pollMs: 20 })
  await expect.poll(() => runs, OFTEN).toBeGreaterThanOrEqual(3)
  await ticker.close()
})

test('runs again when woken during a run, and never twice at once', async () => {
  let running = 0
  let runs = 0
  const ticker = createTicker(
    async () => {
      running += 1
      expect(running).toBe(1)
      await sleep(20)
      running -= 1
      runs += 1
    },
    { clock: systemClock, pauseMs: 1, pollMs: 10_000 },
  )
  ticker.wake()
  ticker.wake()
  await expect.poll(() => runs, OFTEN).toBe(2)
  await ticker.close()
  expect(runs).toBe(2)
})

test('waits for a run under way when closed, and runs no more', async () => {
  let runs = 0
  const ticker = createTicker(
    async () => {
      await sleep(30)
      runs += 1
    },
    { clock: systemClock, pauseMs: 1, pollMs: 5 },
  )
  ticker.wake()
  await ticker.close()
  expect(runs).toBe(1)
  ticker.wake()
  await sleep(40)
  expect(runs).toBe(1)
})
