import { describe, expect, test } from 'vitest'
import { createSessionCookie } from './session-cookie.ts'

const options = { system: 'codetime', secret: 's'.repeat(43), maxAgeSeconds: 60 }
const plain = createSessionCookie({ ...options, secure: false })
const secure = createSessionCookie({ ...options, secure: true })
const request = (cookie: string) => new Request('http://localhost/', { headers: { cookie } })
const pairOf = (set: string) => set.split(';')[0]!

describe('the session cookie', () => {
  test('carries the system in its name, since cookies ignore ports', () => {
    expect(plain.set('t')).toMatch(/^codetime-session=.+; Max-Age=60; Path=\/; HttpOnly; SameSite=Lax$/)
  })

  test('is Secure and bound to the host where the site is served over HTTPS', () => {
    expect(secure.set('t')).toMatch(
      /^__Host-codetime-session=.+; Max-Age=60; Path=\/; HttpOnly; SameSite=Lax; Secure$/,
    )
    expect(secure.clear()).toContain('Max-Age=0')
  })

  test('gives its token back', () => {
    expect(plain.read(request(`other=1; ${pairOf(plain.set('tok.en+/='))}; x`))).toBe('tok.en+/=')
  })

  test('counts for nothing when its signature is another’s, when it is sent twice, or is no text', () => {
    const foreign = createSessionCookie({ ...options, secret: 'x'.repeat(43), secure: false })
    const own = pairOf(plain.set('t'))
    for (const cookie of [
      pairOf(foreign.set('t')),
      `${own}; ${own}`,
      `${own}x`,
      'codetime-session=%',
      'codetime-session=',
      '',
    ])
      expect(plain.read(request(cookie))).toBeNull()
  })
})
