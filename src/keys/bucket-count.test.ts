import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createPseudonym } from '../kernel/index.ts'
import { BUCKETS, bucketOf, growBuckets, MOST_BUCKETS } from './bucket-count.ts'

it.each([
  [4_096, 10_000, 10, 4_096],
  [4_096, 100_000, 1_000, 8_192],
  [4_096, 16_777_216, 1, 4_096],
  [4_096, 16_777_217, 1, 8_192],
  [4_096, 1_000_000, 1_000, 8_192],
  [8_192, 1_000_000, 1_000, 16_384],
  [16_384, 1_000_000, 1_000, 32_768],
  [32_768, 1_000_000, 1_000, 32_768],
  [32_768, 1_000_000, 0, 32_768],
  [65_536, 10_000_000, 10_000_000, 65_536],
])('%i buckets, %i subjects and %i deletions make %i', (current, subjects, deletions, buckets) =>
  expect(growBuckets(current, subjects, deletions)).toBe(buckets),
)

it('the number is a multiple of 4,096 that never shrinks, doubles at most, and has an end', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 16 }), fc.nat(1e8), fc.nat(1e8), (step, subjects, deletions) => {
      const current = step * BUCKETS
      const grown = growBuckets(current, subjects, deletions)
      expect(grown % BUCKETS).toBe(0)
      expect(grown).toBeGreaterThanOrEqual(current)
      expect(grown).toBeLessThanOrEqual(Math.min(2 * current, MOST_BUCKETS))
    }),
  )
})

it('a key that moves goes to a bucket that is a multiple of 4,096 away', () => {
  for (let i = 0; i < 1_000; i++) {
    const id = createPseudonym()
    expect((bucketOf(id, 12_288) - bucketOf(id, 4_096)) % BUCKETS).toBe(0)
    expect(bucketOf(id, 12_288)).toBeLessThan(12_288)
  }
})
