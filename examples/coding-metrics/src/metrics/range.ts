import { addDays, dayOf, daysBetween, isDay, type Day } from './calendar.ts'

/** Days, both included, in one time zone. */
export interface DayRange {
  readonly first: Day
  readonly last: Day
  readonly zone: string
}

/** The lengths of time the dashboard offers, in days. */
export const OFFERED_DAYS = [7, 14, 30] as const
export type OfferedDays = (typeof OFFERED_DAYS)[number]

/** No answer spans more days than this. */
export const MAX_DAYS = 366

const LENGTHS: Readonly<Record<string, number>> = {
  last_7_days: 7,
  last_14_days: 14,
  last_30_days: 30,
  last_6_months: 182,
  last_year: 365,
}

/**
 * The days of a named range, today included: `last_7_days` … `last_year`, `today`, `yesterday`,
 * `YYYY` or `YYYY-MM`. Null for a name that is none of these.
 */
export function namedRange(name: string, now: number, zone: string): DayRange | null {
  const today = dayOf(now, zone)
  const word = name.toLowerCase().replaceAll(' ', '_')
  if (word === 'today') return { first: today, last: today, zone }
  if (word === 'yesterday') return { first: addDays(today, -1), last: addDays(today, -1), zone }
  const length = Object.hasOwn(LENGTHS, word) ? LENGTHS[word] : undefined
  if (length !== undefined) return { first: addDays(today, 1 - length), last: today, zone }
  if (/^\d{4}$/.test(name) && isDay(`${name}-01-01`)) {
    return { first: `${name}-01-01`, last: `${name}-12-31`, zone }
  }
  if (/^\d{4}-\d{2}$/.test(name) && isDay(`${name}-01`)) {
    return { first: `${name}-01`, last: addDays(firstOfNextMonth(name), -1), zone }
  }
  return null
}

function firstOfNextMonth(month: string): Day {
  return `${addDays(`${month}-28`, 4).slice(0, 7)}-01`
}

/** The days from `start` to `end` as a client sends them (a day, or a timestamp that begins with one). */
export function givenRange(start: string, end: string, zone: string): DayRange | null {
  const [first, last] = [start.slice(0, 10), end.slice(0, 10)]
  if (!isDay(first) || !isDay(last) || last < first) return null
  return daysOf({ first, last, zone }).length <= MAX_DAYS ? { first, last, zone } : null
}

/** Each day of the range; stops counting one past {@link MAX_DAYS}. */
export function daysOf({ first, last }: DayRange): Day[] {
  const limit = addDays(first, MAX_DAYS)
  return daysBetween(first, last < limit ? last : limit)
}
