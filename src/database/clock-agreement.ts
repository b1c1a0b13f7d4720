import { formatDuration, type Clock } from '../kernel/index.ts'
import type { Connection } from './connection.ts'
import { DatabaseError } from './errors.ts'

/** How far the clocks are apart, in milliseconds, from the app's side: positive where the app's is ahead. */
export interface ClockComparison {
  readonly agree: boolean
  /** The app's clock against the database's. */
  readonly databaseMs: number
  /** The app's clock against monotonic time since the comparison was opened. */
  readonly monotonicMs: number
}

/** Compares the clocks that a destruction rests on. */
export interface ClockAgreement {
  compare(): Promise<ClockComparison>
  /**
   * To be awaited before anything is destroyed because its time has come.
   * @throws DatabaseError `ERR_DATABASE_CLOCKS`
   */
  assertAgree(): Promise<void>
}

export interface ClockAgreementOptions {
  readonly clock: Clock
  readonly connection: Connection
  /** Greatest difference that still counts as agreement: `c`, declared as `keys.clockError`. */
  readonly toleranceMs: number
}

/**
 * Watches the app's clock from now on. It must agree with the database's, and must have advanced as
 * monotonic time has: a clock that was set while the process runs is noticed even where the
 * database reads the same one, and stays noticed until a restart, by which an operator vouches for it.
 *
 * A demo's clock that is ahead on purpose (`aheadMs`) is compared without that.
 *
 * LIMIT: a host whose one clock was wrong before the process started, under an embedded database,
 * is not noticed here. Monotonic time stands still while a machine sleeps: waking counts as a jump.
 */
export function watchClocks({ clock, connection, toleranceMs }: ClockAgreementOptions): ClockAgreement {
  const real = (): number => clock.now() - (clock.aheadMs ?? 0)
  const started = real() - clock.monotonic()
  const compare = async (): Promise<ClockComparison> => {
    const asked = real()
    const rows = await connection.query<{ ms: number }>(
      'select extract(epoch from clock_timestamp())::float8 * 1000 as ms',
    )
    const answered = real()
    const databaseMs = beyond(asked, answered, rows[0]!.ms)
    const monotonicMs = Math.round(answered - clock.monotonic() - started)
    const agree = Math.max(Math.abs(databaseMs), Math.abs(monotonicMs)) <= toleranceMs
    return { agree, databaseMs, monotonicMs }
  }
  return {
    compare,
    async assertAgree() {
      const found = await compare()
      if (found.agree) return
      throw new DatabaseError('ERR_DATABASE_CLOCKS', describe(found, toleranceMs))
    },
  }
}

/** How far a moment lies outside the time in which it was asked for; 0 inside. */
function beyond(asked: number, answered: number, moment: number): number {
  if (moment < asked) return Math.round(asked - moment)
  return moment > answered ? Math.round(answered - moment) : 0
}

function describe({ databaseMs, monotonicMs }: ClockComparison, toleranceMs: number): string {
  const apart = (ms: number, what: string): string =>
    `${formatDuration(Math.abs(ms))} ${ms < 0 ? 'behind' : 'ahead of'} ${what}`
  const both = [apart(databaseMs, 'the database’s'), apart(monotonicMs, 'monotonic time since the start')]
  return `the app’s clock is ${both.join(' and ')}; agreed is at most ${formatDuration(toleranceMs)}`
}
