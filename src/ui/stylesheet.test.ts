import { describe, expect, it } from 'vitest'
import { STYLESHEET } from './stylesheet.ts'
import { light } from './tokens.ts'

describe('the stylesheet', () => {
  it('loads nothing: no import, no url, no font', () => {
    expect(STYLESHEET.text.length).toBeGreaterThan(5_000)
    expect(STYLESHEET.text).not.toMatch(/@import|url\(|@font-face|https?:/)
  })

  it('uses only colours that the palettes define', () => {
    const used = new Set([...STYLESHEET.text.matchAll(/var\(--([a-z0-9-]+)\)/g)].map((match) => match[1]))
    const defined = new Set([...STYLESHEET.text.matchAll(/--([a-z0-9-]+):/g)].map((match) => match[1]))
    expect(used.size).toBeGreaterThan(Object.keys(light).length - 5)
    expect([...used].filter((name) => !defined.has(name))).toEqual([])
  })

  it('has balanced braces', () => {
    expect(STYLESHEET.text.split('{').length).toBe(STYLESHEET.text.split('}').length)
  })

  it('serves light and dark, less motion and visible focus', () => {
    for (const part of ['prefers-color-scheme: dark', 'prefers-reduced-motion', ':focus-visible']) {
      expect(STYLESHEET.text).toContain(part)
    }
  })

  it('prints on white, whatever the scheme of the screen', () => {
    const schemes = [...STYLESHEET.text.matchAll(/@media ([^{]*)\(prefers-color-scheme: dark\)/g)]
    expect(schemes.map((match) => match[1])).toEqual(['screen and '])
  })

  it('has its own hash in its path', () => {
    expect(STYLESHEET.path).toMatch(/^\/\.surety\/assets\/ui-[0-9a-f]{16}\.css$/)
  })
})
