const DAY_MS = 86_400_000
/** The last moment that a Date holds (ECMA-262, "Time Values and Time Range"): it begins a day. */
const LATEST_MS = 8.64e15
const MOMENT = /^\d{4}-(?:0[1-9]|1[0-2])-[0-3]\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/

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

/** The day that {@link parseMoment} saw last: many moments in turn are of one. */
let parsedDay = Number.NaN
/** Such as `2026-11-22T`. */
let parsedDayText = ''

/**
 * Unix milliseconds of a text that {@link isMoment} accepts; of another text it may be anything. What
 * `Date.parse` gives, at a tenth of its cost where many moments are of one day.
 */
export function parseMoment(text: string): number {
  if (parsedDayText === '' || !text.startsWith(parsedDayText)) {
    const ms = Date.parse(text)
    if (!Number.isFinite(ms)) return ms
    parsedDay = Math.floor(ms / DAY_MS)
    parsedDayText = formatMoment(ms).slice(0, -'00:00:00.000Z'.length)
    return ms
  }
  const minutes = digits(text, 11, 2) * 60 + digits(text, 14, 2)
  const seconds = minutes * 60 + digits(text, 17, 2)
  return parsedDay * DAY_MS + seconds * 1000 + digits(text, 20, 3)
}

/** The number that so many decimal digits write. */
function digits(text: string, at: number, count: number): number {
  let number = 0
  for (let i = at; i < at + count; i++) number = number * 10 + text.charCodeAt(i) - 0x30
  return number
}

/** True for the one text of a moment: `2026-11-22T00:20:00.000Z`. */
export function isMoment(text: string): boolean {
  if (!MOMENT.test(text)) return false
  const day = digits(text, 8, 2)
  // Every month has 28 days; the calendar knows which have more.
  return day > 28 ? roundTrips(text) : day > 0
}

function roundTrips(text: string): boolean {
  const ms = Date.parse(text)
  return Number.isFinite(ms) && new Date(ms).toISOString() === text
}
