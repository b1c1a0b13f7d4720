import { amountOf, divide, type Amount, type Division, type Slice } from './amounts.ts'
import { addDays, dayText, startOfDay, type Day } from './calendar.ts'
import { daysOf, type DayRange } from './range.ts'
import {
  clipSpans,
  KEYSTROKE_TIMEOUT_MS,
  spansOf,
  stretchesOf,
  totalSeconds,
  type Beat,
  type Span,
} from './spans.ts'

/** The divisions every report carries, in the WakaTime API's order. */
const REPORTED = [
  'projects',
  'languages',
  'categories',
  'editors',
  'operating_systems',
  'machines',
  'dependencies',
] as const satisfies readonly Division[]

type Divisions = Readonly<Record<(typeof REPORTED)[number], Slice[]>>

export interface DayReport extends Divisions {
  readonly grand_total: Amount
  readonly range: { date: Day; start: string; end: string; text: string; timezone: string }
}

/** The instants whose heartbeats a range needs: a timeout more at both ends, so that no gap is cut off. */
export function neededInstants({ first, last, zone }: DayRange): { from: Date; until: Date } {
  return {
    from: new Date(startOfDay(first, zone) - KEYSTROKE_TIMEOUT_MS),
    until: new Date(startOfDay(addDays(last, 1), zone) + KEYSTROKE_TIMEOUT_MS),
  }
}

/** The spans of one day in the range's zone. */
export function spansOfDay(spans: readonly Span[], day: Day, zone: string): Span[] {
  return clipSpans(spans, startOfDay(day, zone), startOfDay(addDays(day, 1), zone))
}

/** Everything about one day. */
export function dayReport(beats: readonly Beat[], day: Day, zone: string): DayReport {
  return reportDay(spansOfDay(spansOf(beats), day, zone), day, zone)
}

function reportDay(spans: readonly Span[], day: Day, zone: string): DayReport {
  const end = new Date(startOfDay(addDays(day, 1), zone) - 1000)
  return {
    grand_total: amountOf(totalSeconds(spans)),
    ...divideAll(spans),
    range: {
      date: day,
      start: new Date(startOfDay(day, zone)).toISOString(),
      end: end.toISOString(),
      text: dayText(day),
      timezone: zone,
    },
  }
}

function divideAll(spans: readonly Span[]): Divisions {
  return Object.fromEntries(REPORTED.map((division) => [division, divide(spans, division)])) as Record<
    (typeof REPORTED)[number],
    Slice[]
  >
}

/** `GET summaries`: one report a day, and the totals over all. */
export function summaries(beats: readonly Beat[], range: DayRange) {
  const spans = spansOf(beats)
  const data = daysOf(range).map((day) => reportDay(spansOfDay(spans, day, range.zone), day, range.zone))
  const seconds = data.reduce((sum, day) => sum + day.grand_total.total_seconds, 0)
  const cumulative = amountOf(seconds)
  return {
    data,
    cumulative_total: { seconds: cumulative.total_seconds, ...formsOf(cumulative) },
    daily_average: averageOf(data.map((day) => day.grand_total.total_seconds)),
    start: data[0]!.range.start,
    end: data.at(-1)!.range.end,
  }
}

function formsOf({ text, digital, decimal }: Amount): Pick<Amount, 'text' | 'digital' | 'decimal'> {
  return { text, digital, decimal }
}

/** The average over the days on which there was any work, as WakaTime counts it. */
function averageOf(secondsPerDay: readonly number[]) {
  const worked = secondsPerDay.filter((seconds) => seconds > 0)
  const average = worked.length === 0 ? 0 : worked.reduce((sum, seconds) => sum + seconds, 0) / worked.length
  const amount = amountOf(average)
  return {
    seconds: amount.total_seconds,
    text: amount.text,
    days_including_holidays: secondsPerDay.length,
    days_minus_holidays: worked.length,
    holidays: secondsPerDay.length - worked.length,
  }
}

/** `GET stats/{range}`: the totals of a range. */
export function stats(beats: readonly Beat[], range: DayRange, name: string) {
  const perDay = summaries(beats, range)
  const spans = clipRange(beats, range)
  const best = perDay.data.toSorted((a, b) => b.grand_total.total_seconds - a.grand_total.total_seconds)[0]!
  return {
    range: name,
    start: perDay.start,
    end: perDay.end,
    timezone: range.zone,
    timeout: KEYSTROKE_TIMEOUT_MS / 60_000,
    writes_only: false,
    status: 'ok',
    is_up_to_date: true,
    percent_calculated: 100,
    total_seconds: perDay.cumulative_total.seconds,
    human_readable_total: perDay.cumulative_total.text,
    daily_average: perDay.daily_average.seconds,
    human_readable_daily_average: perDay.daily_average.text,
    days_including_holidays: perDay.daily_average.days_including_holidays,
    days_minus_holidays: perDay.daily_average.days_minus_holidays,
    holidays: perDay.daily_average.holidays,
    best_day:
      best.grand_total.total_seconds > 0
        ? {
            date: best.range.date,
            text: best.grand_total.text,
            total_seconds: best.grand_total.total_seconds,
          }
        : null,
    ...divideAll(spans),
    branches: divide(spans, 'branches'),
  }
}

/** The spans of a whole range. */
export function clipRange(beats: readonly Beat[], { first, last, zone }: DayRange): Span[] {
  return clipSpans(spansOf(beats), startOfDay(first, zone), startOfDay(addDays(last, 1), zone))
}

/** `GET durations`: the stretches of one day per project. */
export function durations(beats: readonly Beat[], day: Day, zone: string) {
  const spans = spansOfDay(spansOf(beats), day, zone)
  const report = reportDay(spans, day, zone)
  return {
    data: stretchesOf(spans, (beat) => beat.project ?? 'Unknown project').map(({ name, start, end }) => ({
      project: name,
      time: start / 1000,
      duration: (end - start) / 1000,
    })),
    branches: [...new Set(spans.flatMap(({ beat }) => beat.branch ?? []))].toSorted(),
    start: report.range.start,
    end: report.range.end,
    timezone: zone,
  }
}

/** `GET statusbar/today`. */
export function statusBar(beats: readonly Beat[], day: Day, zone: string, now: number) {
  return {
    cached_at: new Date(now).toISOString(),
    data: dayReport(beats, day, zone),
    has_team_features: true,
  }
}
