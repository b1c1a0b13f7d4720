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

/** What slows down and stops guessing. */
export interface SignInGuard {
  /** Asked before a secret is looked at. */
  admit(
    attempt: SignInAttempt,
  ): Promise<
    | { readonly verdict: 'go' }
    | { readonly verdict: 'wait'; readonly retryAfterMs: number; readonly code: `ERR_IDENTITY_${string}` }
  >
  settle(attempt: SignInAttempt, outcome: 'succeeded' | 'failed'): Promise<void>
}

/** Lets everybody in: where guessing is limited elsewhere. */
export const openGuard: SignInGuard = {
  admit: async () => ({ verdict: 'go' }),
  settle: async () => {},
}
