import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { badgeImage } from './badge-image.ts'
import { renderMarkup } from './markup.ts'
import { contrast, light } from './tokens.ts'
import { trend } from './trend.ts'

const drawn = (points: readonly { at: number; value: number }[]): string =>
  renderMarkup(trend({ name: 'Lag', points, display: String }))

describe('a trend', () => {
  it('stays inside its field, whatever the numbers', () => {
    const finite = fc.double({ noNaN: true, noDefaultInfinity: true })
    const point = fc.record({ at: fc.integer({ min: 0, max: 2 ** 42 }), value: finite })
    fc.assert(
      fc.property(fc.array(point, { minLength: 1, maxLength: 50 }), (points) => {
        const sorted = points.toSorted((a, b) => a.at - b.at)
        const line = /class="trend-line" d="M([^"]*)"/.exec(drawn(sorted))![1]!
        const places = line.split('L').map((place) => place.split(' ').map(Number) as [number, number])
        expect(places).toHaveLength(points.length)
        for (const [x, y] of places) {
          expect(x >= 0 && x <= 100 && y >= 0 && y <= 40).toBe(true)
        }
      }),
    )
  })

  it('lets a small change look small: the ground is zero', () => {
    const line = /d="M([^"]*)"/.exec(
      drawn([
        { at: 0, value: 1_000 },
        { at: 1, value: 1_004 },
      ]),
    )![1]
    expect(line).toBe('0 0.159L100 0')
  })

  it('marks single results while there are few', () => {
    const many = Array.from({ length: 41 }, (_, at) => ({ at, value: at }))
    expect(drawn(many.slice(1))).toContain('trend-dot')
    expect(drawn(many)).not.toContain('trend-dot')
  })
})

describe('a badge image', () => {
  it('has text that stands out on its own ground', () => {
    for (const tone of ['good', 'bad', 'unsure', 'neutral'] as const) {
      const svg = renderMarkup(badgeImage({ label: 'l', tone, words: 'w', title: 't', metadata: '{}' }))
      const ground = /<rect[^>]*fill="(#[0-9a-f]{6})"/.exec(svg)![1]!
      const inks = [...svg.matchAll(/<text[^>]*fill="(#[0-9a-f]{6})"/g)].map((match) => match[1]!)
      expect(contrast(inks[0]!, light.sunken)).toBeGreaterThanOrEqual(4.5)
      expect(contrast(inks[1]!, ground)).toBeGreaterThanOrEqual(4.5)
    }
  })
})
