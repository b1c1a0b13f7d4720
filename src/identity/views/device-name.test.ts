import { describe, expect, test } from 'vitest'
import { deviceName, methodNames } from './device-name.ts'

const WEBKIT = 'AppleWebKit/537.36 (KHTML, like Gecko)'

describe('a device is called by its browser and its system', () => {
  test.each([
    [`Mozilla/5.0 (X11; Linux x86_64) ${WEBKIT} HeadlessChrome/156.0.0.0 Safari/537.36`, 'Chrome on Linux'],
    [
      `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${WEBKIT} Chrome/131.0 Safari/537.36 Edg/131.0`,
      'Edge on Windows',
    ],
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:133.0) Gecko/20100101 Firefox/133.0',
      'Firefox on macOS',
    ],
    [`Mozilla/5.0 (Linux; Android 10; K) ${WEBKIT} Chrome/131.0 Mobile Safari/537.36`, 'Chrome on Android'],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Safari/604.1',
      'Safari on iPhone',
    ],
    ['node', 'node'],
    [`x${'y'.repeat(500)}`, `x${'y'.repeat(79)}`],
    ['', 'A browser that does not say its name'],
    [null, 'A browser that does not say its name'],
  ])('%s', (userAgent, name) => {
    expect(deviceName(userAgent)).toBe(name)
  })
})

test('ways to sign in stand in words', () => {
  expect(methodNames(['password', 'totp'])).toBe('a password and an authenticator app')
  expect(methodNames(['oidc'])).toBe('an identity provider')
})
