import { setTimeout as pause } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { catalogue, claimOf } from '../promises/index.ts'
import { lanesOf, runLanes } from './probe-lanes.ts'

const config = { name: 'A', origin: 'a.example', page: 'security.md', resources: {}, roles: {} }
const claim = (id: string, key = id, params = {}) =>
  claimOf({ id, key, params, sentence: 'It holds.' }, config)
const measurable = [...catalogue.keys()]

describe('lanes of probes', () => {
  test('hold every promise once, in the order in which they came', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(measurable), (ids) => {
        const lanes = lanesOf(ids.map((id) => claim(id)))
        expect(
          lanes
            .flat()
            .map(({ id }) => id)
            .toSorted(),
        ).toEqual(ids.toSorted())
        for (const lane of lanes)
          expect(lane.map(({ id }) => ids.indexOf(id))).toEqual(
            lane.map(({ id }) => ids.indexOf(id)).toSorted((a, b) => a - b),
          )
      }),
    )
  })

  test('keep those apart that search everything stored for a value that one of them planted', () => {
    const lanes = lanesOf(measurable.map((id) => claim(id)))
    const searching = lanes.find((lane) => lane.some(({ id }) => id === 'encryption.rest'))
    expect(searching?.map(({ id }) => id).toSorted()).toEqual([
      'data.declared-fields',
      'encryption.keys-apart',
      'encryption.rest',
    ])
  })

  test('keep a probe apart from itself, where two sentences name it', () => {
    const [year, month] = ['1y', '30d'].map((atMost) =>
      claim('retention.logs', `retention.logs?atMost=${atMost}`, { atMost }),
    )
    expect(lanesOf([year!, claim('guard.headers'), month!])).toContainEqual([year, month])
  })

  test('begin with the longest', () => {
    const [first] = lanesOf(['guard.headers', 'auth.brute-force', 'data.inventory'].map((id) => claim(id)))
    expect(first?.map(({ id }) => id)).toEqual(['auth.brute-force'])
  })

  test('say why, wherever one is named', () => {
    const named = [...catalogue.values()].flatMap(({ lane }) => lane ?? [])
    expect(named.length).toBeGreaterThan(2)
    for (const { because } of named) expect(because.length).toBeGreaterThan(20)
  })
})

describe('lanes that run', () => {
  test('never overlap within a lane, nor more of them than may, and end whole', async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 7 })
    await fc.assert(
      fc.asyncProperty(sizes, fc.integer({ min: 1, max: 5 }), async (lengths, most) => {
        const lanes = lengths.map((length, lane) => Array.from({ length }, (_, at) => ({ lane, at })))
        const underWay = new Set<number>()
        const ended: { lane: number; at: number }[] = []
        let widest = 0
        await runLanes(lanes, most, async (item) => {
          expect(underWay.has(item.lane)).toBe(false)
          underWay.add(item.lane)
          widest = Math.max(widest, underWay.size)
          await pause(item.at % 2)
          underWay.delete(item.lane)
          ended.push(item)
        })
        expect(widest).toBe(Math.min(most, lanes.length))
        for (const [lane, items] of lanes.entries())
          expect(ended.filter((item) => item.lane === lane)).toEqual(items)
      }),
      { numRuns: 30 },
    )
  })

  test('go on when one fails, and say so at the end', async () => {
    const ended: string[] = []
    const running = runLanes([['a', 'never'], ['b', 'c'], ['d']], 2, async (item) => {
      if (item === 'a') throw new TypeError('the log is full')
      ended.push(item)
    })
    await expect(running).rejects.toThrow('the log is full')
    expect(ended.toSorted()).toEqual(['b', 'c', 'd'])
  })

  test('go on while one hangs', async () => {
    const hanging = Promise.withResolvers<void>()
    const ended: string[] = []
    const running = runLanes([['a'], ['b', 'c'], ['d']], 2, async (item) => {
      if (item === 'a') await hanging.promise
      ended.push(item)
    })
    await expect.poll(() => ended).toEqual(['b', 'c', 'd'])
    hanging.resolve()
    await running
    expect(ended.at(-1)).toBe('a')
  })
})
