import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** Seconds of a time step, and digits of a code: what every authenticator app assumes (RFC 6238 §4, RFC 4226 §5.3). */
const STEP_SECONDS = 30
const DIGITS = 6
/** Steps before and after now that count, for clocks that differ (RFC 6238 §5.2). */
const SKEW_STEPS = 1
/** RFC 4226 §4 recommends 160 bits. */
const SECRET_BYTES = 20
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** A fresh secret as authenticator apps take it: base32 without padding (RFC 4648 §6). */
export function mintTotpSecret(): string {
  return toBase32(randomBytes(SECRET_BYTES))
}

/** The time step of a moment in Unix milliseconds. */
export function totpStep(now: number): number {
  return Math.floor(now / 1000 / STEP_SECONDS)
}

/** The code of one step (RFC 4226 §5.3 over RFC 6238's step, HMAC-SHA-1). */
export function totpCode(secret: string, step: number): string {
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(step))
  const mac = createHmac('sha1', fromBase32(secret)).update(counter).digest()
  const offset = mac[mac.length - 1]! & 0x0f
  const number = mac.readUInt32BE(offset) & 0x7f_ff_ff_ff
  return String(number % 10 ** DIGITS).padStart(DIGITS, '0')
}

/** The step whose code this is, among those that count now; null for none. */
export function matchingStep(secret: string, code: string, now: number): number | null {
  const digits = code.slice(0, 20).replaceAll(/\s/g, '')
  if (!/^\d{6}$/.test(digits)) return null
  const given = Buffer.from(digits)
  const current = totpStep(now)
  for (let step = current - SKEW_STEPS; step <= current + SKEW_STEPS; step++)
    if (timingSafeEqual(given, Buffer.from(totpCode(secret, step)))) return step
  return null
}

/** What an authenticator app reads from a QR code or a link (Key URI format). */
export function totpUri(secret: string, issuer: string, account: string): string {
  const label = `${encodeURIComponent(issuer)}:${encodeURIComponent(account)}`
  return `otpauth://totp/${label}?secret=${secret}&issuer=${encodeURIComponent(issuer)}`
}

export function toBase32(bytes: Uint8Array): string {
  let bits = 0
  let held = 0
  let text = ''
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0xfff
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += BASE32[(held >> bits) & 31]
    }
  }
  return bits > 0 ? text + BASE32[(held << (5 - bits)) & 31] : text
}

function fromBase32(text: string): Buffer {
  const bytes: number[] = []
  let bits = 0
  let held = 0
  for (const letter of text) {
    held = ((held << 5) | BASE32.indexOf(letter)) & 0xfff
    bits += 5
    if (bits >= 8) {
      bits -= 8
      bytes.push((held >> bits) & 0xff)
    }
  }
  return Buffer.from(bytes)
}
