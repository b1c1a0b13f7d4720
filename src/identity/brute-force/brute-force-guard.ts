import { SuretyError, type Clock } from '../../kernel/index.ts'
import { IdentityError } from '../errors.ts'
import type { AttemptOutcome, SignInAttempt, SignInGuard, Standing } from '../sign-in-guard.ts'
import { attemptKeys, INSTALLATION, SIGN_UP, type AttemptKeys } from './attempt-keys.ts'
import type { AttemptStore, Counts, KeptCount } from './attempt-store.ts'
import { createKnownDevices, KNOWN_MS, type KnownDevices } from './known-devices.ts'
import {
  ATTACK,
  forgottenAt,
  isForgotten,
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
  readonly keys: AttemptKeys
  readonly before: Counts
  readonly after: ReadonlyMap<string, KeptCount>
}

class BruteForceGuard implements SignInGuard {
  readonly #options: BruteForceOptions
  readonly #keysOf: ReturnType<typeof attemptKeys>
  readonly #devices: KnownDevices
  readonly #reserved = new WeakMap<SignInAttempt, Reservation>()
  #sweptAt = 0

  constructor(options: BruteForceOptions) {
    this.#options = options
    this.#keysOf = attemptKeys(options.secret)
    this.#devices = createKnownDevices(options.secret, options.clock)
  }

  admit(attempt: SignInAttempt): ReturnType<SignInGuard['admit']> {
    return closedWhenAway(async () => {
      const { store, clock } = this.#options
      const device = this.#devices.recognise(attempt.account, attempt.device)
      const [known, strange] = [this.#keysOf(attempt, device?.id ?? null), this.#keysOf(attempt, null)]
      // Most tries of an attack end here, at the cost of one look.
      const seen = await store.read([...namesOf(strange), ...namesOf(known), known.forgotten, INSTALLATION])
      const isStrange = device !== null && device.admittedAt < (seen.get(known.forgotten)?.at ?? 0)
      const keys = isStrange ? strange : known
      const counters = countersOf(keys, (seen.get(INSTALLATION)?.until ?? 0) > clock.now())
      let wait = longestWait(counters, seen, clock.now())
      let standing: Standing = 'stranger'
      if (wait === 0) {
        await store.change(namesOf(keys), (before) => {
          wait = longestWait(counters, before, clock.now())
          standing = standingOf(attempt, keys, before, clock.now())
          const after = wait > 0 ? new Map<string, KeptCount>() : countFailure(counters, before, clock.now())
          this.#reserved.set(attempt, { keys, before, after })
          return after
        })
      }
      return wait > 0
        ? { verdict: 'wait', retryAfterMs: wait, code: 'ERR_IDENTITY_LOCKED' }
        : { verdict: 'go', standing }
    })
  }

  settle(attempt: SignInAttempt, outcome: AttemptOutcome): Promise<void> {
    return closedWhenAway(async () => {
      const keys = this.#reserved.get(attempt)?.keys ?? this.#keysOf(attempt, null)
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
      const at = clock.now()
      const nowhere = { address: null, method: 'password' }
      const keys = accounts.map((account) => this.#keysOf({ account, ...nowhere }, null).forgotten)
      const since: KeptCount = { ...NO_COUNT, at, forgottenAt: at + KNOWN_MS }
      await store.change(keys, () => new Map(keys.map((key) => [key, since])))
    })
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

function namesOf(keys: AttemptKeys): string[] {
  return countersOf(keys, false).map(({ key }) => key)
}

/** An account that is made costs as much as one that is signed in to, and nobody waits for it yet. */
function standingOf(
  { method }: SignInAttempt,
  { account, device }: AttemptKeys,
  before: Counts,
  now: number,
): Standing {
  if (device !== null) return 'known'
  const isCalm = method !== SIGN_UP && isForgotten(before.get(account) ?? NO_COUNT, LIMITS.account, now)
  return isCalm ? 'calm' : 'stranger'
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
