import type { BreachedPasswords } from './breached-passwords.ts'
import { IdentityError } from '../errors.ts'
import { passwordScore } from './password-strength.ts'

/** NIST SP 800-63B-4 §3.1.1.2 asks for at least 8 characters where a password is one of two factors. */
export const MIN_PASSWORD_CHARACTERS = 8
/** Beyond this nothing is normalised, measured or hashed. */
export const MAX_PASSWORD_BYTES = 4_096
/** zxcvbn: 3 is "safely unguessable", beyond 10^8 guesses. */
export const LEAST_SCORE = 3

/** @throws IdentityError `ERR_IDENTITY_PASSWORD_LENGTH`, without having looked at the whole text */
export function checkPasswordLength(password: string): void {
  // A UTF-16 unit takes at least one byte, so the first test bounds the second.
  const fits = password.length <= MAX_PASSWORD_BYTES && Buffer.byteLength(password) <= MAX_PASSWORD_BYTES
  if (!fits || Array.from(password).length < MIN_PASSWORD_CHARACTERS)
    throw new IdentityError('ERR_IDENTITY_PASSWORD_LENGTH', 'the password is too short or too long')
}

/**
 * Refuses a password that could be guessed.
 *
 * @param about what is known of the person: their address and name make a password no stronger
 * @throws IdentityError `ERR_IDENTITY_PASSWORD_LENGTH`, `ERR_IDENTITY_PASSWORD_WEAK`,
 * `ERR_IDENTITY_PASSWORD_BREACHED`, `ERR_IDENTITY_BREACH_CHECK`
 */
export async function checkNewPassword(
  password: string,
  about: readonly string[],
  breached: BreachedPasswords,
): Promise<void> {
  checkPasswordLength(password)
  if (!password.isWellFormed())
    throw new IdentityError('ERR_IDENTITY_PASSWORD_LENGTH', 'the password is no well-formed text')
  if (await breached.includes(password))
    throw new IdentityError('ERR_IDENTITY_PASSWORD_BREACHED', 'the password is on a list of stolen ones')
  if ((await passwordScore(password, about)) < LEAST_SCORE)
    throw new IdentityError('ERR_IDENTITY_PASSWORD_WEAK', 'the password would be guessed')
}
