import { expect, test } from 'vitest'
import { seededHeartbeats } from './demo-seed.ts'
import { divide } from './metrics/amounts.ts'
import { namedRange } from './metrics/range.ts'
import { clipRange } from './metrics/reports.ts'
import { totalSeconds } from './metrics/spans.ts'

const NOW = Date.parse('2026-11-22T16:40:00Z')

test('deals all captured heartbeats out over the last days, none in the future', async () => {
  const beats = (await seededHeartbeats(NOW)).map(({ heartbeat }) => heartbeat)
  const ages = beats.map(({ time }) => NOW - time.getTime())
  expect(beats).toHaveLength(155)
  expect(Math.min(...ages)).toBeGreaterThan(0)
  expect(Math.max(...ages)).toBeLessThan(7 * 86_400_000)
})

test('shows real files in both projects, and hours rather than seconds', async () => {
  const beats = (await seededHeartbeats(NOW)).map(({ heartbeat }) => heartbeat)
  const spans = clipRange(beats, namedRange('last_7_days', NOW, 'UTC')!)
  expect(divide(spans, 'projects').map(({ name }) => name)).toEqual(['wakapi', 'acme-payments'])
  expect(divide(spans, 'languages').map(({ name }) => name)).toEqual(['Go', 'TypeScript'])
  expect(totalSeconds(spans)).toBeGreaterThan(5 * 3600)
})

test('is accepted at any time of day', async () => {
  for (const hour of [0, 1, 9, 23]) {
    expect(await seededHeartbeats(Date.parse('2026-11-22T00:00:00Z') + hour * 3_600_000)).toHaveLength(155)
  }
})
