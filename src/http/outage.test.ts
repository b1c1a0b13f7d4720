import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../kernel/index.ts'
import { KeysError } from '../keys/index.ts'
import { protection, type SuretyEnv } from './index.ts'

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined }
const outage = (): never => {
  throw new KeysError('ERR_KEYS_PROVIDER_UNAVAILABLE', 'the token is at slot 7')
}

function app(): Hono<SuretyEnv> {
  const made = new Hono<SuretyEnv>()
  made.use(protection({ clock: systemClock, logger: silent }))
  return made
}

describe('a route whose key provider is away', () => {
  it('answers 503 and when to try again, without a word about the provider', async () => {
    const answer = await app().post('/rows', outage).request('/rows', { method: 'POST' })
    expect(answer.status).toBe(503)
    expect(answer.headers.get('Retry-After')).toBe('30')
    expect(answer.headers.get('Content-Type')).toBe('application/problem+json')
    const text = await answer.text()
    expect(JSON.parse(text)).toMatchObject({ status: 503, code: 'ERR_KEYS_PROVIDER_UNAVAILABLE' })
    expect(text).not.toContain('slot 7')
  })

  it('keeps the page that the app shows for a failure', async () => {
    const pages = app().get('/', outage)
    pages.onError((_, c) => c.html('<p>Sorry</p>', 500))
    const answer = await pages.request('/')
    expect([answer.status, await answer.text()]).toEqual([503, '<p>Sorry</p>'])
  })

  it('leaves an answer that the app chose itself, and every other failure', async () => {
    const own = app().get('/', outage)
    own.onError((_, c) => c.text('later', 429))
    expect((await own.request('/')).status).toBe(429)
    const other = app().get('/', () => {
      throw new TypeError('a mistake')
    })
    expect((await other.request('/')).status).toBe(500)
  })
})
