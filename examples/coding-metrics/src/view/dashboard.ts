import {
  barChart,
  buttonLink,
  card,
  dataTable,
  emptyState,
  html,
  link,
  pageHeading,
  stackedChart,
  type Child,
  type Markup,
} from 'surety/ui'
import { amountOf, divide, DIVISIONS, type Division } from '../metrics/amounts.ts'
import { dayText, type Day } from '../metrics/calendar.ts'
import { daysOf, type DayRange, type OfferedDays } from '../metrics/range.ts'
import { clipRange, spansOfDay } from '../metrics/reports.ts'
import { stretchesOf, totalSeconds, type Beat, type Span } from '../metrics/spans.ts'
import type { Person } from '../people.ts'
import { figures, rangeLinks } from './parts.ts'
import { shell } from './shell.ts'

export interface DashboardView {
  readonly nonce: string
  readonly person: Person
  readonly days: OfferedDays
  readonly range: DayRange
  readonly today: Day
  /** The person's heartbeats of the range and a timeout more at both ends. */
  readonly beats: readonly Beat[]
}

/** A person's own time: per day, project, language, activity and file. */
export function dashboardPage(view: DashboardView): Markup {
  const spans = clipRange(view.beats, view.range)
  const total = amountOf(totalSeconds(spans))
  const project = divide(spans, 'projects')[0]
  return shell({
    nonce: view.nonce,
    title: 'Your coding time',
    current: '/',
    person: view.person,
    body: html`${pageHeading({
      title: 'Your coding time',
      eyebrow: `${dayText(view.range.first)} – ${dayText(view.range.last)}, ${view.range.zone}`,
      lead: project
        ? html`<strong>${total.text}</strong> in the last ${view.days} days, most of it on
            <strong dir="auto">${project.name}</strong>.`
        : `No time in the last ${view.days} days.`,
    })}
    ${rangeLinks('/', view.days)} ${spans.length === 0 ? nothingYet(view.beats.length > 0) : charts(view, spans)}`,
  })
}

function nothingYet(anyBeats: boolean): Markup {
  return html`${emptyState(
    anyBeats ? 'One heartbeat is not time yet' : 'Nothing has arrived yet',
    anyBeats
      ? 'Time is what passes between two heartbeats less than 15 minutes apart. Keep typing.'
      : 'Once your editor is connected, your time appears here within two minutes of typing.',
  )}
    <p class="aftermath">${buttonLink('/connect', 'Connect an editor', 'primary')}</p>`
}

function charts(view: DashboardView, spans: readonly Span[]): Child {
  return html`${summary(view, spans)}
    ${card({ title: 'Day by day', body: perDay(spans, view.range) })}
    <div class="charts">
      ${divisionCard(spans, 'projects', 'Projects', 'Project')}
      ${divisionCard(spans, 'languages', 'Languages', 'Language')}
      ${fileCard(spans)} ${divisionCard(spans, 'categories', 'Activities', 'Activity')}
      ${divisionCard(spans, 'editors', 'Editors', 'Editor')} ${todayCard(view, spans)}
    </div>
    <p class="aftermath">
      A stretch ends after 15 minutes without a heartbeat, and silence does not count. Only you, those in
      your team whose role allows it, and our staff with a grant that
      ${link('/account/access', 'you are shown')} see this page’s data;
      ${link('/security/data', 'every field we store is listed')}.
    </p>`
}

function summary({ range, today }: DashboardView, spans: readonly Span[]): Markup {
  const days = daysOf(range).map((day) => ({
    day,
    seconds: totalSeconds(spansOfDay(spans, day, range.zone)),
  }))
  const worked = days.filter(({ seconds }) => seconds > 0)
  const best = days.toSorted((a, b) => b.seconds - a.seconds)[0]!
  const average = totalSeconds(spans) / Math.max(worked.length, 1)
  return figures([
    { term: 'Today', value: amountOf(days.find(({ day }) => day === today)?.seconds ?? 0).text },
    {
      term: 'Average day',
      value: amountOf(average).text,
      aside: `over ${worked.length} day${worked.length === 1 ? '' : 's'} with work`,
    },
    { term: 'Longest day', value: amountOf(best.seconds).text, aside: dayText(best.day) },
    { term: 'Files', value: String(new Set(spans.map(({ beat }) => beat.entity)).size) },
  ])
}

const SHOWN_SERIES = 5

function perDay(spans: readonly Span[], range: DayRange): Markup {
  const names = divide(spans, 'projects').map(({ name }) => name)
  const shown = names.slice(0, SHOWN_SERIES)
  const series = names.length > shown.length ? [...shown, 'Other projects'] : shown
  const days = daysOf(range)
  const stacks = days.map((day) => {
    const slices = divide(spansOfDay(spans, day, range.zone), 'projects')
    const values: number[] = series.map(() => 0)
    for (const { name, total_seconds } of slices) {
      const at = shown.indexOf(name)
      values[at < 0 ? shown.length : at]! += total_seconds
    }
    return { label: tickText(day, days.length), values }
  })
  return stackedChart({
    caption: 'Time per day and project',
    labelHeader: 'Day',
    series,
    stacks,
    display: (seconds) => amountOf(seconds).text,
  })
}

// Within a week the weekday tells more; over weeks the month does.
function tickText(day: Day, days: number): string {
  const text = dayText(day)
  return days <= 7 ? text.slice(0, 6) : text.slice(4, 10)
}

const SHOWN_BARS = 7

function divisionCard(spans: readonly Span[], division: Division, title: string, header: string): Markup {
  const slices = divide(spans, division)
  const bars = slices.slice(0, SHOWN_BARS).map(({ name, total_seconds, text }) => {
    return { label: name, value: total_seconds, display: text }
  })
  const rest = slices.slice(SHOWN_BARS).reduce((sum, { total_seconds }) => sum + total_seconds, 0)
  if (rest > 0) {
    const count = slices.length - SHOWN_BARS
    bars.push({ label: `${count} more`, value: rest, display: amountOf(rest).text })
  }
  const caption = `Time per ${header.toLowerCase()}`
  return card({ title, body: barChart({ caption, labelHeader: header, valueHeader: 'Time', bars }) })
}

const SHOWN_FILES = 8

function fileCard(spans: readonly Span[]): Markup {
  const files = divide(spans, 'entities').slice(0, SHOWN_FILES)
  return card({
    title: 'Files',
    id: 'files',
    body: dataTable({
      caption: 'The files that took most time',
      columns: [
        { header: 'File', cell: ({ name }) => fileName(name) },
        { header: 'Time', cell: ({ text }) => text, align: 'number' },
      ],
      rows: files,
    }),
  })
}

function fileName(path: string): Child {
  const at = Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\'))
  const part = (look: string, text: string) =>
    html`<span class="${look}" title="${text}" dir="auto">${text}</span>`
  if (at < 0) return part('file', path)
  return html`${part('file', path.slice(at + 1))}${part('file path', path.slice(0, at))}`
}

function todayCard({ today, range }: DashboardView, spans: readonly Span[]): Markup {
  const clock = new Intl.DateTimeFormat('en-GB', { timeZone: range.zone, hour: '2-digit', minute: '2-digit' })
  const stretches = stretchesOf(spansOfDay(spans, today, range.zone), (beat) => DIVISIONS.projects(beat)[0]!)
  return card({
    title: 'Today',
    body:
      stretches.length === 0
        ? html`<p>Nothing yet today.</p>`
        : dataTable({
            caption: 'Stretches of work, the newest first',
            columns: [
              {
                header: 'Project',
                cell: ({ name }) => html`<span class="file" title="${name}">${name}</span>`,
              },
              {
                header: 'From – until',
                cell: ({ start, end }) => `${clock.format(start)} – ${clock.format(end)}`,
              },
              {
                header: 'Time',
                cell: ({ start, end }) => amountOf((end - start) / 1000).text,
                align: 'number',
              },
            ],
            rows: stretches.toReversed().slice(0, SHOWN_FILES),
          }),
  })
}
