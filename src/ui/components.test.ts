import { describe, expect, it } from 'vitest'
import { codeBlock, command, shortHash } from './code.ts'
import { htmlDocument } from './document.ts'
import { mainContent, pageHeading, siteFooter, siteHeader } from './frame.ts'
import { html, renderMarkup } from './markup.ts'
import type { Markup } from './markup.ts'
import { button, buttonLink, card, definitionList, disclosure, emptyState, link, notice } from './section.ts'
import { dataTable } from './table.ts'
import { absoluteTime, relativeTime, timeAgo } from './time.ts'
import { badge, hiddenText } from './tone.ts'

const ATTACK = '"><script>alert(1)</script><img src=x onerror=alert(1)>\''
const NOON = Date.UTC(2026, 10, 22, 12)

const withAttack: Record<string, () => Markup> = {
  badge: () => badge('good', ATTACK),
  hiddenText: () => hiddenText(ATTACK),
  codeBlock: () => codeBlock(ATTACK, ATTACK),
  command: () => command(ATTACK),
  shortHash: () => shortHash(ATTACK),
  siteHeader: () => siteHeader({ name: ATTACK, links: [{ href: '/x', label: ATTACK }], current: ATTACK }),
  siteFooter: () => siteFooter(ATTACK),
  mainContent: () => mainContent(ATTACK),
  pageHeading: () => pageHeading({ title: ATTACK, eyebrow: ATTACK, lead: ATTACK }),
  card: () => card({ title: ATTACK, id: ATTACK, aside: ATTACK, body: ATTACK }),
  notice: () => notice('bad', ATTACK, ATTACK),
  emptyState: () => emptyState(ATTACK, ATTACK),
  definitionList: () => definitionList([[ATTACK, ATTACK]]),
  disclosure: () => disclosure({ summary: ATTACK, body: ATTACK }),
  link: () => link('/x', ATTACK),
  buttonLink: () => buttonLink('/x', ATTACK),
  button: () => button(ATTACK, { id: ATTACK }),
  dataTable: () =>
    dataTable({
      caption: ATTACK,
      columns: [
        { header: ATTACK, cell: () => ATTACK },
        { header: ATTACK, cell: () => ATTACK },
      ],
      rows: [1],
    }),
}

describe('every component', () => {
  it.each(Object.keys(withAttack))('%s shows an attack as text', (name) => {
    const rendered = renderMarkup(withAttack[name]!())
    expect(rendered).not.toMatch(/<script|<img/)
    expect(rendered).toContain('&lt;script&gt;')
    expect(rendered).not.toMatch(/ style=| on[a-z]+=["']/)
  })
})

describe('the document', () => {
  const page = renderMarkup(
    htmlDocument({
      title: `T ${ATTACK}`,
      nonce: 'N0nce',
      modules: ['/m.ts', '/"></script><script>x'],
      stylesheets: ['/app.css'],
      body: mainContent('hello'),
    }),
  )

  it('gives every script the nonce and lets no value close one', () => {
    const scripts = page.match(/<script[^>]*>/g) ?? []
    expect(scripts.length).toBe(2)
    for (const script of scripts) expect(script).toContain('nonce="N0nce"')
    expect(page).toContain('src="/&quot;&gt;&lt;/script&gt;&lt;script&gt;x"')
  })

  it('has language, title, viewport, colour scheme, a skip link and its target', () => {
    for (const part of [
      '<html lang="en">',
      'name="viewport"',
      'name="color-scheme"',
      'href="#content"',
      'id="content"',
    ]) {
      expect(page).toContain(part)
    }
    expect(page).toContain('<title>T &quot;&gt;&lt;script&gt;')
  })
})

describe('sections', () => {
  it('mark the current page in the navigation and no other', () => {
    const rendered = renderMarkup(
      siteHeader({
        name: 'X',
        links: [
          { href: '/a', label: 'A' },
          { href: '/b', label: 'B' },
        ],
        current: '/b',
      }),
    )
    expect(rendered).toContain('<a href="/b" aria-current="page">')
    expect(rendered.match(/aria-current/g)).toHaveLength(1)
  })

  it('announce bad news at once and other news politely', () => {
    expect(renderMarkup(notice('bad', 'No'))).toContain('role="alert"')
    expect(renderMarkup(notice('good', 'Yes'))).toContain('role="note"')
  })

  it('leave out definitions without a value', () => {
    expect(
      renderMarkup(
        definitionList([
          ['A', null],
          ['B', '1'],
        ]),
      ),
    ).not.toContain('<dt>A</dt>')
  })

  it('refuse a link that runs script', () => {
    expect(() => link('javascript:x', 'x')).toThrow(expect.objectContaining({ code: 'ERR_UI_UNSAFE_LINK' }))
    expect(() => buttonLink('javascript:x', 'x')).toThrow()
  })
})

describe('tables', () => {
  const table = renderMarkup(
    dataTable({
      caption: 'Fields',
      columns: [
        { header: 'Name', cell: (row: { name: string; size: number }) => html`<code>${row.name}</code>` },
        { header: 'Size', cell: (row) => row.size, align: 'number' },
      ],
      rows: [{ name: 'entity', size: 7 }],
    }),
  )

  it('head rows and columns and carry each column name into its cells for phones', () => {
    expect(table).toContain('<caption>Fields</caption>')
    expect(table).toContain('scope="row"')
    expect(table.match(/scope="col"/g)).toHaveLength(2)
    expect(table).toContain('data-label="Size"')
  })

  it('keep their roles when a layout takes the table display away', () => {
    for (const role of ['table', 'rowgroup', 'row', 'columnheader', 'rowheader', 'cell']) {
      expect(table).toContain(`role="${role}"`)
    }
  })
})

describe('times', () => {
  it.each([
    [NOON, 'just now'],
    [NOON - 4_999, 'just now'],
    [NOON - 60_000, '1 minute ago'],
    [NOON - 12 * 60_000, '12 minutes ago'],
    [NOON + 3 * 3_600_000, 'in 3 hours'],
    [NOON - 26 * 86_400_000, '26 days ago'],
  ])('%d reads %s', (at, words) => expect(relativeTime(at, NOON)).toBe(words))

  it('carry the exact moment for machines and as a tooltip', () => {
    const rendered = renderMarkup(timeAgo(NOON - 60_000, NOON))
    expect(rendered).toContain('datetime="2026-11-22T11:59:00.000Z"')
    expect(rendered).toContain('title="22 Nov 2026, 11:59 UTC"')
    expect(absoluteTime(NOON)).toBe('22 Nov 2026, 12:00 UTC')
  })
})

describe('code', () => {
  it('shortens a hash and keeps the whole of it at hand', () => {
    const rendered = renderMarkup(shortHash('0123456789abcdef'))
    expect(rendered).toContain('title="0123456789abcdef"')
    expect(rendered).toContain('>0123456789ab…<')
    expect(renderMarkup(shortHash('abc'))).toContain('>abc<')
  })
})
