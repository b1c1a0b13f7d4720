import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../../kernel/index.ts'
import { cookieOf } from '../session-cookie.ts'

/** Devices on which a person has signed in before: known by a cookie that holds for their account only. */
export interface KnownDevices {
  /**
   * The device's id where the text has a token of this account's; null otherwise.
   * @param since tokens from before do not count; Unix milliseconds, default all count
   */
  recognise(account: string, given: string | null, since?: number): string | null
  /** The text with a fresh token for each of the accounts, and of the others those that still hold. */
  admit(accounts: readonly string[], given: string | null): string
}

/** How long a device stays known after its last sign-in: 180 days. */
export const KNOWN_MS = 180 * 86_400_000
/** Two tokens for each of four people who share a browser. */
const MOST_TOKENS = 8
const MAC_BYTES = 16

/** `<id>.<Unix milliseconds>.<mac>`, joined by `~`. */
const TOKEN = /^[A-Za-z0-9_-]{16}\.[1-9]\d{0,14}\.[A-Za-z0-9_-]{22}$/

export function createKnownDevices(secret: string, clock: Clock): KnownDevices {
  const key = createHmac('sha256', secret).update('known devices').digest()
  const macOf = (account: string, id: string, time: string): Buffer =>
    createHmac('sha256', key)
      .update(JSON.stringify([account, id, time]))
      .digest()
      .subarray(0, MAC_BYTES)
  const idOf = (token: string, account: string): string | null => {
    const [id = '', time = '', mac = ''] = token.split('.')
    return timingSafeEqual(Buffer.from(mac, 'base64url'), macOf(account, id, time)) ? id : null
  }
  const live = (given: string | null): string[] =>
    (given ?? '')
      .split('~', MOST_TOKENS)
      .filter((token) => TOKEN.test(token))
      .filter((token) => clock.now() - timeOf(token) <= KNOWN_MS)
  return {
    recognise(account, given, since = 0) {
      for (const token of live(given).filter((one) => timeOf(one) >= since)) {
        const id = idOf(token, account)
        if (id !== null) return id
      }
      return null
    },
    admit(accounts, given) {
      const fresh = accounts.map((account) => {
        const [id, time] = [randomBytes(12).toString('base64url'), String(clock.now())]
        return `${id}.${time}.${macOf(account, id, time).toString('base64url')}`
      })
      const others = live(given).filter((token) => !accounts.some((account) => idOf(token, account)))
      return [...fresh, ...others].slice(0, MOST_TOKENS).join('~')
    },
  }
}

/** When a token was given. */
function timeOf(token: string): number {
  return Number(token.split('.')[1])
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
