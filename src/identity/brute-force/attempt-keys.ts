import { createHmac } from 'node:crypto'
import { parseRange, AccessError } from '../../access/index.ts'
import type { SignInAttempt } from '../sign-in-guard.ts'
import type { Counted } from './limits.ts'

/** Names under which one attempt is counted: keyed hashes, so that the table names nobody. */
export interface AttemptKeys {
  readonly account: string
  readonly pair: string | null
  readonly address: string | null
  readonly network: string | null
  readonly device: string | null
  /** Where it stands since when the account's known devices are strangers. */
  readonly forgotten: string
}

/** The method of an attempt that makes an account. */
export const SIGN_UP = 'sign-up'

/** Keys of what concerns every account. */
export const INSTALLATION = 'installation'

/** Bits that one customer of a provider has: one IPv4 address, a /64 of IPv6 (RFC 6177 §2). */
const ADDRESS_BITS = { 32: 32, 128: 64 } as const
/** Bits that one site or small provider has. */
const NETWORK_BITS = { 32: 24, 128: 48 } as const

export function attemptKeys(
  secret: string,
): (attempt: Omit<SignInAttempt, 'device'>, device: string | null) => AttemptKeys {
  const key = createHmac('sha256', secret).update('sign-in guard').digest()
  const name = (counted: Counted | 'forgotten', ...parts: readonly string[]): string =>
    createHmac('sha256', key)
      .update(JSON.stringify([counted, ...parts]))
      .digest('base64url')
  return ({ account, address, method }, device) => {
    // People of one office sign up together: that counts for itself, and against nobody's sign-in.
    const apart = method === SIGN_UP ? [method] : []
    const near = address === null ? null : prefixOf(address, ADDRESS_BITS)
    const wide = networkOf(address)
    return {
      account: name('account', account),
      pair: near && name('pair', account, near),
      address: near && name('address', ...apart, near),
      network: wide && name('network', ...apart, wide),
      device: device && name('device', account, device),
      forgotten: name('forgotten', account),
    }
  }
}

/** The site or small provider that an address belongs to; null for what is no address. */
export function networkOf(address: string | null): string | null {
  return address === null ? null : prefixOf(address, NETWORK_BITS)
}

/** The first bits of an address, as text; null for what is no address. */
export function prefixOf(address: string, keep: typeof ADDRESS_BITS | typeof NETWORK_BITS): string | null {
  try {
    const { bits, value } = parseRange(address.replace(/%.*$/, ''))
    const kept = keep[bits]
    return `${bits === 32 ? 4 : 6}:${(value >> BigInt(bits - kept)).toString(16)}/${kept}`
  } catch (error) {
    if (error instanceof AccessError) return null
    throw error
  }
}
