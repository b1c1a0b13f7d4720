import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createPseudonym } from '../kernel/index.ts'
import { BUCKETS, bucketOf, growBuckets, MOST_BUCKETS } from './bucket-count.ts'

it.each([
  [4_096, 10_000, 10, 4_096],
  [4_096, 100_000, 1_000, 8_192],
  [4_096, 37_748_735, 1, 4_096],
  [4_096, 37_748_736, 1, 8_192],
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

/** Keys wrapped at an epoch's end, expected: those of buckets in use, and of subjects in touched ones. */
function wrapsAtEnd(buckets: number, subjects: number, deletions: number): number {
  const empty = (draws: number): number => (1 - 1 / buckets) ** draws
  return buckets * (1 - empty(subjects)) + subjects * (1 - empty(deletions))
}

const settled = (subjects: number, deletions: number): number => {
  let count = BUCKETS
  for (let epoch = 0; epoch < 5; epoch++) count = growBuckets(count, subjects, deletions)
  return count
}

const SIZES = [1e3, 1e4, 3e4, 1e5, 3e5, 1e6, 3e6, 1e7, 1e8]
const DELETIONS = [1, 10, 100, 1e3, 1e4]
const CASES = SIZES.flatMap((subjects) => DELETIONS.map((deletions) => [subjects, deletions] as const))
// Where more than a tenth of all leave within one epoch, every bucket is touched anyway.
it.each(CASES.filter(([subjects, deletions]) => deletions <= subjects / 10))(
  'no other number wraps less by a fiftieth, at %d subjects and %d deletions',
  (subjects, deletions) => {
    const choices = Array.from({ length: MOST_BUCKETS / BUCKETS }, (_, step) => (step + 1) * BUCKETS)
    const least = Math.min(...choices.map((buckets) => wrapsAtEnd(buckets, subjects, deletions)))
    expect(wrapsAtEnd(settled(subjects, deletions), subjects, deletions)).toBeLessThan(1.02 * least)
  },
)

it('a million subjects with a thousand deletions cost a sixteenth of wrapping them all', () => {
  expect(wrapsAtEnd(settled(1e6, 1e3), 1e6, 1e3)).toBeLessThan(1e6 / 15.9)
})

it('a key that moves goes to a bucket that is a multiple of 4,096 away', () => {
  for (let i = 0; i < 1_000; i++) {
    const id = createPseudonym()
    expect((bucketOf(id, 12_288) - bucketOf(id, 4_096)) % BUCKETS).toBe(0)
    expect(bucketOf(id, 12_288)).toBeLessThan(12_288)
  }
})
