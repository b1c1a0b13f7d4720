import type { KeyObject } from 'node:crypto'
import { gcmOpen, gcmSeal } from '../../keys/index.ts'

/** A sign-in under way, as the browser that began it carries it. */
export interface SignInTransaction {
  /** Random; used once. */
  readonly id: string
  readonly provider: string
  readonly state: string
  readonly nonce: string
  /** PKCE code verifier (RFC 7636 §4.1). */
  readonly verifier: string
  /** Path on this site. */
  readonly returnTo: string
  /** Pseudonym of the person who is asked anew who they are; null where somebody signs in. */
  readonly confirms: string | null
  /** Milliseconds since the epoch. */
  readonly beganAt: number
}

/** Milliseconds from the beginning of a sign-in to its end. */
export const TRANSACTION_MS = 10 * 60_000

/** Milliseconds by which the clocks of two nodes may differ. */
const CLOCKS_APART_MS = 60_000

const ASSOCIATED = Buffer.from('surety sign-in transaction v1')
/** What a browser stores of one cookie at least (RFC 6265 §6.1). */
const MAX_LENGTH = 4_096

/** The cookie's value: sealed, since it holds the code verifier, and so that nobody can make one up. */
export function sealTransaction(key: KeyObject, transaction: SignInTransaction): string {
  return gcmSeal(key, ASSOCIATED, Buffer.from(JSON.stringify(transaction))).toString('base64url')
}

/** The transaction, or null where the value was not sealed with this key or is not in time. */
export function openTransaction(key: KeyObject, value: string, now: number): SignInTransaction | null {
  if (value.length > MAX_LENGTH) return null
  const opened = gcmOpen(key, ASSOCIATED, Buffer.from(value, 'base64url'))
  if (!opened) return null
  const transaction = JSON.parse(opened.toString('utf8')) as SignInTransaction
  const age = now - transaction.beganAt
  return age >= -CLOCKS_APART_MS && age <= TRANSACTION_MS ? transaction : null
}
