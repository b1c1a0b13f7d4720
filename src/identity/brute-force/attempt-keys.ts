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
}

/** Keys of what concerns every account. */
export const INSTALLATION = 'installation'

/** Bits that one customer of a provider has: one IPv4 address, a /64 of IPv6 (RFC 6177 §2). */
const ADDRESS_BITS = { 32: 32, 128: 64 } as const
/** Bits that one site or small provider has. */
const NETWORK_BITS = { 32: 24, 128: 48 } as const

export function attemptKeys(secret: string): (attempt: SignInAttempt, device: string | null) => AttemptKeys {
  const name = naming(secret)
  return ({ account, address }, device) => {
    const near = address === null ? null : prefixOf(address, ADDRESS_BITS)
    const wide = address === null ? null : prefixOf(address, NETWORK_BITS)
    return {
      account: name('account', account),
      pair: near && name('pair', account, near),
      address: near && name('address', near),
      network: wide && name('network', wide),
      device: device && name('device', account, device),
    }
  }
}

/** The name under which it stands since when devices of an account count as known. */
export function devicesKey(secret: string): (account: string) => string {
  const name = naming(secret)
  return (account) => name('devices', account)
}

function naming(secret: string): (what: Counted | 'devices', ...parts: readonly string[]) => string {
  const key = createHmac('sha256', secret).update('sign-in guard').digest()
  return (what, ...parts) =>
    createHmac('sha256', key)
      .update(JSON.stringify([what, ...parts]))
      .digest('base64url')
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
