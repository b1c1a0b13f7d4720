import { admit, type Client } from '../password-sign-in.ts'
import type { SignInGuard } from '../sign-in-guard.ts'

/** How many letters a mailbox gets from here, whoever asks for them. */
export interface LetterLimit {
  /**
   * Counts one more letter to the address.
   * @param client who asks without being signed in: counted as well, like a failed sign-in
   * @throws IdentityError `ERR_IDENTITY_LOCKED`, `ERR_IDENTITY_GUARD`
   */
  admit(email: string, client?: Client): Promise<void>
}

/**
 * Letters to a mailbox are counted as the guard counts failures of an account: five at once, then fewer, ten until
 * they stop for an hour. They have counts of their own, so that asking for letters keeps nobody from signing in.
 * Known and unknown addresses are counted alike.
 */
export function createLetterLimit(guard: SignInGuard): LetterLimit {
  return {
    async admit(email, client) {
      const address = client?.address ?? null
      await admit(guard, { account: `letters to ${email}`, address, device: null, method: 'letter' })
    },
  }
}
