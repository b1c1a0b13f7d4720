import { expect, test } from 'vitest'
import { answerFailure, RequestRefused, unlessRefused } from './api-request.ts'
import { refuse } from './wakatime/refusal.ts'

const coded = (code: string) => Object.assign(new Error('secret detail'), { code })

test.each([
  ['ERR_KEYS_ERASED', 401],
  ['ERR_STORE_FORBIDDEN', 403],
  ['ERR_STORE_RETRY', 503],
  ['ERR_STORE_UNAVAILABLE', 503],
  ['ERR_KEYS_PROVIDER_UNAVAILABLE', 503],
  ['ERR_STORE_TAMPERED', 500],
  ['constructor', 500],
])('answers %s with %i, tells its code to the log alone, and its text to nobody', (code, status) => {
  const { refusal, cause } = answerFailure(coded(code))
  expect(refusal.status).toBe(status)
  expect(cause).toBe(code)
  expect(JSON.stringify(refusal)).not.toContain('secret detail')
})

test('answers what is no coded error at all with 500', () => {
  for (const thrown of [new TypeError('x'), 'text', null, undefined]) {
    expect(answerFailure(thrown)).toMatchObject({ refusal: { status: 500 }, cause: 'unknown' })
  }
})

test('hands results on and throws refusals', () => {
  const bytes = new Uint8Array(2)
  expect(unlessRefused(bytes)).toBe(bytes)
  expect(() => unlessRefused(refuse('ERR_WAKATIME_BODY_LARGE'))).toThrow(RequestRefused)
})
