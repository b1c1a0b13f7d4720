import { SuretyError, type Clock } from '../../kernel/index.ts'
import { IdentityError } from '../errors.ts'
import type { AttemptOutcome, SignInAttempt, SignInGuard } from '../sign-in-guard.ts'
import { attemptKeys, devicesKey, INSTALLATION, type AttemptKeys } from './attempt-keys.ts'
import type { AttemptStore, Counts, KeptCount } from './attempt-store.ts'
import { createKnownDevices, KNOWN_MS, type KnownDevices } from './known-devices.ts'
import {
  ATTACK,
  forgottenAt,
  isAttack,
  isLocked,
  LIMIT_UNDER_ATTACK,
  LIMITS,
  NO_COUNT,
  waitOf,
  withFailure,
  type Count,
  type Counted,
  type Limit,
} from './limits.ts'

/** Something about guessing that the audit log is told. */
export type GuardEvent =
  | { readonly kind: 'locked'; readonly method: string }
  /** `stuffing`: many accounts from one place; `spraying`: many accounts from many places. */
  | {
      readonly kind: 'attack'
      readonly pattern: 'stuffing' | 'spraying'
      readonly scope: keyof typeof ATTACK.accounts
      readonly accounts: number
    }

export interface BruteForceOptions {
  readonly store: AttemptStore
  readonly clock: Clock
  /** What keys and device tokens are derived from: 32 random bytes or more, as text. */
  readonly secret: string
  /** Told once for each lock and attack. Must not throw. */
  readonly onEvent?: (event: GuardEvent) => void
}

/**
 * The guard against guessing. A try counts as failed before its secret is looked at, and is taken back
 * when the secret was right: tries at once cannot slip through, nor can those of a process that dies.
 * A try that has to wait counts for nothing, so that nobody's wait is made longer by asking.
 *
 * Unknown accounts are counted like known ones. A known device is limited by itself alone. Where the
 * store is away nobody is let in.
 */
export function createBruteForceGuard(options: BruteForceOptions): SignInGuard {
  return new BruteForceGuard(options)
}

/** One of the counts that an attempt goes into. */
interface Counter {
  readonly key: string
  readonly counted: Counted
  readonly limit: Limit
}

/** What an attempt was counted as, so that it can be taken back as if it had never been. */
interface Reservation {
  readonly before: Counts
  readonly after: ReadonlyMap<string, KeptCount>
}

class BruteForceGuard implements SignInGuard {
  readonly #options: BruteForceOptions
  readonly #keysOf: ReturnType<typeof attemptKeys>
  readonly #devicesKey: ReturnType<typeof devicesKey>
  readonly #devices: KnownDevices
  readonly #reserved = new WeakMap<SignInAttempt, Reservation>()
  #sweptAt = 0

  constructor(options: BruteForceOptions) {
    this.#options = options
    this.#keysOf = attemptKeys(options.secret)
    this.#devicesKey = devicesKey(options.secret)
    this.#devices = createKnownDevices(options.secret, options.clock)
  }

  admit(attempt: SignInAttempt): ReturnType<SignInGuard['admit']> {
    return closedWhenAway(async () => {
      const { store, clock } = this.#options
      const keys = await this.#keys(attempt)
      const names = countersOf(keys, false).map(({ key }) => key)
      // Most tries of an attack end here, at the cost of one look.
      const seen = await store.read([...names, INSTALLATION])
      const counters = countersOf(keys, (seen.get(INSTALLATION)?.until ?? 0) > clock.now())
      let wait = longestWait(counters, seen, clock.now())
      if (wait === 0) {
        await store.change(names, (before) => {
          wait = longestWait(counters, before, clock.now())
          const after = wait > 0 ? new Map<string, KeptCount>() : countFailure(counters, before, clock.now())
          this.#reserved.set(attempt, { before, after })
          return after
        })
      }
      return wait > 0
        ? { verdict: 'wait', retryAfterMs: wait, code: 'ERR_IDENTITY_LOCKED' }
        : { verdict: 'go' }
    })
  }

  settle(attempt: SignInAttempt, outcome: AttemptOutcome): Promise<void> {
    return closedWhenAway(async () => {
      const keys = await this.#keys(attempt)
      const counters = countersOf(keys, false)
      if (outcome === 'failed') this.#tellLocked(attempt, counters)
      else await this.#takeBack(attempt, counters, outcome === 'succeeded' ? LEARNED : [])
      if (keys.device === null && outcome !== 'unread')
        await this.#lookForAttack(keys, outcome === 'succeeded')
      await this.#sweep()
    })
  }

  forgetDevices(accounts: readonly string[]): Promise<void> {
    return closedWhenAway(async () => {
      const { store, clock } = this.#options
      const keys = accounts.map(this.#devicesKey)
      const since = { level: 0, at: clock.now(), until: 0, forgottenAt: clock.now() + KNOWN_MS }
      await store.change(keys, () => new Map(keys.map((key) => [key, since])))
    })
  }

  async #keys(attempt: SignInAttempt): Promise<AttemptKeys> {
    const { account, device } = attempt
    if (this.#devices.recognise(account, device) === null) return this.#keysOf(attempt, null)
    const key = this.#devicesKey(account)
    const since = (await this.#options.store.read([key])).get(key)?.at
    return this.#keysOf(attempt, this.#devices.recognise(account, device, since))
  }

  async #takeBack(
    attempt: SignInAttempt,
    counters: readonly Counter[],
    emptied: readonly Counted[],
  ): Promise<void> {
    const reserved = this.#reserved.get(attempt)
    await this.#options.store.change(
      counters.map(({ key }) => key),
      (now) =>
        new Map(
          counters.map(({ key, counted, limit }) => {
            const count = now.get(key) ?? NO_COUNT
            const left = emptied.includes(counted) ? NO_COUNT : withoutFailure(key, count, reserved)
            return [key, { ...left, forgottenAt: forgottenAt(left, limit) }]
          }),
        ),
    )
  }

  #tellLocked(attempt: SignInAttempt, counters: readonly Counter[]): void {
    const reserved = this.#reserved.get(attempt)
    const locks = ({ key, counted, limit }: Counter): boolean =>
      LOCKS.includes(counted) &&
      isLocked(reserved?.after.get(key) ?? NO_COUNT, limit) &&
      !isLocked(reserved?.before.get(key) ?? NO_COUNT, limit)
    if (counters.some(locks)) this.#options.onEvent?.({ kind: 'locked', method: attempt.method })
  }

  /** Counts accounts, not tries: many failures of one account are the other limits' to stop. */
  async #lookForAttack({ account, address, network }: AttemptKeys, succeeded: boolean): Promise<void> {
    const { store, clock } = this.#options
    const now = clock.now()
    const scopes = [
      { scope: 'address', key: address },
      { scope: 'network', key: network },
      { scope: 'installation', key: INSTALLATION },
    ] as const
    const known = scopes.filter(({ key }) => key !== null).map(({ scope, key }) => ({ scope, key: key! }))
    const sighting = { scopes: known.map(({ key }) => key), account, succeeded, at: now }
    const seen = await store.see(sighting, now - ATTACK.windowMs)
    if (succeeded) return
    for (const { scope, key } of known) {
      const { failed, succeeded: fine } = seen.get(key) ?? { failed: 0, succeeded: 0 }
      if (isAttack({ failed, succeeded: fine }, scope)) await this.#answer(scope, key, failed)
    }
  }

  async #answer(scope: keyof typeof ATTACK.accounts, key: string, accounts: number): Promise<void> {
    const { store, clock, onEvent } = this.#options
    const now = clock.now()
    const [until, limit] =
      scope === 'installation'
        ? [now + ATTACK.alertMs, LIMITS.account]
        : [now + ATTACK.shutOutMs, LIMITS[scope]]
    let isNew = false
    await store.change([key], (counts) => {
      const before = counts.get(key) ?? NO_COUNT
      isNew = before.until <= now
      const after = { ...before, until }
      return new Map([[key, { ...after, forgottenAt: forgottenAt(after, limit) }]])
    })
    const pattern = scope === 'installation' ? 'spraying' : 'stuffing'
    if (isNew) onEvent?.({ kind: 'attack', pattern, scope, accounts })
  }

  async #sweep(): Promise<void> {
    const { store, clock } = this.#options
    const now = clock.now()
    if (now - this.#sweptAt < ATTACK.windowMs) return
    this.#sweptAt = now
    await store.forget(now, now - ATTACK.windowMs)
  }
}

/** Counts that a right secret empties: whoever knows it did not guess. Of the others only their own try goes. */
const LEARNED: readonly Counted[] = ['pair', 'device']
/** Counts whose lock is news. */
const LOCKS: readonly Counted[] = ['account', 'device']

function countersOf(
  { account, pair, address, network, device }: AttemptKeys,
  underAttack: boolean,
): Counter[] {
  if (device !== null) return [{ key: device, counted: 'device', limit: LIMITS.device }]
  const accountLimit = underAttack ? LIMIT_UNDER_ATTACK : LIMITS.account
  const counters: Counter[] = [{ key: account, counted: 'account', limit: accountLimit }]
  for (const [counted, key] of Object.entries({ pair, address, network }) as [Counted, string | null][])
    if (key !== null) counters.push({ key, counted, limit: LIMITS[counted] })
  return counters
}

function longestWait(counters: readonly Counter[], counts: Counts, now: number): number {
  return Math.max(...counters.map(({ key, limit }) => waitOf(counts.get(key) ?? NO_COUNT, limit, now)))
}

function countFailure(counters: readonly Counter[], counts: Counts, now: number): Map<string, KeptCount> {
  return new Map(
    counters.map(({ key, counted, limit }) => {
      const count = counts.get(key) ?? NO_COUNT
      // Under attack an account locks sooner; what it has counted by then stays counted.
      const grown = withFailure(count, LIMITS[counted], now)
      return [key, { ...grown, forgottenAt: forgottenAt(grown, limit) }]
    }),
  )
}

/** As if the try had not been; where others have come since, one less. */
function withoutFailure(key: string, count: Count, reserved: Reservation | undefined): Count {
  const after = reserved?.after.get(key)
  if (after && count.level === after.level && count.at === after.at && count.until === after.until)
    return reserved?.before.get(key) ?? NO_COUNT
  return { ...count, level: Math.max(0, count.level - 1) }
}

/** @throws IdentityError `ERR_IDENTITY_GUARD` where attempts cannot be counted: then none is taken */
async function closedWhenAway<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof SuretyError && cause.code.startsWith('ERR_IDENTITY_')) throw cause
    throw new IdentityError('ERR_IDENTITY_GUARD', 'attempts to sign in cannot be counted', { cause })
  }
}
