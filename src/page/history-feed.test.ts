import { describe, expect, it } from 'vitest'
import { historyFeed } from './history-feed.ts'
import { claim, SampleLog } from './testing/sample-log.ts'
import { textsOf, xmlProblem } from './testing/well-formed.ts'

const site = { name: 'Codetime', origin: 'codetime.example', url: 'https://codetime.example', vkey: 'k' }
const feedOf = (log: SampleLog, shown = site): string => historyFeed(log.snapshot(), shown)
const titles = (feed: string): string[] => textsOf(feed, 'title').slice(1)
const HOUR = 3_600_000

function eventful(): SampleLog {
  return new SampleLog()
    .declare(claim('a.b?w=1', 'One hour'))
    .wait(1_000)
    .probe('a.b?w=1', 'kept')
    .wait(2 * HOUR)
    .probe('a.b?w=1', 'broken')
    .wait(1_000)
    .append({
      ...{ kind: 'promise.changed', previous: 'a.b?w=1', direction: 'weakened' },
      promise: claim('a.b?w=2', 'Two hours'),
    })
    .wait(1_000)
    .append({ kind: 'promise.withdrawn', key: 'a.b?w=2' })
}

describe('/security/history.rss', () => {
  it('tells every change once, newest first', () => {
    expect(titles(feedOf(eventful()))).toEqual([
      'Withdrawn: Two hours',
      'Broken: Two hours',
      'Weakened: Two hours',
      'Broken: One hour',
      'Unproven: One hour',
      'Kept: One hour',
      'Declared: One hour',
    ])
  })

  it('tells nothing of a check that finds the same again', () => {
    const log = new SampleLog().declare(claim('a.b', 'One')).probe('a.b', 'kept')
    const before = titles(feedOf(log))
    expect(before).toHaveLength(2)
    expect(titles(feedOf(log.wait(60_000).probe('a.b', 'kept')))).toEqual(before)
  })

  it('names each change by the entry behind it, for ever and once', () => {
    const log = eventful()
    const guids = textsOf(feedOf(log), 'guid')
    const ids = log.entries.map((entry) => `urn:uuid:${entry.id}`)
    expect(new Set(guids).size).toBe(guids.length)
    expect(guids.filter((guid) => ids.includes(guid))).toHaveLength(5)
    expect(guids).toContain('codetime.example/evidence a.b?w=1 unproven 2026-11-22T01:00:01.000Z')
    expect(textsOf(feedOf(log.wait(9 * HOUR).declare(claim('c.d', 'Other'))), 'guid').slice(1)).toEqual(guids)
  })

  it('dates as RFC 822 says and links absolutely', () => {
    const feed = feedOf(new SampleLog().declare(claim('a.b?w=1', 'One hour')))
    expect(textsOf(feed, 'pubDate')).toEqual(['Sun, 22 Nov 2026 00:00:00 GMT'])
    expect(textsOf(feed, 'link')).toEqual([
      'https://codetime.example/security/history',
      'https://codetime.example/security/history#p-a.b?w=1',
    ])
    expect(textsOf(feedOf(eventful()), 'link').at(-1)).toBe(
      'https://codetime.example/security/history#withdrawn',
    )
    expect(feed).toContain('href="https://codetime.example/security/history.rss" rel="self"')
  })

  it('is a whole feed for an empty log', () => {
    const feed = feedOf(new SampleLog())
    expect(xmlProblem(feed)).toBeNull()
    expect(feed).toMatch(/<rss version="2\.0"/)
    expect(feed).not.toMatch(/<item>|lastBuildDate/)
  })

  it('keeps the newest hundred changes', () => {
    const log = new SampleLog().declare(claim('a.b', 'Often'))
    for (let i = 0; i < 80; i++) log.wait(1_000).probe('a.b', 'kept').wait(1_000).probe('a.b', 'broken')
    expect(titles(feedOf(log))).toHaveLength(100)
    expect(titles(feedOf(log))[0]).toBe('Broken: Often')
  })

  it.each([
    '</title><script>alert(1)</script>',
    ']]>&nbsp;&',
    'a\u0000\u001b\ud800\uffff',
    'x'.repeat(9_000),
  ])('shows %j as text and stays well-formed', (word) => {
    const log = new SampleLog().declare(claim('a.b', word)).wait(1).probe('a.b', 'broken', word)
    const feed = feedOf(log, { ...site, name: word })
    expect(xmlProblem(feed)).toBeNull()
    expect(feed.match(/<item>/g)).toHaveLength(2)
    expect(feed).not.toContain('<script')
  })
})

describe('the check for well-formed XML', () => {
  it.each(['<a>', '<a></b>', '<a>&</a>', '<a>&nbsp;</a>', '<a b=c/>', '<a>< </a>', '<a/>x', '<a>\u0000</a>'])(
    'finds the fault in %j',
    (text) => expect(xmlProblem(text)).not.toBeNull(),
  )
})
