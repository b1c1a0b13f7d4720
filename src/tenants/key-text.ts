import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { formatId, parseId } from '../kernel/index.ts'

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
export const ID_LENGTH = 22
export const SECRET_LENGTH = 43
export const CHECK_LENGTH = 6
const FORM = /^([a-z][a-z0-9]{0,30})_([0-9A-Za-z]{22})([0-9A-Za-z]{43})([0-9A-Za-z]{6})$/

/** The parts of a key's text. */
export interface KeyText {
  readonly prefix: string
  /** The row that knows the key. */
  readonly id: string
  readonly secret: string
}

/** 32 random bytes, as a key's text holds them. */
export function createSecret(): string {
  return toDigits(randomBytes(32), SECRET_LENGTH)
}

/**
 * The text that a person puts into a program: `<prefix>_`, the id, the secret, and six digits that follow
 * from all before. So a scanner of source code knows a key offline, and tells it from what looks like one.
 */
export function formatKey({ prefix, id, secret }: KeyText): string {
  const text = `${prefix}_${toDigits(parseId(id), ID_LENGTH)}${secret}`
  return `${text}${checkDigits(text)}`
}

/** The parts of a key's text; null for what is none or was mistyped. */
export function parseKey(text: string): KeyText | null {
  const [, prefix, id, secret, check] = FORM.exec(text) ?? []
  if (!prefix || !id || !secret || check !== checkDigits(text.slice(0, -CHECK_LENGTH))) return null
  const bytes = toBytes(id)
  return bytes === null ? null : { prefix, id: formatId(bytes), secret }
}

/** The prefix of a system's keys: its name in lower-case letters and digits. */
export function keyPrefix(systemName: string): string {
  return `k${systemName.toLowerCase().replaceAll(/[^a-z0-9]/g, '')}`.replace(/^k(?=[a-z])/, '').slice(0, 31)
}

export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret, 'utf8').digest('hex')
}

/** True when the secret has that hash, in a time that tells nothing about where they differ. */
export function isSecretOf(secret: string, hash: string): boolean {
  const [given, known] = [Buffer.from(hashSecret(secret)), Buffer.from(hash)]
  return given.length === known.length && timingSafeEqual(given, known)
}

/** The first 32 bits of the SHA-256 of all that stands before. */
export function checkDigits(text: string): string {
  return toDigits(createHash('sha256').update(text, 'utf8').digest().subarray(0, 4), CHECK_LENGTH)
}

function toDigits(bytes: Uint8Array, length: number): string {
  let value = bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n)
  let text = ''
  for (let i = 0; i < length; i++) {
    text = DIGITS[Number(value % 62n)]! + text
    value /= 62n
  }
  return text
}

/** The 16 bytes of an id's digits; null where they stand for more. */
function toBytes(digits: string): Uint8Array | null {
  let value = 0n
  for (const digit of digits) value = value * 62n + BigInt(DIGITS.indexOf(digit))
  if (value >> 128n !== 0n) return null
  return Uint8Array.from({ length: 16 }, (_, i) => Number((value >> BigInt(120 - 8 * i)) & 255n))
}
