import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../../kernel/index.ts'
import { cookieOf } from '../session-cookie.ts'

/** A device on which somebody has signed in. */
export interface KnownDevice {
  readonly id: string
  /** When that was; Unix milliseconds. */
  readonly admittedAt: number
}

/** Devices on which a person has signed in before: known by a cookie that holds for their account only. */
export interface KnownDevices {
  /** The device where the text has a token of this account's; null otherwise. */
  recognise(account: string, given: string | null): KnownDevice | null
  /** The text with a fresh token for each of the accounts, and of the others those that still hold. */
  admit(accounts: readonly string[], given: string | null): string
}

/** How long a device stays known after its last sign-in, in milliseconds. */
export const KNOWN_MS = 180 * 86_400_000
/** Two tokens for each of four people who share a browser. */
const MOST_TOKENS = 8
const MAC_BYTES = 16

/** `<id>.<Unix milliseconds>.<mac>`, joined by `~`. */
const TOKEN = /^[A-Za-z0-9_-]{16}\.[1-9]\d{0,14}\.[A-Za-z0-9_-]{22}$/

export function createKnownDevices(secret: string, clock: Clock): KnownDevices {
  const key = createHmac('sha256', secret).update('known devices').digest()
  const macOf = (account: string, id: string, at: string): Buffer =>
    createHmac('sha256', key)
      .update(JSON.stringify([account, id, at]))
      .digest()
      .subarray(0, MAC_BYTES)
  const deviceOf = (token: string, account: string): KnownDevice | null => {
    const [id = '', at = '', mac = ''] = token.split('.')
    const isOurs = timingSafeEqual(Buffer.from(mac, 'base64url'), macOf(account, id, at))
    return isOurs ? { id, admittedAt: Number(at) } : null
  }
  const live = (given: string | null): string[] =>
    (given ?? '')
      .split('~', MOST_TOKENS)
      .filter((token) => TOKEN.test(token))
      .filter((token) => clock.now() - Number(token.split('.')[1]) <= KNOWN_MS)
  return {
    recognise(account, given) {
      const devices = live(given).map((token) => deviceOf(token, account))
      return devices.find((device) => device !== null) ?? null
    },
    admit(accounts, given) {
      const at = String(clock.now())
      const fresh = accounts.map((account) => {
        const id = randomBytes(12).toString('base64url')
        return `${id}.${at}.${macOf(account, id, at).toString('base64url')}`
      })
      const others = live(given).filter((token) => !accounts.some((account) => deviceOf(token, account)))
      return [...fresh, ...others].slice(0, MOST_TOKENS).join('~')
    },
  }
}

/** The cookie of known devices. It signs nobody in. */
export interface DeviceCookie {
  read(request: Request): string | null
  set(value: string): string
}

export function createDeviceCookie(system: string, secure: boolean): DeviceCookie {
  const name = `${secure ? '__Host-' : ''}${system}-devices`
  const attributes = `Max-Age=${KNOWN_MS / 1000}; Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`
  return {
    read: (request) => cookieOf(request, name),
    set: (value) => `${name}=${value}; ${attributes}`,
  }
}
