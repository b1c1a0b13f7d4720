import { describe, expect, it } from 'vitest'
import { contrast, customProperties, dark, light } from './tokens.ts'
import type { Palette } from './tokens.ts'

type Pair = readonly [text: keyof Palette, ground: keyof Palette]

const TEXT: readonly Pair[] = [
  ...(['text', 'muted', 'accent'] as const).flatMap((text) =>
    (['paper', 'surface', 'sunken'] as const).map((ground) => [text, ground] as const),
  ),
  ['accentText', 'accent'],
  ['good', 'goodGround'],
  ['bad', 'badGround'],
  ['unsure', 'unsureGround'],
  ['text', 'goodGround'],
  ['text', 'badGround'],
  ['text', 'unsureGround'],
  ['good', 'paper'],
  ['bad', 'paper'],
  ['unsure', 'paper'],
  ['bad', 'surface'],
]
const MARKS: readonly Pair[] = [
  ['edge', 'surface'],
  ['edge', 'paper'],
  ...(['goodFill', 'badFill', 'unsureFill'] as const).map((fill) => [fill, 'surface'] as const),
  ...(['series1', 'series2', 'series3', 'series4', 'series5', 'series6'] as const).map(
    (fill) => [fill, 'surface'] as const,
  ),
]

describe.each([
  ['light', light],
  ['dark', dark],
])('the %s palette', (_, palette) => {
  it.each(TEXT)('keeps %s readable on %s (WCAG AA, 4.5)', (text, ground) => {
    expect(contrast(palette[text], palette[ground])).toBeGreaterThanOrEqual(4.5)
  })

  it.each(MARKS)('keeps %s visible on %s (WCAG AA, 3)', (mark, ground) => {
    expect(contrast(palette[mark], palette[ground])).toBeGreaterThanOrEqual(3)
  })
})

describe('contrast', () => {
  it('is 21 between black and white and 1 between equals, either way round', () => {
    expect(contrast('#000000', '#ffffff')).toBeCloseTo(21, 5)
    expect(contrast('#ffffff', '#000000')).toBeCloseTo(21, 5)
    expect(contrast('#123456', '#123456')).toBe(1)
  })

  it('finds a pair that is too faint', () => {
    expect(contrast('#999999', '#ffffff')).toBeLessThan(4.5)
  })
})

describe('custom properties', () => {
  it('are named in kebab case, one per colour', () => {
    const text = customProperties(light)
    expect(text).toContain('--good-ground: ')
    expect(text).toContain('--series-1: ')
    expect(text.split(';').length - 1).toBe(Object.keys(light).length)
  })
})
