/**
 * The only source of time. Nothing else in `src` calls `Date.now()`, and our SQL never calls `now()`:
 * a demo's clock can be shifted and a test's clock stands still.
 */
export interface Clock {
  /** Wall time in milliseconds since the Unix epoch. */
  now(): number
  /** Milliseconds of a clock that never goes back; only differences mean anything. */
  monotonic(): number
  /** How far `now` runs ahead of real time on purpose, in milliseconds; only a demo's clock has it. Default 0. */
  readonly aheadMs?: number
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
}

/** A clock ahead of another one by `offsetMs`, forward only. */
export function shiftedClock(offsetMs: number, base: Clock = systemClock): Clock {
  if (!(offsetMs >= 0)) throw new RangeError(`a clock is shifted forward only, not by ${offsetMs} ms`)
  return {
    now: () => base.now() + offsetMs,
    monotonic: () => base.monotonic(),
    aheadMs: (base.aheadMs ?? 0) + offsetMs,
  }
}

/** A clock that moves only when told to; for tests. */
export interface ManualClock extends Clock {
  advance(ms: number): void
}

export function manualClock(startMs: number): ManualClock {
  let elapsed = 0
  return {
    now: () => startMs + elapsed,
    monotonic: () => elapsed,
    advance(ms) {
      elapsed += ms
    },
  }
}
