import { describeDuration } from '../kernel/index.ts'
import {
  absoluteTime,
  badge,
  card,
  dataTable,
  disclosure,
  emptyState,
  exactTime,
  html,
  inlineCode,
  notice,
  pageHeading,
  timeline,
} from '../ui/index.ts'
import type { Child, Markup, TimelineSpan } from '../ui/index.ts'
import type { StatusInterval } from '../verify/index.ts'
import type { Site } from './evidence.ts'
import type { PromiseHistory } from './history.ts'
import { FEED_PATH } from './history-feed.ts'
import { trendsView } from './observed-trends.ts'
import type { ObservedTrends } from './observed-trends.ts'
import { badgePath } from './promise-badge.ts'
import { framed } from './site-frame.ts'
import type { FrameOptions } from './site-frame.ts'
import { anchorOf, countOf, STATUS_TONE, STATUS_WORD } from './words.ts'

/** Newest stretches shown per promise; `/security/history.json` has all. */
const SHOWN_INTERVALS = 40
/** Of these, the ones that stand open. */
const OPEN_INTERVALS = 4

export interface HistoryViewOptions extends FrameOptions {
  readonly site: Site
  readonly histories: readonly PromiseHistory[]
  /** By key; default none. */
  readonly trends?: ReadonlyMap<string, ObservedTrends>
  /** Unix milliseconds. */
  readonly now: number
}

/** `/security/history`: how every promise ever made has stood, withdrawn ones included. */
export function historyView(options: HistoryViewOptions): Markup {
  const inForce = options.histories.filter((history) => history.withdrawnAt === null)
  const ended = options.histories.filter((history) => history.withdrawnAt !== null)
  return framed(options, {
    title: 'History',
    description: `How the security promises of ${options.site.name} have stood over time.`,
    current: '/security/history',
    alternates: [
      {
        type: 'application/rss+xml',
        title: `Changes of the promises of ${options.site.name}`,
        href: FEED_PATH,
      },
    ],
    content: [
      pageHeading({
        title: 'History of the promises',
        lead: html`Read from the evidence log, where nothing can be taken out. The same as data: <a href="/security/history.json">history.json</a>. Changes as they come: <a href="${FEED_PATH}">RSS feed</a>.`,
      }),
      inForce.length === 0
        ? emptyState('No promise is in force', 'The evidence log holds no promise yet.')
        : inForce.map((history) => historyCard(history, options)),
      html`<section id="withdrawn" class="stack"><h2>Withdrawn or replaced</h2>${
        ended.length === 0
          ? html`<p class="anchor-line">No promise has been withdrawn or replaced.</p>`
          : ended.map((history) => historyCard(history, options))
      }</section>`,
    ],
  })
}

function historyCard(history: PromiseHistory, { now, trends }: HistoryViewOptions): Markup {
  const end = history.withdrawnAt === null ? now : Date.parse(history.withdrawnAt)
  const lasting = lastingIntervals(history)
  const shown = lasting.slice(-SHOWN_INTERVALS)
  const hidden = lasting.length - shown.length
  const observed = trends?.get(history.key)
  return card({
    title: history.sentence,
    id: history.withdrawnAt === null ? anchorOf(history.key) : '',
    level: 3,
    aside: history.status
      ? badge(STATUS_TONE[history.status], STATUS_WORD[history.status])
      : badge('neutral', 'No longer in force'),
    body: [
      html`<p class="anchor-line">${inlineCode(history.key)} · declared ${exactTime(Date.parse(history.declaredAt))} · <a href="${badgePath(history.key)}">Badge (SVG)</a></p>`,
      ending(history),
      shown.length > 0 ? intervalTimeline(shown, end) : null,
      intervalTables(history, shown.toReversed(), end),
      hidden > 0
        ? html`<p class="small">${countOf(hidden, 'earlier stretch', 'earlier stretches')} in <a href="/security/history.json">history.json</a>.</p>`
        : null,
      observed ? trendsView(observed) : null,
    ],
  })
}

// What took no time is left out, and so is the state after the end, which the notice tells.
function lastingIntervals({ intervals, withdrawnAt }: PromiseHistory): readonly StatusInterval[] {
  return intervals.filter(
    ({ from, until }) =>
      until !== from && (withdrawnAt === null || Date.parse(from) < Date.parse(withdrawnAt)),
  )
}

function ending({ withdrawnAt, changedTo }: PromiseHistory): Child {
  if (withdrawnAt === null) return null
  const when = absoluteTime(Date.parse(withdrawnAt))
  if (!changedTo) return notice('unsure', `Withdrawn on ${when}`)
  const title = { weakened: 'Weakened', strengthened: 'Strengthened', reworded: 'Reworded' }[
    changedTo.direction
  ]
  return notice(
    changedTo.direction === 'weakened' ? 'unsure' : 'neutral',
    `${title} on ${when}`,
    html`Since then it reads: <a href="#${anchorOf(changedTo.key)}" dir="auto">${changedTo.sentence}</a>`,
  )
}

function endOf(interval: StatusInterval, end: number): number {
  return interval.until === null ? end : Date.parse(interval.until)
}

function intervalTimeline(intervals: readonly StatusInterval[], end: number): Markup {
  const spans: TimelineSpan[] = intervals.map((interval) => ({
    tone: STATUS_TONE[interval.status],
    from: Date.parse(interval.from),
    until: endOf(interval, end),
  }))
  return timeline({
    spans,
    description: `${countOf(intervals.length, 'stretch', 'stretches')} of time by status; the table below lists them`,
    startLabel: exactTime(spans[0]!.from),
    endLabel: exactTime(end),
  })
}

// The newest stretches stand open; a long tail folds away.
function intervalTables(history: PromiseHistory, newestFirst: readonly StatusInterval[], end: number): Child {
  if (newestFirst.length === 0) return null
  if (newestFirst.length <= OPEN_INTERVALS + 2) return intervalTable(history, newestFirst, end)
  const folded = newestFirst.slice(OPEN_INTERVALS)
  return [
    intervalTable(history, newestFirst.slice(0, OPEN_INTERVALS), end),
    disclosure({
      summary: `Show ${countOf(folded.length, 'earlier stretch', 'earlier stretches')}`,
      body: intervalTable(history, folded, end),
    }),
  ]
}

function intervalTable(history: PromiseHistory, intervals: readonly StatusInterval[], end: number): Markup {
  return dataTable<StatusInterval>({
    caption: `How "${history.sentence}" stood`,
    hideCaption: true,
    columns: [
      {
        header: 'Status',
        cell: (interval) => badge(STATUS_TONE[interval.status], STATUS_WORD[interval.status]),
      },
      { header: 'From', cell: (interval) => exactTime(Date.parse(interval.from)) },
      { header: 'Lasted', cell: (interval) => lasted(interval, end) },
      { header: 'Why', cell: (interval) => interval.reason },
    ],
    rows: intervals,
  })
}

function lasted(interval: StatusInterval, end: number): Child {
  const words = describeDuration(endOf(interval, end) - Date.parse(interval.from))
  return interval.until === null ? `${words} so far` : words
}
