import type { AccountStore } from '../database.ts'
import { IdentityError } from '../errors.ts'
import { admit, type Client } from '../password-sign-in.ts'
import type { SignInAttempt, SignInGuard } from '../sign-in-guard.ts'
import type { SignInMethod } from '../sessions.ts'
import { createAuthenticators, type Authenticators } from './authenticators.ts'
import { createPasskeys, type Passkeys, type PasskeysOptions, type PasskeyView } from './passkeys.ts'
import { createRecoveryCodes, type RecoveryCodes } from './recovery-codes.ts'

/** The second factors that a person has. */
export interface EnrolledFactors {
  readonly authenticator: boolean
  readonly passkeys: readonly PasskeyView[]
  readonly recoveryCodes: number
}

/** What a person may do about their own second factors, and how they are asked for them. */
export interface SecondFactors {
  readonly authenticators: Authenticators
  readonly passkeys: Passkeys
  readonly recoveryCodes: RecoveryCodes
  enrolled(personId: string): Promise<EnrolledFactors>
  has(personId: string): Promise<boolean>
  /**
   * How a typed code proves the person: `totp` for the app's, `recovery` for one of the codes on paper.
   * @throws IdentityError `ERR_IDENTITY_CODE` for a code that is wrong or spent, and what the guard says
   */
  check(personId: string, code: string, client: Client): Promise<SignInMethod>
  /**
   * Takes a factor away; with the last one go the recovery codes.
   * @throws IdentityError `ERR_IDENTITY_LAST_FACTOR` where a role of theirs demands one
   */
  remove(
    personId: string,
    factor: { readonly kind: 'authenticator' } | { readonly kind: 'passkey'; readonly id: string },
  ): Promise<void>
}

export interface SecondFactorsOptions extends PasskeysOptions {
  readonly store: AccountStore
  readonly guard: SignInGuard
  readonly required: (personId: string) => Promise<boolean>
}

export function createSecondFactors(options: SecondFactorsOptions): SecondFactors {
  const { store, clock, guard, required } = options
  const authenticators = createAuthenticators(store, clock)
  const passkeys = createPasskeys(options)
  const recoveryCodes = createRecoveryCodes(store)
  const enrolled = async (personId: string): Promise<EnrolledFactors> => ({
    authenticator: await authenticators.has(personId),
    passkeys: await passkeys.list(personId),
    recoveryCodes: await recoveryCodes.left(personId),
  })
  const countOf = ({ authenticator, passkeys: keys }: EnrolledFactors): number =>
    Number(authenticator) + keys.length
  return {
    authenticators,
    passkeys,
    recoveryCodes,
    enrolled,
    has: async (personId) =>
      (await authenticators.has(personId)) || (await passkeys.list(personId)).length > 0,

    async check(personId, code, { address, device }) {
      const method = /^[\s\d]*$/.test(code) ? 'totp' : 'recovery'
      const attempt: SignInAttempt = { account: personId, address, device, method }
      await admit(guard, attempt)
      const right =
        method === 'totp'
          ? await authenticators.check(personId, code)
          : await recoveryCodes.spend(personId, code)
      await guard.settle(attempt, right ? 'succeeded' : 'failed')
      if (right) return method
      throw new IdentityError('ERR_IDENTITY_CODE', 'the code is not right, or was taken before')
    },

    async remove(personId, factor) {
      const left = countOf(await enrolled(personId)) - 1
      if (left < 1 && (await required(personId)))
        throw new IdentityError('ERR_IDENTITY_LAST_FACTOR', 'a role of this person demands a second factor')
      if (factor.kind === 'passkey') await passkeys.remove(personId, factor.id)
      else await authenticators.remove(personId)
      if (!(await authenticators.has(personId)) && (await passkeys.list(personId)).length === 0)
        await recoveryCodes.remove(personId)
    },
  }
}
