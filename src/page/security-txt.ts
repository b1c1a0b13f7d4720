import type { Disclosure } from '../declare/index.ts'
import { PageError } from './errors.ts'

/** How long a served file is valid. RFC 9116 §2.5.5 recommends less than a year. */
const VALID_MS = 90 * 86_400_000

const CONTACT = /^(?:https:\/\/|mailto:|tel:\+?)[^\s<>"]+$/
const WEB = /^https:\/\/[^\s<>"]+$/
const LANGUAGE = /^[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*$/

function checked(values: readonly string[], pattern: RegExp, key: string): readonly string[] {
  const bad = values.findIndex((value) => !pattern.test(value))
  if (bad !== -1)
    throw new PageError('ERR_PAGE_DISCLOSURE', `disclosure.${key} is not usable in security.txt`)
  return values
}

/**
 * The `security.txt` of RFC 9116. Expires 90 days after `now` (Unix ms), to the day.
 * @throws PageError `ERR_PAGE_DISCLOSURE`
 */
export function securityTxt(disclosure: Disclosure, siteUrl: string, now: number): string {
  const contacts = checked(disclosure.contact, CONTACT, 'contact')
  if (contacts.length === 0) throw new PageError('ERR_PAGE_DISCLOSURE', 'disclosure.contact is empty')
  const optional = (value: string | undefined): readonly string[] => (value === undefined ? [] : [value])
  const expires = new Date(now + VALID_MS).toISOString().slice(0, 10)
  const lines = [
    ...contacts.map((contact) => `Contact: ${contact}`),
    `Expires: ${expires}T00:00:00Z`,
    `Preferred-Languages: ${checked(disclosure.languages ?? ['en'], LANGUAGE, 'languages').join(', ')}`,
    `Canonical: ${siteUrl}/.well-known/security.txt`,
    ...checked(optional(disclosure.policy), WEB, 'policy').map((url) => `Policy: ${url}`),
    ...checked(optional(disclosure.acknowledgments), WEB, 'acknowledgments').map(
      (url) => `Acknowledgments: ${url}`,
    ),
  ]
  return `${lines.join('\n')}\n`
}
