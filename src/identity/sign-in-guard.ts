/** One try to sign in, before it is known whether its secret is right. */
export interface SignInAttempt {
  /** The canonical identifier that was given; whoever keeps it hashes it. */
  readonly account: string
  /** The client's network address; null where it is not known. */
  readonly address: string | null
  /** The id in a known device's signed cookie; null for a device that was never seen. */
  readonly device: string | null
  /** `password`, `totp`, `recovery` … */
  readonly method: string
}

/**
 * Who may go first where many wait: a device that is known for the account, an account on which nobody has failed
 * lately, or anybody else.
 */
export type Standing = 'known' | 'calm' | 'stranger'

export type AttemptOutcome = 'succeeded' | 'failed' | 'unread'

/** What slows down and stops guessing. */
export interface SignInGuard {
  /** Asked before a secret is looked at. */
  admit(
    attempt: SignInAttempt,
  ): Promise<
    | { readonly verdict: 'go'; readonly standing: Standing }
    | { readonly verdict: 'wait'; readonly retryAfterMs: number; readonly code: `ERR_IDENTITY_${string}` }
  >
  /** Told once of each attempt that went; `unread`: nobody looked at its secret. One that is never told has failed. */
  settle(attempt: SignInAttempt, outcome: AttemptOutcome): Promise<void>
  /** Devices that were known for these accounts, as {@link SignInAttempt.account} names them, no longer are. */
  forgetDevices(accounts: readonly string[]): Promise<void>
}

/** Lets everybody in: where guessing is limited elsewhere. */
export const openGuard: SignInGuard = {
  admit: async () => ({ verdict: 'go', standing: 'calm' }),
  settle: async () => {},
  forgetDevices: async () => {},
}
