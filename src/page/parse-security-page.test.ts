import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Catalogue } from './catalogue.ts'
import { PageError } from './errors.ts'
import { parseSecurityPage } from './parse-security-page.ts'

function refusal(source: string, catalogue: Catalogue | null = null): { code: string; message: string } {
  try {
    parseSecurityPage(source, catalogue)
  } catch (error) {
    if (error instanceof PageError) return error
    throw error
  }
  return { code: 'none', message: '' }
}

describe('promises on a page', () => {
  it('are found with key, plain sentence and line, in the order of the page', () => {
    const page = parseSecurityPage(
      '# Security\n\nText.\n\n[Within **24 hours** of `deletion`](promise:erasure.production?within=24h) and\n[backups\ndie](promise:erasure.backups).\n\n- one\n- [two &amp; three](promise:data.inventory)\n',
    )
    expect(page.title).toBe('Security')
    expect(page.promises).toEqual([
      {
        key: 'erasure.production?within=24h',
        id: 'erasure.production',
        params: { within: '24h' },
        sentence: 'Within 24 hours of deletion',
        line: 5,
      },
      { key: 'erasure.backups', id: 'erasure.backups', params: {}, sentence: 'backups die', line: 6 },
      { key: 'data.inventory', id: 'data.inventory', params: {}, sentence: 'two & three', line: 10 },
    ])
  })

  it.each([
    ['> quoted\n> [a\n> b](promise:a.b)\n', 2],
    ['| x | y |\n|---|---|\n| 1 | [a](promise:a.b) |\n', 3],
    ['`[a](promise:a.b)` is code\n[a](promise:a.b)\n', 2],
    ['a\r\n\r\n[a](promise:a.b)\r\n', 3],
    ['1. x\n   - y\n   - z [a](promise:a.b)\n', 3],
  ])('have their line in %j', (source, line) => {
    expect(parseSecurityPage(source).promises[0]?.line).toBe(line)
  })

  it('are not taken from code', () => {
    expect(parseSecurityPage('    [a](promise:a.b)\n\n`[a](promise:a.b)`').promises).toEqual([])
  })

  it.each([
    ['x\n\n[a](promise:nodot)', 'ERR_PAGE_PROMISE_SYNTAX', 3],
    ['[a](promise:a.b c)', 'ERR_PAGE_PROMISE_SYNTAX', 1],
    ['[a] (promise:a.b)', 'ERR_PAGE_PROMISE_SYNTAX', 1],
    ['[a](<promise:a b>)', 'ERR_PAGE_PROMISE_SYNTAX', 1],
    ['[a](PROMISE:a.b)', 'ERR_PAGE_PROMISE_SYNTAX', 1],
    ['<promise:a.b>', 'ERR_PAGE_PROMISE_SYNTAX', 1],
    ['[**a**](promise:a b)', 'ERR_PAGE_PROMISE_SYNTAX', 1],
    ['\n[](promise:a.b)', 'ERR_PAGE_PROMISE_EMPTY', 2],
    [`[${'x'.repeat(1001)}](promise:a.b)`, 'ERR_PAGE_PROMISE_EMPTY', 1],
    ['[a [b](https://x.example) c](promise:a.b)', 'ERR_PAGE_PROMISE_NESTED', 1],
    ['[a [b](promise:c.d) c](promise:a.b)', 'ERR_PAGE_PROMISE_NESTED', 1],
    ['[a <https://x.example> c](promise:a.b)', 'ERR_PAGE_PROMISE_NESTED', 1],
    ['[a [r] c](promise:a.b)\n\n[r]: https://x.example', 'ERR_PAGE_PROMISE_NESTED', 1],
    ['[a](promise:a.b)\n\n[c](promise:a.b)', 'ERR_PAGE_PROMISE_DUPLICATE', 3],
    ['[a](promise:a.b?y=1&x=2)\n[c](promise:a.b?x=2&y=1)', 'ERR_PAGE_PROMISE_DUPLICATE', 2],
    ['<div>\n[a](promise:a.b)\n</div>', 'ERR_PAGE_PROMISE_IN_HTML', 1],
    ['x <a href="promise:a.b">a</a>', 'ERR_PAGE_PROMISE_IN_HTML', 1],
  ])('are refused in %j', (source, code, line) => {
    const error = refusal(source)
    expect(error.code).toBe(code)
    expect(error.message).toContain(`line ${line}:`)
  })

  it('may differ by a parameter alone', () => {
    expect(parseSecurityPage('[a](promise:a.b?x=1) [c](promise:a.b?x=2)').promises).toHaveLength(2)
  })
})

describe('with a catalogue', () => {
  const catalogue: Catalogue = (id) =>
    id === 'a.b' ? { checkParams: (params) => ('within' in params ? null : 'within is missing') } : null

  it('known promises with fitting parameters pass', () => {
    expect(parseSecurityPage('[x](promise:a.b?within=1d)', catalogue).promises).toHaveLength(1)
  })

  it.each([
    ['[x](promise:a.c)', 'ERR_PAGE_PROMISE_UNKNOWN'],
    ['[x](promise:a.b)', 'ERR_PAGE_PROMISE_PARAMETER'],
  ])('%s is refused', (source, code) => expect(refusal(source, catalogue).code).toBe(code))
})

describe('a page', () => {
  it.each([
    ['![x](https://x.example/a.png)', 'ERR_PAGE_IMAGE'],
    ['[x](javascript:alert(1))', 'ERR_PAGE_LINK'],
    ['[x](data:text/html,x)', 'ERR_PAGE_LINK'],
    ['[x](//evil.example)', 'ERR_PAGE_LINK'],
    ['[x](tel:1)', 'ERR_PAGE_LINK'],
    ['[x][r]\n\n[r]: javascript:x', 'ERR_PAGE_LINK'],
    ['\ud800', 'ERR_PAGE_SOURCE'],
    ['x'.repeat(262_145), 'ERR_PAGE_SOURCE'],
    [`${'> '.repeat(60)}x`, 'ERR_PAGE_SOURCE'],
    [`${'>'.repeat(5_000)}x`, 'ERR_PAGE_SOURCE'],
  ])('with %j is refused', (source, code) => expect(refusal(source).code).toBe(code))

  it('links to the web, to mail and within the site', () => {
    const page = parseSecurityPage('[a](https://x.example) <m@x.example> [d](/security/data) [h](#top)')
    const paragraph = page.blocks[0]
    const hrefs =
      paragraph?.type === 'paragraph' ? paragraph.children.filter((child) => child.type === 'link') : []
    expect(hrefs.map((child) => child.href)).toEqual([
      'https://x.example',
      'mailto:m@x.example',
      '/security/data',
      '#top',
    ])
  })

  it('keeps raw HTML as text and leaves comments out', () => {
    const page = parseSecurityPage('a <b onclick=x>b</b>\n\n<script>x</script>\n\n<!-- note -->\n\nend')
    const text = JSON.stringify(page.blocks)
    expect(text).toContain('<b onclick=x>')
    expect(text).toContain('<script>x</script>')
    expect(text).not.toContain('note')
  })

  it('without a heading has no title', () => {
    expect(parseSecurityPage('text').title).toBeNull()
    expect(parseSecurityPage('')).toEqual({ title: null, blocks: [], promises: [] })
  })

  it('is read or refused with a code, whatever the Markdown', () => {
    const piece = fc.constantFrom(
      ...[
        '[',
        ']',
        '(',
        ')',
        '<',
        '>',
        '!',
        '*',
        '_',
        '`',
        '~',
        '\n',
        '\n\n',
        '- ',
        '1. ',
        '> ',
        '#',
        '|',
        '---',
        '&',
        '\\',
      ],
      ...[
        '[a](promise:a.b)',
        'promise:',
        '<script>',
        '[r]: promise:x.y',
        '&#0;',
        '&lt;',
        'https://x.example',
        'é',
        '\u202e',
        '\t',
      ],
    )
    const markdown = fc.oneof(
      fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join('')),
      fc.string({ maxLength: 200, unit: 'binary' }),
    )
    fc.assert(
      fc.property(markdown, (source) => {
        expect(refusal(source).code).toMatch(/^(none|ERR_PAGE_[A-Z_]+)$/)
      }),
      { numRuns: 1_000 },
    )
  })

  it('finds every promise of a generated page, on its line', () => {
    const word = fc.stringMatching(/^[a-z]{1,8}$/)
    const block = fc.record({
      before: word,
      sentence: word,
      group: word,
      name: word,
      kind: fc.constantFrom('', '- ', '> ', '## '),
    })
    fc.assert(
      fc.property(fc.array(block, { maxLength: 12 }), (blocks) => {
        const lines = blocks.map(
          (part, index) =>
            `${part.kind}${part.before} [${part.sentence}](promise:${part.group}.n${index}-${part.name})`,
        )
        const page = parseSecurityPage(lines.join('\n\n'))
        expect(page.promises.map(({ sentence, line }) => [sentence, line])).toEqual(
          blocks.map((part, index) => [part.sentence, index * 2 + 1]),
        )
      }),
    )
  })
})
