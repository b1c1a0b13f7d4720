const DAY_MS = 86_400_000
/** The last moment that a Date holds (ECMA-262, "Time Values and Time Range"): it begins a day. */
const LATEST_MS = 8.64e15
const MOMENT = /^\d{4}-(?:0[1-9]|1[0-2])-([0-3]\d)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/

/** The texts of days, each at the place that its number falls on: more than a year of them. */
const KNOWN_DAYS = 512
const days = new Float64Array(KNOWN_DAYS).fill(Number.NaN)
const dayTexts = Array.from({ length: KNOWN_DAYS }, () => '')

const upTo = (most: number, width: number): readonly string[] =>
  Array.from({ length: most }, (_, number) => String(number).padStart(width, '0'))
const TWO_DIGITS = upTo(60, 2)
const THREE_DIGITS = upTo(1_000, 3)

/**
 * The one text of a moment, in UTC with milliseconds: `2026-11-22T00:20:00.000Z`. What
 * `Date.toISOString` gives, at a tenth of its cost where its day came up lately.
 *
 * @throws RangeError for what is no time
 */
export function formatMoment(ms: number): string {
  const day = Math.floor(ms / DAY_MS)
  const place = day & (KNOWN_DAYS - 1)
  if (days[place] !== day || ms > LATEST_MS) {
    dayTexts[place] = new Date(ms).toISOString().slice(0, -'00:00:00.000Z'.length)
    days[place] = day
  }
  const rest = Math.trunc(ms - day * DAY_MS)
  const seconds = Math.floor(rest / 1000)
  const minutes = Math.floor(seconds / 60)
  const clock = `${TWO_DIGITS[Math.floor(minutes / 60)]}:${TWO_DIGITS[minutes % 60]}:${TWO_DIGITS[seconds % 60]}`
  return `${dayTexts[place]}${clock}.${THREE_DIGITS[rest % 1000]}Z`
}

/** True for the one text of a moment: `2026-11-22T00:20:00.000Z`. */
export function isMoment(text: string): boolean {
  const match = MOMENT.exec(text)
  if (match === null) return false
  const day = Number(match[1])
  // Every month has 28 days; the calendar knows which have more.
  return day > 28 ? roundTrips(text) : day > 0
}

function roundTrips(text: string): boolean {
  const ms = Date.parse(text)
  return Number.isFinite(ms) && new Date(ms).toISOString() === text
}
