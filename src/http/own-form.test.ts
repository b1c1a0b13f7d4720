import { describe, expect, test } from 'vitest'
import { requireFormToken, requireSameOrigin } from './own-form.ts'

const SITE = 'http://localhost:4001'
const request = (headers: Record<string, string>) => new Request(`${SITE}/x`, { method: 'POST', headers })
const foreign = expect.objectContaining({ code: 'ERR_HTTP_FOREIGN_FORM' })

describe('a form', () => {
  test.each([{ 'sec-fetch-site': 'same-origin', origin: 'null' }, { origin: SITE }])(
    'comes from a page of this site when the browser says %j',
    (headers) => expect(() => requireSameOrigin(request(headers), SITE)).not.toThrow(),
  )

  test.each([
    { 'sec-fetch-site': 'cross-site', origin: SITE },
    { 'sec-fetch-site': 'same-site', origin: 'http://localhost:4002' },
    { 'sec-fetch-site': 'none' },
    { 'sec-fetch-site': '' },
    { origin: 'http://localhost:4002' },
    { origin: 'https://localhost:4001' },
    { origin: 'null' },
    { host: 'localhost:4001', referer: `${SITE}/account` },
    {},
  ])('comes from elsewhere when the browser says %j', (headers) =>
    expect(() => requireSameOrigin(request(headers as Record<string, string>), SITE)).toThrow(foreign),
  )

  test('carries the token of its session, whole', () => {
    expect(() => requireFormToken('token', 'token')).not.toThrow()
    for (const given of ['', 'toke', 'tokem', 'token ', undefined, null, 7, ['token'], { length: 5 }])
      expect(() => requireFormToken('token', given)).toThrow(foreign)
    expect(() => requireFormToken('', '')).toThrow(foreign)
  })
})
