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
