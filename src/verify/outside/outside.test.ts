import { describe, expect, test } from 'vitest'
import { gradeHeaders, HEADER_RULES, type HeaderSample } from './headers.ts'
import { readSecurityTxt } from './security-txt.ts'

const CSP =
  "default-src 'none'; script-src 'nonce-abc' 'self'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
const GOOD = {
  'content-security-policy': CSP,
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'permissions-policy': 'camera=()',
  'cross-origin-opener-policy': 'same-origin',
}

function sample(change: Record<string, string | null> = {}, secure = true): HeaderSample {
  const headers = new Headers(GOOD)
  for (const [name, value] of Object.entries(change)) {
    if (value === null) headers.delete(name)
    else headers.set(name, value)
  }
  return { path: '/security', secure, headers }
}

describe('gradeHeaders', () => {
  test('finds nothing to say about an answer that keeps every rule', () => {
    expect(gradeHeaders([sample()])).toEqual([])
    expect(HEADER_RULES).toHaveLength(8)
  })

  const broken: [string, Record<string, string | null>][] = [
    ['content-security-policy', { 'content-security-policy': null }],
    [
      'content-security-policy',
      { 'content-security-policy': CSP.replace("'self'; style", "'unsafe-inline'; style") },
    ],
    [
      'content-security-policy',
      { 'content-security-policy': CSP.replace("default-src 'none'", 'default-src *') },
    ],
    ['content-security-policy', { 'content-security-policy': CSP.replace("; base-uri 'none'", '') }],
    [
      'content-security-policy',
      { 'content-security-policy': CSP.replace("frame-ancestors 'none'", 'frame-ancestors https:') },
    ],
    // Only the first of a repeated directive counts: a strict second one does not help.
    ['content-security-policy', { 'content-security-policy': `script-src data:; ${CSP}` }],
    ['strict-transport-security', { 'strict-transport-security': null }],
    ['strict-transport-security', { 'strict-transport-security': 'max-age=15551999' }],
    ['x-content-type-options', { 'x-content-type-options': 'sniff' }],
    ['referrer-policy', { 'referrer-policy': 'unsafe-url' }],
    ['permissions-policy', { 'permissions-policy': null }],
    ['cross-origin-opener-policy', { 'cross-origin-opener-policy': 'unsafe-none' }],
    ['server-software', { 'x-powered-by': 'Express' }],
    ['server-software', { server: 'nginx/1.24' }],
  ]
  test.each(broken)('finds the broken rule %s in %j', (rule, change) => {
    expect(gradeHeaders([sample(change)]).map((finding) => finding.rule)).toEqual([rule])
  })

  test('asks for HSTS over TLS alone: over plain HTTP browsers ignore it', () => {
    expect(gradeHeaders([sample({ 'strict-transport-security': null }, false)])).toEqual([])
  })

  test('finds a nonce that two answers share', () => {
    expect(gradeHeaders([sample(), sample()]).map((finding) => finding.rule)).toEqual(['fresh-nonce'])
    const fresh = sample({ 'content-security-policy': CSP.replace('nonce-abc', 'nonce-def') })
    expect(gradeHeaders([sample(), fresh])).toEqual([])
  })
})

describe('readSecurityTxt', () => {
  const now = Date.UTC(2026, 0, 1)
  const file =
    '# hello\nContact: mailto:security@codetime.example\nExpires: 2026-06-01T00:00:00.000Z\nPreferred-Languages: en\n'

  test('reads contacts and expiry', () => {
    expect(readSecurityTxt(file, now)).toEqual({
      ok: true,
      file: { contacts: ['mailto:security@codetime.example'], expires: Date.UTC(2026, 5, 1) },
    })
    expect(readSecurityTxt(file.replaceAll('\n', '\r\n'), now).ok).toBe(true)
  })

  const refused: [string, string][] = [
    ['no contact', file.replace(/Contact.*\n/, '')],
    ['a contact without scheme', file.replace('mailto:', '')],
    ['no expiry', file.replace(/Expires.*\n/, '')],
    ['two expiries', `${file}Expires: 2026-07-01T00:00:00Z\n`],
    ['a past expiry', file.replace('2026-06-01', '2025-12-31')],
    ['an expiry past a year', file.replace('2026-06-01', '2027-06-01')],
    ['a page of HTML', '<!doctype html><title>Not found</title>'],
    ['a huge file', file + '#'.repeat(40_000)],
  ]
  test.each(refused)('refuses %s', (_, text) => {
    expect(readSecurityTxt(text, now).ok).toBe(false)
  })
})
