import { html } from '../ui/index.ts'
import type { Markup } from '../ui/index.ts'
import type { EvidenceEntry, PromiseStanding, StatusInterval } from '../verify/index.ts'
import type { EvidenceSnapshot, Site } from './evidence.ts'
import { anchorOf, asSentence, STATUS_WORD } from './words.ts'
import { xmlDocument } from './xml.ts'

/** Path of the feed. */
export const FEED_PATH = '/security/history.rss'
/** Newest changes in the feed; `/security/history.json` has all. */
const MAX_ITEMS = 100

interface Change {
  /** UTC, as in the log. */
  readonly at: string
  /** Never changes for the same change. */
  readonly guid: string
  readonly key: string
  readonly title: string
  readonly text: string
}

/**
 * Changes of the promises as RSS 2.0, newest first: declared, changed and withdrawn promises, and each
 * stretch of a status that began. A check that finds the same again is no change.
 *
 * The guid is the id of the log entry behind a change; a status that lapsed by itself has no entry and is
 * named by log, promise, status and time.
 */
export function historyFeed(evidence: EvidenceSnapshot, site: Site): string {
  const inForce = new Set(
    evidence.standings.filter((one) => one.withdrawnAt === null).map((one) => one.claim.key),
  )
  const changes = changesOf(evidence, site)
  const linkOf = (key: string) =>
    new URL(`/security/history#${inForce.has(key) ? anchorOf(key) : 'withdrawn'}`, site.url).href
  const newest = changes[0]
  return xmlDocument(html`<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel>
<title>${site.name}: changes of the security promises</title>
<link>${new URL('/security/history', site.url).href}</link>
<description>Read from the evidence log ${site.origin}/evidence.</description>
<language>en</language>
<atom:link href="${new URL(FEED_PATH, site.url).href}" rel="self" type="application/rss+xml"/>
${newest ? html`<lastBuildDate>${rfc822(newest.at)}</lastBuildDate>` : null}
${changes.slice(0, MAX_ITEMS).map((change) => itemOf(change, linkOf(change.key)))}
</channel></rss>`)
}

function itemOf(change: Change, link: string): Markup {
  return html`<item><title>${change.title}</title><link>${link}</link><guid isPermaLink="false">${change.guid}</guid><pubDate>${rfc822(change.at)}</pubDate><description>${change.text}</description></item>
`
}

// RSS 2.0 asks for RFC 822 dates; four digits of the year are allowed.
function rfc822(at: string): string {
  return new Date(at).toUTCString()
}

function changesOf(evidence: EvidenceSnapshot, site: Site): Change[] {
  const sentences = new Map(evidence.standings.map((one) => [one.claim.key, one.claim.sentence]))
  const turns = new Map<string, string>()
  const results = new Map<string, string>()
  const changes: Change[] = []
  for (const entry of evidence.entries) {
    if (entry.kind === 'probe.result') results.set(`${entry.key} ${entry.at}`, entry.id)
    for (const key of turnedBy(entry)) turns.set(`${key} ${entry.at}`, entry.id)
    const change = changeOf(entry, sentences)
    if (change) changes.push(change)
  }
  const began = evidence.standings.flatMap((standing) => {
    const { key, sentence } = standing.claim
    return lasting(standing)
      .filter(({ status, from }) => status !== 'unproven' || !turns.has(`${key} ${from}`))
      .map(({ status, from, reason }) => ({
        ...{ at: from, key, title: `${STATUS_WORD[status]}: ${sentence}`, text: asSentence(reason) },
        guid: guidOf(results.get(`${key} ${from}`)) ?? `${site.origin}/evidence ${key} ${status} ${from}`,
      }))
  })
  // Times of the log have one width, so they sort as text; the later of two at one time comes first.
  return [...changes, ...began].toReversed().toSorted((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0))
}

function lasting({ history }: PromiseStanding): readonly StatusInterval[] {
  return history.filter(({ from, until }) => from !== until)
}

function guidOf(id: string | undefined): string | null {
  return id === undefined ? null : `urn:uuid:${id}`
}

/** Keys that an entry puts in or out of force. */
function turnedBy(entry: EvidenceEntry): string[] {
  if (entry.kind === 'promise.declared') return [entry.promise.key]
  if (entry.kind === 'promise.withdrawn') return [entry.key]
  return entry.kind === 'promise.changed' ? [entry.promise.key, entry.previous] : []
}

function changeOf(entry: EvidenceEntry, sentences: ReadonlyMap<string, string>): Change | null {
  const base = { at: entry.at, guid: `urn:uuid:${entry.id}` }
  if (entry.kind === 'promise.declared') {
    const { key, sentence } = entry.promise
    return { ...base, key, title: `Declared: ${sentence}`, text: `The promise ${key} is in force.` }
  }
  if (entry.kind === 'promise.withdrawn') {
    const title = `Withdrawn: ${sentences.get(entry.key) ?? entry.key}`
    return { ...base, key: entry.key, title, text: `The promise ${entry.key} is no longer made.` }
  }
  if (entry.kind !== 'promise.changed') return null
  const { key, sentence } = entry.promise
  const word = { weakened: 'Weakened', strengthened: 'Strengthened', reworded: 'Changed' }[entry.direction]
  const before = entry.previous === key ? '' : ` It was ${entry.previous}.`
  return { ...base, key, title: `${word}: ${sentence}`, text: `The promise is now ${key}.${before}` }
}
