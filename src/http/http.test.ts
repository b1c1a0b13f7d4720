import { beforeAll, describe, expect, it } from 'vitest'
import { defineErrors } from '../kernel/index.ts'
import type { MemoryEvidence } from './testing/memory-evidence.ts'
import { appOver, filledLog, PAGES, URL_BASE, type PublicSiteOptions } from './testing/public-site.ts'

const TestError = defineErrors('TestError', { ERR_TEST_PUBLIC: 'mend', ERR_TEST_SECRET: 'mend' })

/** An app whose handlers fail, echo, and would weaken what the library sets. */
const FAILING: PublicSiteOptions = {
  problems: { ERR_TEST_PUBLIC: { status: 409, title: 'Conflict of tests' } },
  mount(app) {
    app.get('/throw/:what', (c) => {
      if (c.req.param('what') === 'public') throw new TestError('ERR_TEST_PUBLIC', 'secret detail')
      throw new TestError('ERR_TEST_SECRET', 'secret detail')
    })
    app.get('/weak', (c) =>
      c.html('<p>x', 200, { 'Content-Security-Policy': 'default-src *', 'Cache-Control': 'public' }),
    )
    app.post('/echo', async (c) => c.text(await c.req.text()))
  },
}
const siteOver = (log: MemoryEvidence, more: PublicSiteOptions = {}) => appOver(log, { ...FAILING, ...more })

let evidence: MemoryEvidence
beforeAll(async () => {
  evidence = await filledLog()
})

const OTHERS = [
  '/security.json',
  '/security/history.json',
  '/.well-known/security.txt',
  '/healthz',
  '/nowhere',
  '/throw/secret',
  '/weak',
]

describe('every response', () => {
  it.each([...PAGES, ...OTHERS])('%s carries the strict policy and the other headers', async (path) => {
    const response = await siteOver(evidence).app.request(URL_BASE + path, {
      headers: { Accept: 'text/html' },
    })
    const policy = response.headers.get('Content-Security-Policy') ?? ''
    expect(policy).toMatch(/^default-src 'none'; script-src 'nonce-[A-Za-z0-9+/]{24}'; style-src 'self';/)
    for (const part of [
      "base-uri 'none'",
      "frame-ancestors 'none'",
      "object-src 'none'",
      "require-trusted-types-for 'script'",
    ]) {
      expect(policy).toContain(part)
    }
    expect(policy).not.toMatch(/unsafe|\*|https?:|strict-dynamic/)
    expect(response.headers.get('X-Content-Type-Options')).toBe('nosniff')
    expect(response.headers.get('X-Frame-Options')).toBe('DENY')
    expect(response.headers.get('Referrer-Policy')).toBe('no-referrer')
    expect(response.headers.get('Cross-Origin-Opener-Policy')).toBe('same-origin')
    expect(response.headers.get('X-Request-Id')).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('has a nonce of its own', async () => {
    const { app } = siteOver(evidence)
    const policies = await Promise.all(
      [1, 2].map(async () => (await app.request('/security')).headers.get('Content-Security-Policy')),
    )
    expect(policies[0]).not.toBe(policies[1])
  })

  it('that is HTML is never stored, even when a handler says otherwise', async () => {
    for (const path of [...PAGES, '/weak']) {
      expect((await siteOver(evidence).app.request(path)).headers.get('Cache-Control')).toBe('no-store')
    }
  })

  it('asks for HTTPS for ever only over HTTPS', async () => {
    const { app } = siteOver(evidence)
    expect((await app.request('http://localhost/security')).headers.has('Strict-Transport-Security')).toBe(
      false,
    )
    expect(
      (await app.request('https://x.example/security')).headers.get('Strict-Transport-Security'),
    ).toMatch(/^max-age=63072000/)
  })
})

describe('errors', () => {
  it('show nothing of the inside, to a program or a person', async () => {
    const { app, lines } = siteOver(evidence)
    for (const accept of ['application/json', 'text/html']) {
      const response = await app.request('/throw/secret', { headers: { Accept: accept } })
      expect(response.status).toBe(500)
      expect(await response.text()).not.toMatch(/secret|ERR_TEST|stack|\.ts/)
    }
    expect(lines.filter((line) => line.message === 'request failed')).toHaveLength(2)
  })

  it('that are public carry their code and chosen words as problem details', async () => {
    const response = await siteOver(evidence).app.request('/throw/public')
    expect(response.status).toBe(409)
    expect(response.headers.get('Content-Type')).toBe('application/problem+json')
    expect(await response.json()).toEqual({
      type: 'about:blank',
      title: 'Conflict of tests',
      status: 409,
      code: 'ERR_TEST_PUBLIC',
      requestId: response.headers.get('X-Request-Id'),
    })
  })

  it('are pages for people and problem details for programs', async () => {
    const { app } = siteOver(evidence)
    const page = await app.request('/nowhere', { headers: { Accept: 'text/html' } })
    expect([page.status, page.headers.get('Content-Type')]).toEqual([404, 'text/html; charset=UTF-8'])
    const problem = await app.request('/nowhere')
    expect([problem.status, problem.headers.get('Content-Type')]).toEqual([404, 'application/problem+json'])
  })
})

describe('a body', () => {
  const post = (body: string | ReadableStream, headers: Record<string, string> = {}) =>
    siteOver(evidence).app.request('/echo', { method: 'POST', body, headers, duplex: 'half' } as RequestInit)

  it('of the greatest size passes, one byte more is refused', async () => {
    expect((await post('x'.repeat(1_000), { 'Content-Length': '1000' })).status).toBe(200)
    const refused = await post('x'.repeat(1_001), { 'Content-Length': '1001' })
    expect(refused.status).toBe(413)
    expect(refused.headers.get('Content-Security-Policy')).toContain("default-src 'none'")
    expect(await refused.json()).toMatchObject({ code: 'ERR_HTTP_BODY_TOO_LARGE' })
  })

  it('that does not announce its size is refused while it is read', async () => {
    const endless = new ReadableStream({
      pull(controller) {
        controller.enqueue(new TextEncoder().encode('x'.repeat(400)))
      },
    })
    expect((await post(endless)).status).toBe(413)
  })
})

describe('the request log', () => {
  it('holds method, route pattern, status and time, never a path, query, header or body', async () => {
    const { app, lines } = siteOver(evidence)
    await app.request('/throw/person@x.example?api_key=waka_123', {
      headers: { Authorization: 'Bearer s3cret' },
    })
    await app.request('/reset/token-abc?x=y')
    const finished = lines.filter((line) => line.message === 'request')
    expect(finished.map(({ method, route, status }) => [method, route, status])).toEqual([
      ['GET', '/throw/:what', 500],
      ['GET', '(none)', 404],
    ])
    expect(JSON.stringify(finished)).not.toMatch(/person|api_key|waka|s3cret|token-abc/)
  })
})

describe('operations', () => {
  it('/healthz tells health and nothing else', async () => {
    expect(await (await siteOver(evidence).app.request('/healthz')).json()).toEqual({ status: 'ok' })
    for (const isHealthy of [async () => false, async () => Promise.reject(new TypeError('no database'))]) {
      const response = await siteOver(evidence, { isHealthy }).app.request('/healthz')
      expect([response.status, await response.json()]).toEqual([503, { status: 'failing' }])
    }
  })

  it.each([
    undefined,
    'Bearer',
    'Bearer the-toke',
    'Bearer the-token2',
    'bearer the-token',
    'Basic the-token',
  ])('/metrics does not exist for %j', async (authorization) => {
    const headers: Record<string, string> = authorization ? { Authorization: authorization } : {}
    expect((await siteOver(evidence).app.request('/metrics', { headers })).status).toBe(404)
  })

  it('/metrics counts requests by route pattern for who has the token', async () => {
    const { app } = siteOver(evidence)
    await app.request('/security?x=1')
    await app.request('/secret-path')
    const response = await app.request('/metrics', { headers: { Authorization: 'Bearer the-token' } })
    const text = await response.text()
    expect(text).toContain('surety_http_request_seconds_count{method="GET",route="/security",status="200"} 1')
    expect(text).toContain('route="(none)",status="404"')
    expect(text).not.toContain('secret-path')
  })

  it('/metrics does not exist where it is switched off', async () => {
    const { app } = siteOver(evidence, { metrics: null })
    expect((await app.request('/metrics', { headers: { Authorization: 'Bearer the-token' } })).status).toBe(
      404,
    )
  })
})
