import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { barChart, proportionBar, stackedChart, timeline } from './charts.ts'
import { renderMarkup } from './markup.ts'
import type { Markup } from './markup.ts'

const numbersOf = (markup: Markup, attribute: string): number[] =>
  [
    ...renderMarkup(markup).matchAll(
      new RegExp(`<rect class="(?:series|span)[^>]* ${attribute}="([^"]*)"`, 'g'),
    ),
  ].map((match) => Number(match[1]))

const bars = (values: readonly number[]): Markup =>
  barChart({
    caption: 'Time per project',
    labelHeader: 'Project',
    valueHeader: 'Time',
    bars: values.map((value, index) => ({ label: `p${index}`, value, display: `${value} h` })),
  })

const stacks = (values: readonly (readonly number[])[]): Markup =>
  stackedChart({
    caption: 'Time per day',
    labelHeader: 'Day',
    series: ['a', 'b'],
    stacks: values.map((value, index) => ({ label: `day ${index}`, values: value })),
    display: (value) => `${value} h`,
  })

describe('a bar chart', () => {
  it('draws the longest bar over the whole width and the others in proportion', () => {
    expect(numbersOf(bars([4, 2, 1]), 'width')).toEqual([100, 50, 25])
  })

  it('tells every number in words', () => {
    const text = renderMarkup(bars([4, 2]))
    expect(text).toContain('4 h')
    expect(text).toContain('2 h')
    expect(text).toContain('<caption>Time per project</caption>')
  })

  it('draws only widths between 0 and 100, whatever the values', () => {
    fc.assert(
      fc.property(fc.array(fc.double()), (values) => {
        for (const width of numbersOf(bars(values), 'width')) {
          expect(width).toBeGreaterThanOrEqual(0)
          expect(width).toBeLessThanOrEqual(100)
        }
      }),
    )
  })
})

describe('a stacked chart', () => {
  it('stacks from the ground up to the greatest day', () => {
    const chart = stacks([
      [1, 1],
      [2, 2],
    ])
    expect(numbersOf(chart, 'height').slice(2)).toEqual([25, 25, 50, 50])
    expect(numbersOf(chart, 'y')).toEqual([75, 50, 50, 0])
  })

  it('has a name, a legend and the same numbers in a table', () => {
    const text = renderMarkup(stacks([[1, 3]]))
    expect(text).toContain('role="img" aria-label="Time per day')
    expect(text).toContain('data-label="Total"')
    expect(text).toContain('4 h')
  })

  it.each([
    [1, 1],
    [7, 7],
    [8, 4],
    [14, 7],
    [30, 6],
  ])('labels %i columns with %i ticks', (columns, ticks) => {
    const text = renderMarkup(stacks(Array.from({ length: columns }, () => [1, 1])))
    const axis = /<ol class="axis".*?<\/ol>/s.exec(text)?.[0] ?? ''
    expect(axis.match(/<li>/g)).toHaveLength(columns)
    expect(axis.match(/<span>/g)).toHaveLength(ticks)
  })

  it('draws without a day', () => {
    expect(renderMarkup(stacks([]))).toContain('viewBox="0 0 1 100"')
  })
})

describe('a timeline', () => {
  const line = timeline({
    spans: [
      { tone: 'good', from: 0, until: 75 },
      { tone: 'bad', from: 75, until: 75 },
      { tone: 'unsure', from: 75, until: 100 },
    ],
    description: 'kept, then unproven',
    startLabel: 'start',
    endLabel: 'end',
  })

  it('places spans by time and keeps a short one visible', () => {
    expect(numbersOf(line, 'x')).toEqual([0, 75, 75])
    expect(numbersOf(line, 'width')).toEqual([75, 0.6, 25])
  })

  it('says in words what it shows', () => {
    expect(renderMarkup(line)).toContain('aria-label="kept, then unproven"')
  })
})

describe('a proportion bar', () => {
  it('divides the width and leaves out empty parts', () => {
    const bar = proportionBar({
      parts: [
        { tone: 'good', size: 3 },
        { tone: 'bad', size: 0 },
        { tone: 'unsure', size: 1 },
      ],
      description: '3 kept, 0 broken, 1 unproven',
    })
    expect(numbersOf(bar, 'width')).toEqual([75, 25])
    expect(numbersOf(bar, 'x')).toEqual([0, 75])
  })

  it('is empty when the whole is nothing', () => {
    expect(
      numbersOf(proportionBar({ parts: [{ tone: 'good', size: 0 }], description: 'none' }), 'width'),
    ).toEqual([])
  })
})
