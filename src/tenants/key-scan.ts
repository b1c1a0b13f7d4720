import { CHECK_LENGTH, checkDigits, ID_LENGTH, parseKey, SECRET_LENGTH } from './key-text.ts'

/** A key that lies in a text. It never holds the secret. */
export interface FoundKey {
  /** Where it begins, in characters. */
  readonly index: number
  /** Of which system it is. */
  readonly prefix: string
  /** The row that knows it: what an administrator revokes. */
  readonly id: string
}

const DIGITS = ID_LENGTH + SECRET_LENGTH + CHECK_LENGTH
const MOST_PREFIX = 31

/** What a scanner of source code needs to find a system's keys, and to tell them from what looks like one. */
export interface KeyRule {
  readonly prefix: string
  /** A regular expression without flags, for scanners that take one. */
  readonly pattern: string
  /** Length of a whole key in characters. */
  readonly length: number
  /** True for a key whose last six digits follow from the rest: no look-up is needed. */
  verify(text: string): boolean
}

/** The rule for the keys of one system. @param prefix as `keyPrefix` makes it of the system's name */
export function keyRule(prefix: string): KeyRule {
  return {
    prefix,
    pattern: `${prefix}_[0-9A-Za-z]{${DIGITS}}`,
    length: prefix.length + 1 + DIGITS,
    verify: (text) => parseKey(text)?.prefix === prefix,
  }
}

/**
 * Every key in a text, of whatever system, also where it is glued to what stands around it. One in four
 * billion texts of that form is none and found nevertheless.
 */
export function findKeys(text: string): readonly FoundKey[] {
  const form = new RegExp(`_([0-9A-Za-z]{${DIGITS}})`, 'g')
  const found: FoundKey[] = []
  for (let match = form.exec(text); match; match = form.exec(text)) {
    const key = keyAround(text, match.index)
    if (key) found.push(key)
    // What follows the sign may itself hold the beginning of a key.
    form.lastIndex = match.index + 1
  }
  return found
}

/** Tries every beginning that a prefix could have: the last digits follow from it, too. */
function keyAround(text: string, sign: number): FoundKey | null {
  const end = sign + 1 + DIGITS
  const check = text.slice(end - CHECK_LENGTH, end)
  for (let start = sign - 1; start >= Math.max(0, sign - MOST_PREFIX); start--) {
    if (!/[a-z0-9]/.test(text[start]!)) return null
    if (checkDigits(text.slice(start, end - CHECK_LENGTH)) !== check) continue
    const key = parseKey(text.slice(start, end))
    if (key) return { index: start, prefix: key.prefix, id: key.id }
  }
  return null
}
