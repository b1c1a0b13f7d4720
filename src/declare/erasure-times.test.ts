import { describe, expect, test } from 'vitest'
import { parseDuration } from '../kernel/index.ts'
import { checkErasureTimes, erasureTimes, type SuretyConfig } from './index.ts'

type Times = Pick<SuretyConfig, 'backups' | 'keys' | 'erasure'>
const KEYS = { liveEpoch: '6h', backupEpoch: '1d' } as const
const LIMITS = { productionMs: parseDuration('24h'), backupsMs: parseDuration('27d') }
const sound: Times = { keys: KEYS, backups: { every: '6h', keep: '24d' } }
const promises = (times: Times, limits = LIMITS): string[] =>
  checkErasureTimes(times, limits).map(({ promise }) => promise)

test('undeclared times have defaults; without backups there is nothing old', () => {
  const [h, d, m] = [3_600_000, 86_400_000, 60_000]
  expect(erasureTimes({})).toEqual({ p: h, L: 6 * h, D: d, R: 30 * m, B: 0, S: 30 * m, W: 0, V: 0, c: m })
})

test('the example’s configuration keeps both times', () => expect(promises(sound)).toEqual([]))

describe('p+L+R+S+W+V+c within 24 hours: the last that is accepted, and the first that is refused', () => {
  // 1h + 6h + 30m + 30m + 0 + 0 + 1m leave 15h 59m.
  const cases: [string, Times, Times][] = [
    ['p', { erasure: { deleteKeyWithin: '1019m' } }, { erasure: { deleteKeyWithin: '1020m' } }],
    ['L', { keys: { ...KEYS, liveEpoch: '1319m' } }, { keys: { ...KEYS, liveEpoch: '1320m' } }],
    ['R', { keys: { ...KEYS, rewrap: '989m' } }, { keys: { ...KEYS, rewrap: '990m' } }],
    ['S', { keys: { ...KEYS, retries: '989m' } }, { keys: { ...KEYS, retries: '990m' } }],
    ['W', { keys: { ...KEYS, providerWait: '959m' } }, { keys: { ...KEYS, providerWait: '960m' } }],
    ['V', { keys: { ...KEYS, copies: '959m' } }, { keys: { ...KEYS, copies: '960m' } }],
    ['c', { keys: { ...KEYS, clockError: '960m' } }, { keys: { ...KEYS, clockError: '961m' } }],
  ]
  test.each(cases)('%s', (letter, last, first) => {
    expect(promises(last)).toEqual([])
    const [finding, ...more] = checkErasureTimes(first, LIMITS)
    expect(more).toEqual([])
    expect(finding!.promise).toBe('erasure.production')
    expect(finding!.message).toContain(` ${letter} `)
    expect(finding!.message).toMatch(/= 1d 1m, and the page allows 1d$/)
  })
})

describe('p+D+R+B+S+W+V+c within 27 days: the last that is accepted, and the first that is refused', () => {
  const keep = (time: `${number}m`): Times => ({ keys: KEYS, backups: { every: '6h', keep: time } })
  // 27d less 1h + 1d + 30m + 30m + 1m: 25d 21h 59m.
  test('B', () => {
    expect(promises(keep('37319m'))).toEqual([])
    expect(checkErasureTimes(keep('37320m'), LIMITS)).toEqual([
      {
        promise: 'erasure.backups',
        message:
          'an erased person is irrecoverable from backups only after p 1h + D 1d + R 30m + B 25d 22h + S 30m + W 0s + V 0s + c 1m = 27d 1m, and the page allows 27d',
        mend: "set backups.keep (B, oldest backup) to '25d' or less",
      },
    ])
  })

  test('D', () => {
    const epoch = (backupEpoch: `${number}m`): Times => ({ ...sound, keys: { ...KEYS, backupEpoch } })
    expect(promises(epoch('4199m'))).toEqual([])
    expect(promises(epoch('4200m'))).toEqual(['erasure.backups'])
  })
})

describe('the mend', () => {
  const mendOf = (times: Times, limits = LIMITS): string => checkErasureTimes(times, limits)[0]!.mend

  test('names the one symbol whose change suffices, and to what', () => {
    expect(mendOf({ keys: { ...KEYS, liveEpoch: '1d' } })).toContain(
      "set keys.liveEpoch (L, live epoch) to '21h' or less",
    )
    const changed = { keys: { ...KEYS, liveEpoch: '21h' } } as const
    expect(promises(changed)).toEqual([])
  })

  test('for a provider that waits a week, says the sentence that stays true', () => {
    const week: Times = { keys: { ...KEYS, providerWait: '7d' } }
    expect(mendOf(week)).toContain('promise:erasure.production?within=24h&irrecoverable=8d')
    expect(promises(week, { ...LIMITS, irrecoverableMs: parseDuration('8d') } as typeof LIMITS)).toEqual([])
  })

  test('asks for a longer promise where no single change would do', () => {
    expect(mendOf({}, { ...LIMITS, productionMs: 60_000 })).toBe(
      'promise within=9h, or shorten several of these',
    )
  })
})

test('inaccessible has a limit of its own where the page says both', () => {
  const slow: Times = { keys: KEYS, erasure: { deleteKeyWithin: '24h' } }
  const both = { ...LIMITS, irrecoverableMs: parseDuration('9d') }
  const [finding] = checkErasureTimes(slow, both)
  expect(finding!.message).toContain('inaccessible in production only after p 1d + S 30m + c 1m')
})
