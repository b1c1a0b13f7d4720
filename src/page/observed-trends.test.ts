import { describe, expect, it } from 'vitest'
import { renderMarkup } from '../ui/index.ts'
import { buildHistory } from './history.ts'
import { historyView } from './history-view.ts'
import { observedTrends } from './observed-trends.ts'
import { claim, SampleLog } from './testing/sample-log.ts'

const site = { name: 'Codetime', origin: 'codetime.example', url: 'https://codetime.example', vkey: 'k' }

function pageOf(log: SampleLog): string {
  const [histories, trends] = [buildHistory(log.snapshot()), observedTrends(log.entries)]
  return renderMarkup(
    historyView({ site, nonce: 'n', hasSecurityTxt: false, histories, trends, now: log.clock.now() }),
  )
}

const declared = (): SampleLog => new SampleLog().declare(claim('a.b', 'We keep it'))

describe('the lines of observed values', () => {
  it('are drawn only for numbers that vary', () => {
    const log = declared()
    for (const rows of [3, 9, 4])
      log.wait(60_000).probe('a.b', 'kept', 'fine', { rows, rules: 7, name: `n${rows}`, leaked: rows > 3 })
    expect(observedTrends(log.entries).get('a.b')?.names).toEqual(['rows'])
    const page = pageOf(log)
    expect(page).toContain('aria-label="Rows over 3 results: 3 to 9, last 4"')
    expect(page).toContain('d="M0 26.667L50 0L100 22.222"')
    expect(page).toContain('What the 3 newest results observed')
    expect(page).toMatch(
      /Observed from <time[^>]*>22 Nov 2026, 00:01 UTC<\/time> to <time[^>]*>22 Nov 2026, 00:03 UTC/,
    )
    expect(page).not.toContain('Rules over')
  })

  it('are none for one result, for none, and for values that stay the same', () => {
    const log = declared().probe('a.b', 'kept', 'fine', { rows: 3 })
    expect(observedTrends(new SampleLog().entries).size).toBe(0)
    expect(observedTrends(log.entries).size).toBe(0)
    expect(observedTrends(log.wait(1_000).probe('a.b', 'kept', 'fine', { rows: 3 }).entries).size).toBe(0)
    expect(pageOf(log)).not.toContain('class="trend')
  })

  it('are three at most and say where a result did not observe the value', () => {
    const log = declared()
      .probe('a.b', 'kept', 'fine', { a: 1, b: 1, c: 1, d: 1 })
      .wait(1_000)
      .probe('a.b', 'undecided', 'stopped', {})
      .wait(1_000)
      .probe('a.b', 'kept', 'fine', { a: 2, b: 2, c: 2, d: 2 })
    expect(observedTrends(log.entries).get('a.b')?.names).toEqual(['a', 'b', 'c'])
    expect(pageOf(log)).toContain('not observed')
    expect(pageOf(log)).toContain('A over 2 results: 1 to 2, last 2')
  })

  it('draw the newest results only, and list fewer', () => {
    const log = declared()
    for (let i = 0; i < 150; i++) log.wait(1_000).probe('a.b', 'kept', 'fine', { count: i })
    expect(observedTrends(log.entries).get('a.b')?.results).toHaveLength(120)
    expect(pageOf(log)).toContain('Count over 120 results: 30 to 149, last 149')
    expect(pageOf(log)).toContain('What the 20 newest results observed')
  })

  it('show the name of a value as text', () => {
    const name = '"><script>alert(1)</script>'
    const log = declared()
      .probe('a.b', 'kept', 'fine', { [name]: 1, ['__proto__']: 2 })
      .wait(1_000)
      .probe('a.b', 'kept', 'fine', { [name]: 2 })
    expect(pageOf(log)).not.toContain('<script')
    expect(pageOf(log)).toContain('&lt;script&gt;')
  })
})

describe('/security/history', () => {
  it('leads to the feed and to each badge', () => {
    const page = pageOf(declared())
    expect(page).toContain(
      '<link rel="alternate" type="application/rss+xml" title="Changes of the promises of Codetime" href="/security/history.rss">',
    )
    expect(page).toContain('href="/security/badges/a.b.svg"')
  })
})
