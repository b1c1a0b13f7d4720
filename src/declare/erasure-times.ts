import { durationAtMost, formatDuration, parseDuration, type Duration } from '../kernel/index.ts'
import type { SuretyConfig } from './config.ts'
import { keyProviderWaitMs } from './key-provider.ts'

/** The times that an erasure is made of, in milliseconds, by their letters in the design. */
export interface ErasureTimes {
  readonly p: number
  readonly L: number
  readonly D: number
  readonly R: number
  readonly B: number
  readonly S: number
  readonly W: number
  readonly V: number
  readonly c: number
}

type Letter = keyof ErasureTimes

/** Where each letter is declared, its default, and what it is. */
const SYMBOLS: Readonly<
  Record<Letter, { readonly key: string; readonly unset: Duration; readonly what: string }>
> = {
  p: { key: 'erasure.deleteKeyWithin', unset: '1h', what: 'request until the data key is deleted' },
  L: { key: 'keys.liveEpoch', unset: '6h', what: 'live epoch' },
  D: { key: 'keys.backupEpoch', unset: '1d', what: 'backup epoch' },
  R: { key: 'keys.rewrap', unset: '30m', what: 'rewrapping' },
  B: { key: 'backups.keep', unset: '0s', what: 'oldest backup' },
  S: { key: 'keys.retries', unset: '30m', what: 'retries' },
  W: { key: 'keys.providerWait', unset: '0s', what: 'provider’s waiting time' },
  V: { key: 'keys.copies', unset: '0s', what: 'provider’s copies and snapshots' },
  c: { key: 'keys.clockError', unset: '1m', what: 'clock error' },
}

/** What the page promises, in milliseconds. */
export interface TimeLimits {
  /** `erasure.production`: until everything is inaccessible, and irrecoverable too unless said otherwise. */
  readonly productionMs: number
  /** `erasure.production`'s `irrecoverable`, where the page says it by itself. Default `productionMs`. */
  readonly irrecoverableMs?: number
  /** `erasure.backups`. */
  readonly backupsMs: number
}

/** A promised time that the declared times exceed. */
export interface TimeFinding {
  readonly promise: 'erasure.production' | 'erasure.backups'
  readonly message: string
  readonly mend: string
}

/**
 * The declared times of a configuration, defaults filled in. Without backups `B` is 0; `W` is never
 * shorter than the configured provider's own.
 */
export function erasureTimes({
  backups,
  keys,
  erasure,
}: Pick<SuretyConfig, 'backups' | 'keys' | 'erasure'>): ErasureTimes {
  const groups: Readonly<Record<string, object | undefined>> = { backups, keys, erasure }
  const time = (letter: Letter): number => {
    const { key, unset } = SYMBOLS[letter]
    const [group, name] = key.split('.') as [string, string]
    const declared = (groups[group] as Readonly<Record<string, string>> | undefined)?.[name]
    const own = letter === 'W' ? keyProviderWaitMs(keys ?? {}) : 0
    return Math.max(own, parseDuration(declared ?? unset))
  }
  const letters = Object.keys(SYMBOLS) as Letter[]
  return Object.fromEntries(letters.map((letter) => [letter, time(letter)])) as unknown as ErasureTimes
}

const INACCESSIBLE: readonly Letter[] = ['p', 'S', 'c']
const LIVE: readonly Letter[] = ['p', 'L', 'R', 'S', 'W', 'V', 'c']
const BACKUP: readonly Letter[] = ['p', 'D', 'R', 'B', 'S', 'W', 'V', 'c']

/**
 * Holds the declared times against the promised ones: `p+L+R+S+W+V+c` and `p+D+R+B+S+W+V+c`. Each
 * finding names every letter with its value, and which to change to what. Empty where all holds.
 *
 * Where the page names a later time for *irrecoverable*, its first time asks for *inaccessible* only:
 * `p+S+c`.
 */
export function checkErasureTimes(
  config: Pick<SuretyConfig, 'backups' | 'keys' | 'erasure'>,
  { productionMs, irrecoverableMs, backupsMs }: TimeLimits,
): TimeFinding[] {
  const times = erasureTimes(config)
  const [production, backups] = ['erasure.production', 'erasure.backups'] as const
  const later = irrecoverableMs ?? productionMs
  const findings = [
    irrecoverableMs === undefined
      ? null
      : exceeds(times, INACCESSIBLE, productionMs, production, 'inaccessible in production'),
    exceeds(times, LIVE, later, production, 'irrecoverable from production', (total) =>
      sayLater(times, productionMs, total),
    ),
    exceeds(times, BACKUP, backupsMs, backups, 'irrecoverable from backups'),
  ]
  return findings.filter((finding) => finding !== null)
}

function exceeds(
  times: ErasureTimes,
  letters: readonly Letter[],
  limitMs: number,
  promise: TimeFinding['promise'],
  what: string,
  otherWay: (total: number) => string | null = () => null,
): TimeFinding | null {
  const total = letters.reduce((sum, letter) => sum + times[letter], 0)
  if (total <= limitMs) return null
  const terms = letters.map((letter) => `${letter} ${formatDuration(times[letter])}`).join(' + ')
  const message = `an erased person is ${what} only after ${terms} = ${formatDuration(total)}, and the page allows ${formatDuration(limitMs)}`
  const ways = [shorten(times, letters, total - limitMs), otherWay(total)].filter((way) => way !== null)
  const mend = ways.join('; or ') || `promise within=${atLeast(total)}, or shorten several of these`
  return { promise, message, mend }
}

/** The longest part that alone could make up for the excess; what a provider dictates only if nothing else can. */
function shorten(times: ErasureTimes, letters: readonly Letter[], excess: number): string | null {
  const [letter] = letters
    .filter((each) => each !== 'c' && times[each] > excess)
    .toSorted((a, b) => Number(a === 'W') - Number(b === 'W') || times[b] - times[a])
  if (letter === undefined) return null
  const { key, what } = SYMBOLS[letter]
  return `set ${key} (${letter}, ${what}) to '${durationAtMost(times[letter] - excess)}' or less`
}

/** The sentence that stays true: inaccessible in time, irrecoverable by when it is. */
function sayLater(times: ErasureTimes, productionMs: number, total: number): string | null {
  const inaccessible = INACCESSIBLE.reduce((sum, letter) => sum + times[letter], 0)
  if (inaccessible > productionMs) return null
  const within = durationAtMost(productionMs)
  return `say “inaccessible within ${within} and irrecoverable within ${atLeast(total)}”: promise:erasure.production?within=${within}&irrecoverable=${atLeast(total)}`
}

/** The shortest whole number of hours, or from two days on of days, that is not below `ms`. */
function atLeast(ms: number): Duration {
  const [hour, day] = [3_600_000, 86_400_000]
  return ms > 2 * day ? `${Math.ceil(ms / day)}d` : `${Math.ceil(ms / hour)}h`
}
