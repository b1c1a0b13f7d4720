import { defineErrors } from './error.ts'

export const DurationError = defineErrors('DurationError', {
  ERR_DURATION_SYNTAX: 'write a whole number and one unit: ms, s, m, h, d, w or y, such as "24h" or "90d"',
})

const UNIT_MS = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
  y: 365 * 86_400_000,
} as const

type Unit = keyof typeof UNIT_MS

/** A length of time as configuration writes it: `"24h"`, `"27d"`, `"1y"` (365 days). */
export type Duration = `${number}${Unit}`

const LITERAL = /^(0|[1-9][0-9]{0,8})(ms|s|m|h|d|w|y)$/

/** True for a well-formed duration literal. */
export function isDuration(text: string): text is Duration {
  return LITERAL.test(text)
}

/**
 * Milliseconds of a duration literal.
 * @throws DurationError `ERR_DURATION_SYNTAX`
 */
export function parseDuration(text: string): number {
  const match = LITERAL.exec(text)
  if (!match) throw new DurationError('ERR_DURATION_SYNTAX', `not a duration: ${JSON.stringify(text)}`)
  return Number(match[1]) * UNIT_MS[match[2] as Unit]
}

const EXACT = ['d', 'h', 'm', 's', 'ms'] as const

/** A length of time exactly, as configuration and messages write it: `"6h"`, `"1d 2h 31m"`, `"0s"`. */
export function formatDuration(ms: number): string {
  const parts: string[] = []
  let rest = Math.round(ms)
  for (const unit of EXACT) {
    const count = Math.floor(rest / UNIT_MS[unit])
    rest -= count * UNIT_MS[unit]
    if (count > 0) parts.push(`${count}${unit}`)
  }
  return parts.join(' ') || '0s'
}

/**
 * The longest duration literal of one unit that is not above `ms`, in whole hours, minutes or seconds:
 * what to write where a configuration may say at most this much.
 */
export function durationAtMost(ms: number): Duration {
  const unit = (['d', 'h', 'm', 's'] as const).find((each) => ms >= 2 * UNIT_MS[each] || each === 's')!
  return `${Math.floor(Math.max(0, ms) / UNIT_MS[unit])}${unit}`
}

const WORDS: readonly (readonly [string, number])[] = [
  ['day', UNIT_MS.d],
  ['hour', UNIT_MS.h],
  ['minute', UNIT_MS.m],
  ['second', UNIT_MS.s],
]

/** A length of time for people, in its largest fitting unit, rounded down: `"3 hours"`. */
export function describeDuration(ms: number): string {
  for (const [word, size] of WORDS) {
    const count = Math.floor(ms / size)
    if (count >= 1) return `${count} ${word}${count === 1 ? '' : 's'}`
  }
  return 'under a second'
}
