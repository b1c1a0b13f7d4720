import type { Identity, IdentityOptions } from '../identity.ts'
import type { PasswordHasher } from '../passwords/argon2.ts'
import type { BreachedPasswords } from '../passwords/breached-passwords.ts'
import type { SignInGuard } from '../sign-in-guard.ts'
import { createAddresses } from './addresses.ts'
import { createLetterLimit } from './letter-limit.ts'
import { createMailLinks } from './mail-links.ts'
import { createPasswordReset } from './password-reset.ts'

interface LettersOptions extends Omit<IdentityOptions, 'breached'> {
  readonly guard: SignInGuard
  readonly hasher: PasswordHasher
  readonly breached: BreachedPasswords
}

/** What letters are for, where something takes them over. Their links lead to the configured address. */
export function openLetters({
  outbox,
  ...options
}: LettersOptions): Pick<Identity, 'addresses' | 'passwordReset'> {
  if (!outbox) return { addresses: null, passwordReset: null }
  const { store, clock, guard, name, url, passwords = true } = options
  const links = createMailLinks(store, clock)
  const limit = createLetterLimit(guard)
  const parts = { ...options, outbox, links, limit, guard, from: () => ({ name, url: url() }) }
  return {
    addresses: createAddresses(parts),
    passwordReset: passwords ? createPasswordReset(parts) : null,
  }
}
