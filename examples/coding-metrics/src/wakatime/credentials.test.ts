import fc from 'fast-check'
import { expect, test } from 'vitest'
import captured from '../../../../test/fixtures/wakatime/cli-001.json' with { type: 'json' }
import { readApiKey } from './credentials.ts'

const KEY = 'waka_00000000-0000-4000-8000-000000000000'
const basic = (text: string) => `Basic ${btoa(text)}`

test('reads the header of the real client: the key alone, without a colon', () => {
  expect(readApiKey(captured.headers.authorization, null)).toBe(KEY)
})

test('reads the key as a user name, with and without a password', () => {
  expect(readApiKey(basic(`${KEY}:`), null)).toBe(KEY)
  expect(readApiKey(basic(`${KEY}:x`), null)).toBe(KEY)
})

test('reads Bearer, and scheme names in any case', () => {
  expect(readApiKey(`Bearer ${KEY}`, null)).toBe(KEY)
  expect(readApiKey(`bearer ${KEY}`, null)).toBe(KEY)
  expect(readApiKey(basic(KEY).replace('Basic', 'BASIC'), null)).toBe(KEY)
})

test('reads the key from the URL only where there is no header', () => {
  expect(readApiKey(null, KEY)).toBe(KEY)
  expect(readApiKey(basic('another-key-of-somebody'), KEY)).toBe('another-key-of-somebody')
  expect(readApiKey('Digest abc', KEY)).toBeNull()
})

test.each([
  null,
  '',
  'Basic',
  'Basic ',
  basic(''),
  basic('short'),
  basic('key with spaces in it'),
  basic(`'or 1=1 --${'x'.repeat(20)}`),
  basic('x'.repeat(129)),
  'Basic !!!!',
])('finds no key in %j', (header) => {
  expect(readApiKey(header, null)).toBeNull()
})

test('finds a plain key or none in any header', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (header, parameter) => {
      const key = readApiKey(header, parameter)
      expect(key === null || /^[A-Za-z0-9_-]{16,128}$/.test(key)).toBe(true)
    }),
  )
})
