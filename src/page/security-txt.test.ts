import { describe, expect, it } from 'vitest'
import { readSecurityTxt } from '../verify/index.ts'
import { securityTxt } from './security-txt.ts'

const NOW = Date.UTC(2026, 10, 22, 13, 5)
const URL = 'https://codetime.example'

describe('security.txt', () => {
  it('carries the fields of RFC 9116 in full', () => {
    const text = securityTxt(
      {
        contact: ['mailto:security@codetime.example', 'https://codetime.example/report'],
        policy: 'https://codetime.example/policy',
        acknowledgments: 'https://codetime.example/thanks',
        languages: ['en', 'de-AT'],
      },
      URL,
      NOW,
    )
    expect(text).toBe(
      [
        'Contact: mailto:security@codetime.example',
        'Contact: https://codetime.example/report',
        'Expires: 2027-02-20T00:00:00Z',
        'Preferred-Languages: en, de-AT',
        'Canonical: https://codetime.example/.well-known/security.txt',
        'Policy: https://codetime.example/policy',
        'Acknowledgments: https://codetime.example/thanks',
        '',
      ].join('\n'),
    )
  })

  it('expires in the future and within a year', () => {
    const expires = /^Expires: (.+)$/m.exec(securityTxt({ contact: ['mailto:a@b.c'] }, URL, NOW))![1]!
    expect(Date.parse(expires)).toBeGreaterThan(NOW)
    expect(Date.parse(expires) - NOW).toBeLessThan(365 * 86_400_000)
  })

  it('is what a stranger’s verifier accepts', () => {
    const read = readSecurityTxt(securityTxt({ contact: ['mailto:a@b.example'] }, URL, NOW), NOW)
    expect(read).toMatchObject({ ok: true })
  })

  it.each([
    { contact: [] },
    { contact: ['security@codetime.example'] },
    { contact: ['http://codetime.example'] },
    { contact: ['mailto:a@b.c\nPolicy: https://evil.example'] },
    { contact: ['mailto:a@b.c'], policy: 'javascript:x' },
    { contact: ['mailto:a@b.c'], acknowledgments: 'https://x.example/\r\nContact: mailto:evil@x' },
    { contact: ['mailto:a@b.c'], languages: ['en\nContact: x'] },
  ])('refuses %j, so that no value adds a line', (disclosure) => {
    expect(() => securityTxt(disclosure, URL, NOW)).toThrow(
      expect.objectContaining({ code: 'ERR_PAGE_DISCLOSURE' }),
    )
  })
})
