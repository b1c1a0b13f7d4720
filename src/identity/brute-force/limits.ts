/** How many failures are taken for what, and what they cost. */
export interface Limit {
  /** Failures without any wait. */
  readonly free: number
  /** The wait after the first failure beyond those, in milliseconds; each further one doubles it. */
  readonly firstWaitMs: number
  /** From so many failures on nothing is taken for `lockMs`; each further failure locks again. */
  readonly lockAfter: number
  readonly lockMs: number
  /** One failure is forgotten in so many milliseconds. */
  readonly forgetMs: number
}

/** What failures are counted for. */
export type Counted = 'account' | 'pair' | 'address' | 'network' | 'device'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/**
 * The limits. An account takes 10 guesses at first and 24 a day after that, wherever they come from
 * (NIST SP 800-63B §5.2.2 asks for no more than 100); one address, which many may share, 30 and then
 * one a minute. All is forgotten within 20 hours.
 */
export const LIMITS: Readonly<Record<Counted, Limit>> = {
  account: { free: 5, firstWaitMs: SECOND, lockAfter: 10, lockMs: HOUR, forgetMs: 2 * HOUR },
  /** One address on one account: locked before the account is for everybody else. */
  pair: { free: 3, firstWaitMs: SECOND, lockAfter: 6, lockMs: HOUR, forgetMs: 2 * HOUR },
  address: { free: 20, firstWaitMs: SECOND, lockAfter: 30, lockMs: 15 * MINUTE, forgetMs: MINUTE },
  network: { free: 100, firstWaitMs: SECOND, lockAfter: 110, lockMs: 15 * MINUTE, forgetMs: 15 * SECOND },
  /** A known device on its own account: it is asked about nothing else. */
  device: { free: 5, firstWaitMs: SECOND, lockAfter: 10, lockMs: HOUR, forgetMs: 2 * HOUR },
}

/** What an account takes from unknown devices while many accounts are attacked at once. */
export const LIMIT_UNDER_ATTACK: Limit = {
  ...LIMITS.account,
  free: 1,
  firstWaitMs: 30 * SECOND,
  lockAfter: 3,
}

/** Failures of one key. */
export interface Count {
  /** Failures that were not forgotten by `at`. */
  readonly level: number
  /** When the last one was counted; Unix milliseconds. */
  readonly at: number
  /** Until when nothing is taken in any case; 0 where that was never said. */
  readonly until: number
}

export const NO_COUNT: Count = Object.freeze({ level: 0, at: 0, until: 0 })

/** How long the next try has to wait, in milliseconds; 0 where it may go. */
export function waitOf({ level, at, until }: Count, limit: Limit, now: number): number {
  return Math.max(0, at + waitAfter(level, limit) - now, until - now)
}

/** A failure counts until half of it is forgotten: seconds between two tries buy no third. */
function failuresOf(level: number): number {
  return Math.round(level)
}

function waitAfter(level: number, { free, firstWaitMs, lockAfter, lockMs }: Limit): number {
  const failures = failuresOf(level)
  if (failures >= lockAfter) return lockMs
  return failures <= free ? 0 : Math.min(firstWaitMs * 2 ** (failures - free - 1), lockMs)
}

/** True where only time, and no further try, opens it again. */
export function isLocked({ level }: Count, { lockAfter }: Limit): boolean {
  return failuresOf(level) >= lockAfter
}

/** The count with one failure more. It never grows past the lock, so that it is forgotten in bounded time. */
export function withFailure({ level, at, until }: Count, limit: Limit, now: number): Count {
  const left = Math.max(0, level - Math.max(0, now - at) / limit.forgetMs)
  return { level: Math.min(left + 1, limit.lockAfter), at: now, until }
}

/** Whether nobody has failed lately, as far as failures are remembered. */
export function isForgotten({ level, at }: Count, { forgetMs }: Limit, now: number): boolean {
  return failuresOf(level - Math.max(0, now - at) / forgetMs) <= 0
}

/** When nothing of the count is left. */
export function forgottenAt({ level, at, until }: Count, { forgetMs, lockMs }: Limit): number {
  return Math.ceil(Math.max(at + level * forgetMs, at + lockMs, until))
}

/** Signs that accounts are attacked together: within the window, so many that fail, and few that succeed. */
export const ATTACK = {
  windowMs: 10 * MINUTE,
  /** Accounts tried from one address, from one network, and anywhere. */
  accounts: { address: 10, network: 30, installation: 25 },
  /** Accounts that fail for each that succeeds: a busy morning is no attack. */
  failuresPerSuccess: 3,
  /** How long an address or network is shut out, for unknown devices. */
  shutOutMs: HOUR,
  /** How long accounts take less from unknown devices. */
  alertMs: 30 * MINUTE,
} as const

/** What a wider scope has seen within the window: accounts, each counted once. */
export interface Seen {
  readonly failed: number
  readonly succeeded: number
}

export function isAttack({ failed, succeeded }: Seen, scope: keyof typeof ATTACK.accounts): boolean {
  return failed >= ATTACK.accounts[scope] && failed >= ATTACK.failuresPerSuccess * succeeded
}
