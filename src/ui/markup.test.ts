import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { html, isSafeHref, joined, renderMarkup, safeHref } from './markup.ts'

describe('templates', () => {
  it('show any text as text, in content and in attributes', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const rendered = renderMarkup(html`<p title="${text}">${text}</p>`)
        expect(rendered.replace(/^<p title="|">|<\/p>$/g, '')).not.toMatch(/[<>"]/)
      }),
    )
  })

  it('leave nothing for null, undefined and booleans', () => {
    expect(renderMarkup(html`a${null}${undefined}${true}${false}b`)).toBe('ab')
  })

  it('refuse a promise where a value belongs', () => {
    expect(() => renderMarkup(html`<p>${Promise.resolve('late')}</p>`)).toThrow(
      expect.objectContaining({ code: 'ERR_UI_ASYNC_MARKUP' }),
    )
  })

  it('join pieces without a separator where one is left out', () => {
    expect(renderMarkup(html`${joined(['a', null, false, 'b'], ' · ')}`)).toBe('a · b')
  })
})

describe('links', () => {
  it.each(['https://example.com/a?b#c', 'http://x', 'mailto:a@b.c', 'tel:+49', '/path', '/', '#top', '?q=1'])(
    'lead to %s',
    (href) => expect(safeHref(href)).toBe(href),
  )

  it.each([
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    ' javascript:alert(1)',
    'java\nscript:alert(1)',
    '\u0001javascript:alert(1)',
    'data:text/html,x',
    'vbscript:x',
    'file:///etc/passwd',
    '//evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/\t/evil.example',
    'relative',
    '',
  ])('refuse %j', (href) => {
    expect(() => safeHref(href)).toThrow(expect.objectContaining({ code: 'ERR_UI_UNSAFE_LINK' }))
  })

  it('never let a target through that a browser would run or send to another host unseen', () => {
    const start = fc.constantFrom(
      'javascript:',
      'data:',
      '//',
      '/\\',
      'vbscript:',
      '\tjavascript:',
      'java\tscript:',
    )
    fc.assert(
      fc.property(start, fc.string(), (prefix, rest) => {
        expect(isSafeHref(prefix + rest)).toBe(false)
      }),
    )
  })
})
