import type { Clock } from '../kernel/index.ts'

/** Runs a job when woken and, unasked, at intervals; never twice at once. */
export interface Ticker {
  /** Runs the job soon: after `gatherMs`, or when the pause after the last run is over. */
  wake(): void
  /** Stops, and waits for a run under way. */
  close(): Promise<void>
}

export interface TickerOptions {
  readonly clock: Pick<Clock, 'monotonic'>
  /** Least time between the end of a run and the next one, in milliseconds; given how long the run took. */
  readonly pauseMs: number | ((runMs: number) => number)
  /** How long a run waits, after the first wake outside a pause, for what else comes. Default 0: it runs at once. */
  readonly gatherMs?: number
  /** Longest time without a run, in milliseconds. */
  readonly pollMs: number
}

/** The job must not reject: what it cannot do it reports itself. A ticker does not keep a process alive. */
export function createTicker(
  job: () => Promise<void>,
  { clock, pauseMs, pollMs, gatherMs = 0 }: TickerOptions,
): Ticker {
  let running: Promise<void> | null = null
  let timer: NodeJS.Timeout | null = null
  let pausing = false
  let wanted = false
  let closed = false

  const schedule = (ms: number, pause: boolean): void => {
    if (timer) clearTimeout(timer)
    pausing = pause
    timer = setTimeout(elapse, ms)
    timer.unref()
  }
  const elapse = (): void => {
    if (pausing && !wanted) schedule(pollMs, false)
    else run()
  }
  const run = (): void => {
    if (timer) clearTimeout(timer)
    timer = null
    wanted = false
    const started = clock.monotonic()
    running = job().finally(() => {
      running = null
      const pause = typeof pauseMs === 'number' ? pauseMs : pauseMs(clock.monotonic() - started)
      if (!closed) schedule(pause, true)
    })
  }
  schedule(pollMs, false)
  return {
    wake() {
      if (closed) return
      if (!running && !pausing) {
        if (gatherMs === 0) return run()
        schedule(gatherMs, true)
      }
      wanted = true
    },
    async close() {
      closed = true
      if (timer) clearTimeout(timer)
      await running
    },
  }
}
