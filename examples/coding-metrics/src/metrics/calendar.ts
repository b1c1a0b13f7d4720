/** A calendar day as `YYYY-MM-DD`. */
export type Day = string

export const DAY_MS = 86_400_000

/** True for a real calendar day of the years 1970 to 9999. */
export function isDay(text: string): text is Day {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || text < '1970') return false
  const date = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text)
}

/** The zone itself when this runtime knows it (IANA name), else `UTC`: clients send anything. */
export function knownZone(zone: string | null): string {
  if (zone === null || zone === '') return 'UTC'
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone
  } catch {
    return 'UTC'
  }
}

const formats = new Map<string, Intl.DateTimeFormat>()

function wallClock(ms: number, zone: string): number {
  let format = formats.get(zone)
  if (!format) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
    // There are some 600 zones; callers pass only known ones.
    formats.set(zone, format)
  }
  const part: Record<string, number> = {}
  for (const { type, value } of format.formatToParts(ms)) part[type] = Number(value)
  return Date.UTC(
    part['year']!,
    part['month']! - 1,
    part['day'],
    part['hour'],
    part['minute'],
    part['second'],
  )
}

/** The day it is in `zone` at `ms`. */
export function dayOf(ms: number, zone: string): Day {
  return new Date(wallClock(ms, zone)).toISOString().slice(0, 10)
}

/** The first instant of `day` in `zone`, in Unix milliseconds, also where midnight does not exist. */
export function startOfDay(day: Day, zone: string): number {
  const midnight = Date.parse(`${day}T00:00:00Z`)
  let [before, within] = [midnight - DAY_MS, midnight + DAY_MS]
  // Days begin within a day of the same wall time in UTC, whole seconds, once: search for the edge.
  while (within - before > 1000) {
    const middle = Math.floor((before + within) / 2000) * 1000
    if (middle <= before) break
    if (dayOf(middle, zone) < day) before = middle
    else within = middle
  }
  return within
}

/** `day` moved by whole days. */
export function addDays(day: Day, days: number): Day {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10)
}

/** All days from `first` to `last`, both included; empty when `last` comes before `first`. */
export function daysBetween(first: Day, last: Day): Day[] {
  const days: Day[] = []
  for (let day = first; day <= last; day = addDays(day, 1)) days.push(day)
  return days
}

/** `Sat Nov 21st 2026`-like text without locale surprises: `Sat 21 Nov 2026`. */
export function dayText(day: Day): string {
  const date = new Date(`${day}T00:00:00Z`)
  const [weekday, rest] = date.toUTCString().split(', ')
  return `${weekday} ${(rest ?? '').slice(0, 11)}`
}
