import { LIMITS } from '../limits.ts'

/** What a `security.txt` says (RFC 9116). */
export interface SecurityTxt {
  readonly contacts: readonly string[]
  /** Unix milliseconds. */
  readonly expires: number
}

export type SecurityTxtReading =
  | { readonly ok: true; readonly file: SecurityTxt }
  | { readonly ok: false; readonly problem: string }

const YEAR_MS = 366 * 86_400_000

/** Reads a `security.txt` and says the first thing that keeps a researcher from using it (RFC 9116 §2.5). */
export function readSecurityTxt(text: string, now: number): SecurityTxtReading {
  if (text.length > LIMITS.maxSecurityTxtBytes) return refuse('the file is larger than 32 KiB')
  const fields = readFields(text)
  const contacts = fields.filter(([name]) => name === 'contact').map(([, value]) => value)
  if (contacts.length === 0) return refuse('it names no contact (§2.5.3)')
  if (!contacts.every((contact) => /^(mailto:|https:\/\/|tel:)\S+$/.test(contact))) {
    return refuse('a contact is no mailto:, https:// or tel: URI (§2.5.3)')
  }
  const dates = fields.filter(([name]) => name === 'expires').map(([, value]) => Date.parse(value))
  const expires = dates[0]
  if (dates.length !== 1 || expires === undefined || Number.isNaN(expires)) {
    return refuse('it has not exactly one Expires date (§2.5.5)')
  }
  if (expires <= now) return refuse('it has expired (§2.5.5)')
  if (expires > now + YEAR_MS) return refuse('it expires more than a year ahead (§2.5.5)')
  return { ok: true, file: { contacts, expires } }
}

function readFields(text: string): [string, string][] {
  return text
    .split(/\r?\n/)
    .filter((line) => line !== '' && !line.startsWith('#'))
    .flatMap((line): [string, string][] => {
      const colon = line.indexOf(':')
      return colon > 0 ? [[line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()]] : []
    })
}

function refuse(problem: string): SecurityTxtReading {
  return { ok: false, problem }
}
