import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../../kernel/index.ts'
import { cookieOf } from '../session-cookie.ts'

/** Devices on which a person has signed in before: known by a cookie that holds for their account only. */
export interface KnownDevices {
  /** The device's id where the text has a token of this account's; null otherwise. */
  recognise(account: string, given: string | null): string | null
  /** The text with a fresh token for each of the accounts, and of the others those that still hold. */
  admit(accounts: readonly string[], given: string | null): string
}

const DAY_MS = 86_400_000
/** How long a device stays known after its last sign-in. */
const KNOWN_DAYS = 180
/** Two tokens for each of four people who share a browser. */
const MOST_TOKENS = 8
const MAC_BYTES = 16

/** `<id>.<day>.<mac>`, joined by `~`. */
const TOKEN = /^[A-Za-z0-9_-]{16}\.[1-9]\d{0,5}\.[A-Za-z0-9_-]{22}$/

export function createKnownDevices(secret: string, clock: Clock): KnownDevices {
  const key = createHmac('sha256', secret).update('known devices').digest()
  const today = (): number => Math.floor(clock.now() / DAY_MS)
  const macOf = (account: string, id: string, day: string): Buffer =>
    createHmac('sha256', key)
      .update(JSON.stringify([account, id, day]))
      .digest()
      .subarray(0, MAC_BYTES)
  const idOf = (token: string, account: string): string | null => {
    const [id = '', day = '', mac = ''] = token.split('.')
    return timingSafeEqual(Buffer.from(mac, 'base64url'), macOf(account, id, day)) ? id : null
  }
  const live = (given: string | null): string[] =>
    (given ?? '')
      .split('~', MOST_TOKENS)
      .filter((token) => TOKEN.test(token))
      .filter((token) => today() - Number(token.split('.')[1]) <= KNOWN_DAYS)
  return {
    recognise(account, given) {
      for (const token of live(given)) {
        const id = idOf(token, account)
        if (id !== null) return id
      }
      return null
    },
    admit(accounts, given) {
      const fresh = accounts.map((account) => {
        const [id, day] = [randomBytes(12).toString('base64url'), String(today())]
        return `${id}.${day}.${macOf(account, id, day).toString('base64url')}`
      })
      const others = live(given).filter((token) => !accounts.some((account) => idOf(token, account)))
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
  const attributes = `Max-Age=${(KNOWN_DAYS * DAY_MS) / 1000}; Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`
  return {
    read: (request) => cookieOf(request, name),
    set: (value) => `${name}=${value}; ${attributes}`,
  }
}
