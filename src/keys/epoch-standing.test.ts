import { describe, expect, it, test } from 'vitest'
import { epochStanding, irrecoverableSince, type EpochRecord, type EpochSchedule } from './index.ts'

const SCHEDULE: EpochSchedule = {
  epochMs: { live: 600, backup: 2_400 },
  backupAgeMs: 24_000,
  rewrapMs: 30,
  retriesMs: 20,
  waitMs: 5,
  clockErrorMs: 1,
}
const epoch = (number: number, startsAt: number, rest: Partial<EpochRecord> = {}): EpochRecord => ({
  ladder: 'live',
  epoch: number,
  provider: 'file',
  providerKey: `key ${number}`,
  phase: 'current',
  startsAt,
  endedAt: null,
  destroyAfter: null,
  destroyedAt: null,
  destruction: null,
  buckets: 4096,
  wrapped: 0,
  replaced: 0,
  rewrapped: 0,
  ...rest,
})
const ended = { phase: 'ended', endedAt: 610, destroyAfter: 610 } as const

describe('where a ladder stands', () => {
  test.each([
    ['well before the end', 300, null],
    ['at the end, with R and c to go', 600, null],
    ['at the last moment of R and c', 631, null],
    ['one millisecond later', 632, 'not-ended'],
  ])('%s', (_, now, problem) => {
    expect(epochStanding([epoch(1, 0)], 'live', SCHEDULE, now)).toMatchObject({
      epoch: 1,
      endsAt: 600,
      missedAt: 631,
      problem,
    })
  })

  test.each([
    ['within S, W and c of its time', 636, null],
    ['one millisecond later', 637, 'not-destroyed'],
  ])('an ended epoch whose key still exists: %s', (_, now, problem) => {
    const standing = epochStanding([epoch(1, 0, ended), epoch(2, 601)], 'live', SCHEDULE, now)
    expect(standing).toMatchObject({ epoch: 2, undestroyed: 1, destroyBy: 636, oldestKeyAt: 0, problem })
  })

  it('looks at its own ladder only, and is unknown before the first epoch', () => {
    expect(epochStanding([epoch(1, 0)], 'backup', SCHEDULE, 5)).toBeNull()
  })

  it('while the next epoch is being made, the current one still counts', () => {
    const both = [epoch(1, 0), epoch(2, 600, { phase: 'next' })]
    expect(epochStanding(both, 'live', SCHEDULE, 640)).toMatchObject({ epoch: 1, problem: 'not-ended' })
  })
})

describe('what was deleted is irrecoverable', () => {
  const destroyed = { phase: 'destroyed', endedAt: 610, destroyAfter: 610, destroyedAt: 615 } as const
  const epochs = [epoch(1, 0, destroyed), epoch(2, 601)]

  it('once the key of its epoch is destroyed, and not before', () => {
    expect(irrecoverableSince(epochs, 'live', 599)).toBe(615)
    expect(irrecoverableSince([epoch(1, 0, ended), epoch(2, 601)], 'live', 599)).toBeNull()
  })

  it('only with its own epoch, when the one before was still being ended', () => {
    expect(irrecoverableSince(epochs, 'live', 600)).toBe(615)
    expect(irrecoverableSince(epochs, 'live', 601)).toBeNull()
  })

  it('never, where no epoch is known', () => expect(irrecoverableSince([], 'live', 1)).toBeNull())
})
