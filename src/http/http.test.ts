import { Hono } from 'hono'
import { Registry } from 'prom-client'
import { beforeAll, describe, expect, it } from 'vitest'
import { field, resource } from '../declare/index.ts'
import { defineErrors, manualClock, systemClock } from '../kernel/index.ts'
import { parseSecurityPage } from '../page/index.ts'
import { verifySite } from '../verify/index.ts'
import { createRoutes, notFoundHandler, problemHandler, protection, requestMetrics } from './index.ts'
import type { RoutesDeps, SuretyEnv } from './index.ts'
import { createMemoryEvidence } from './testing/memory-evidence.ts'
import type { MemoryEvidence } from './testing/memory-evidence.ts'

const ORIGIN = 'codetime.example'
const URL_BASE = 'https://codetime.example'
const clock = manualClock(Date.UTC(2026, 10, 22, 12))
const TestError = defineErrors('TestError', { ERR_TEST_PUBLIC: 'mend', ERR_TEST_SECRET: 'mend' })
const heartbeats = resource({
  name: 'heartbeats',
  subject: 'personId',
  purpose: 'show people their time',
  basis: 'contract',
  retention: 'account',
  undeclared: 'drop',
  fields: { personId: field.id(), entity: field.text('path of the open file', { max: 4096 }) },
})

interface Line {
  readonly message: string
  readonly [name: string]: unknown
}

function collectingLogger() {
  const lines: Line[] = []
  const write = (fields: object, message: string): void => void lines.push({ ...fields, message })
  return { lines, info: write, warn: write, error: write }
}

async function filledLog(): Promise<MemoryEvidence> {
  const log = await createMemoryEvidence(ORIGIN, clock)
  const claim = {
    ...{
      key: 'encryption.rest',
      id: 'encryption.rest',
      params: {},
      sentence: 'We encrypt',
      evidence: 'measured' as const,
    },
    ...{
      checkedBy: 'self' as const,
      probe: 'encryption.rest@1',
      cadenceSeconds: 3_600,
      cannotProve: ['run by us'],
    },
  }
  const run = { key: claim.key, run: '00000000-0000-4000-8000-000000000001', probe: claim.probe }
  await log.append(
    { kind: 'log.opened', origin: `${ORIGIN}/evidence`, software: 'surety@0.1.0' },
    { kind: 'promise.declared', promise: claim },
    { kind: 'probe.started', ...run, deadline: new Date(clock.now() + 60_000).toISOString() },
    {
      kind: 'probe.result',
      ...run,
      outcome: 'kept',
      observed: { summary: 'nothing found', values: { files: 4 } },
    },
  )
  return log
}

function appOver(evidence: MemoryEvidence, more: Partial<RoutesDeps> = {}) {
  const logger = collectingLogger()
  const registry = new Registry()
  const app = new Hono<SuretyEnv>()
  app.use(protection({ clock, logger, maxBodyBytes: 1_000, observe: requestMetrics(registry) }))
  const problems = { ERR_TEST_PUBLIC: { status: 409, title: 'Conflict of tests' } } as const
  const options = { name: 'Codetime', hasSecurityTxt: true, logger, problems }
  app.onError(problemHandler(options))
  app.notFound(notFoundHandler(options))
  app.get('/throw/:what', (c) => {
    if (c.req.param('what') === 'public') throw new TestError('ERR_TEST_PUBLIC', 'secret detail')
    throw new TestError('ERR_TEST_SECRET', 'secret detail')
  })
  app.get('/weak', (c) =>
    c.html('<p>x', 200, { 'Content-Security-Policy': 'default-src *', 'Cache-Control': 'public' }),
  )
  app.post('/echo', async (c) => c.text(await c.req.text()))
  app.route(
    '/',
    createRoutes({
      site: { name: 'Codetime', origin: ORIGIN, url: URL_BASE, vkey: evidence.vkey },
      config: {
        resources: { heartbeats },
        roles: {},
        disclosure: { contact: ['mailto:s@codetime.example'] },
      },
      page: () => parseSecurityPage('[We encrypt](promise:encryption.rest).'),
      ...{ evidence, clock, logger, requestInputs: [], dropped: () => [], isHealthy: async () => true },
      metrics: { registry, token: 'the-token' },
      ...more,
    }),
  )
  return { app, lines: logger.lines }
}

let evidence: MemoryEvidence
beforeAll(async () => {
  evidence = await filledLog()
})

const PAGES = ['/security', '/security/data', '/security/subprocessors', '/security/history']
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
    const response = await appOver(evidence).app.request(URL_BASE + path, {
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
    const { app } = appOver(evidence)
    const policies = await Promise.all(
      [1, 2].map(async () => (await app.request('/security')).headers.get('Content-Security-Policy')),
    )
    expect(policies[0]).not.toBe(policies[1])
  })

  it('that is HTML is never stored, even when a handler says otherwise', async () => {
    for (const path of [...PAGES, '/weak']) {
      expect((await appOver(evidence).app.request(path)).headers.get('Cache-Control')).toBe('no-store')
    }
  })

  it('asks for HTTPS for ever only over HTTPS', async () => {
    const { app } = appOver(evidence)
    expect((await app.request('http://localhost/security')).headers.has('Strict-Transport-Security')).toBe(
      false,
    )
    expect(
      (await app.request('https://x.example/security')).headers.get('Strict-Transport-Security'),
    ).toMatch(/^max-age=63072000/)
  })
})

describe('the pages', () => {
  it.each(PAGES)(
    '%s is whole HTML whose scripts carry the nonce and which has no inline style',
    async (path) => {
      const response = await appOver(evidence).app.request(path)
      const text = await response.text()
      const nonce = /'nonce-([^']+)'/.exec(response.headers.get('Content-Security-Policy') ?? '')![1]!
      expect(response.status).toBe(200)
      expect(text).toMatch(/^<!doctype html>/)
      expect(text).toMatch(/<\/html>\s*$/)
      for (const script of text.match(/<script[^>]*>/g) ?? []) expect(script).toContain(`nonce="${nonce}"`)
      expect(text).not.toMatch(/ style="/)
    },
  )

  it('name a stylesheet that is served, for ever, as CSS', async () => {
    const { app } = appOver(evidence)
    const path = /href="(\/\.surety\/assets\/[^"]+)"/.exec(await (await app.request('/security')).text())![1]!
    const response = await app.request(path)
    expect(response.headers.get('Content-Type')).toBe('text/css; charset=utf-8')
    expect(response.headers.get('Cache-Control')).toContain('immutable')
  })

  it('/security says kept now and unproven once the cadence has passed', async () => {
    const own = manualClock(clock.now())
    const log = await filledLog()
    const { app } = appOver(log, { clock: own })
    expect(await (await app.request('/security')).text()).toContain('1 of 1 kept')
    own.advance(3_600_001)
    expect(await (await app.request('/security')).text()).toContain('0 of 1 kept')
  })

  it('answer with security.txt only where a contact is declared', async () => {
    const text = await (await appOver(evidence).app.request('/.well-known/security.txt')).text()
    expect(text).toContain('Contact: mailto:s@codetime.example\nExpires: 2027-02-20T00:00:00Z\n')
    const without = appOver(evidence, { config: { resources: {}, roles: {} } }).app
    expect((await without.request('/.well-known/security.txt')).status).toBe(404)
  })
})

describe('the evidence', () => {
  it('verifies from outside with the library’s own verifier', async () => {
    const { app } = appOver(evidence)
    const report = await verifySite({
      fetch: async (url, init) => app.request(url, init),
      url: URL_BASE,
      vkey: evidence.vkey,
      now: clock.now(),
    })
    expect(report.problems).toEqual([])
    expect(report).toMatchObject({ valid: true, counts: { kept: 1, broken: 0, unproven: 0 } })
  })

  it('may be read by scripts of any site', async () => {
    const { app } = appOver(evidence)
    for (const path of [
      '/security.json',
      '/.well-known/surety/evidence/vkey',
      '/.well-known/surety/evidence/checkpoint',
      '/security/entries/3',
      '/security/proofs/3',
    ]) {
      const response = await app.request(path)
      expect(response.status, path).toBe(200)
      expect(response.headers.get('Access-Control-Allow-Origin')).toBe('*')
      expect(response.headers.get('Cross-Origin-Resource-Policy')).toBe('cross-origin')
    }
  })

  it('is cached for ever where it cannot change, and never where it can', async () => {
    const { app } = appOver(evidence)
    const cache = async (path: string) => (await app.request(path)).headers.get('Cache-Control')
    expect(await cache('/.well-known/surety/evidence/tile/entries/000.p/4')).toContain('immutable')
    expect(await cache('/.well-known/surety/evidence/checkpoint')).toBe('no-store')
  })

  it.each([
    '/.well-known/surety/evidence/tile/0/999',
    '/.well-known/surety/evidence/tile/../../../etc/passwd',
    '/.well-known/surety/evidence/tile/%2e%2e/%2e%2e/key',
    '/.well-known/surety/evidence/key',
    '/.well-known/surety/evidence/tile/entries/000.p/4/..',
    '/security/entries/4',
    '/security/entries/-1',
    '/security/proofs/99999999999999',
  ])('has nothing at %s', async (path) =>
    expect((await appOver(evidence).app.request(path)).status).toBe(404),
  )

  it('asks the log only for paths of the tile layout', async () => {
    const asked: string[] = []
    const watching = { ...evidence, read: async (path: string) => (asked.push(path), null) }
    const { app } = appOver(watching)
    await app.request('/.well-known/surety/evidence/tile/x/%2e%2e%2fsecret')
    await app.request('/.well-known/surety/evidence/tile/0/000')
    expect(asked).toEqual(['tile/0/000'])
  })

  it('is answered with 503 when checkpoints come faster than they can be read', async () => {
    let reads = 0
    const restless = {
      ...evidence,
      read: async (path: string) =>
        reads++ % 2 === 0 ? evidence.read(path) : new TextEncoder().encode('other'),
    }
    const response = await appOver(restless).app.request('/security.json')
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({ code: 'ERR_HTTP_EVIDENCE_MOVING' })
  })

  it('is shown as of one checkpoint when another is published meanwhile', async () => {
    const log = await filledLog()
    let interrupted = false
    const racing = {
      ...log,
      standings: async (now: number) => {
        const standings = await log.standings(now)
        if (!interrupted) await log.append({ kind: 'promise.withdrawn', key: 'encryption.rest' })
        interrupted = true
        return standings
      },
    }
    const json = (await (await appOver(racing).app.request('/security.json')).json()) as {
      promises: unknown[]
    }
    expect(interrupted).toBe(true)
    expect(json.promises).toEqual([])
  })
})

describe('browser modules', () => {
  it('are served stripped, as JavaScript, and once only while unchanged', async () => {
    const { app } = appOver(evidence)
    const path = /src="(\/\.surety\/modules\/[^"]+)"/.exec(await (await app.request('/security')).text())![1]!
    const response = await app.request(path)
    expect(response.headers.get('Content-Type')).toBe('text/javascript; charset=utf-8')
    expect(await response.text()).not.toMatch(/import type|: VerificationReport/)
    const again = await app.request(path, { headers: { 'If-None-Match': response.headers.get('ETag')! } })
    expect(again.status).toBe(304)
  })

  it.each([
    'http/routes.ts',
    'verify/index.test.ts',
    'log/signer.ts',
    '../../package.json',
    'verify/../http/routes.ts',
    'verify/%2e%2e/http/routes.ts',
    '../../node_modules/pg/package.json',
    '',
  ])('do not hand out %j', async (path) => {
    expect((await appOver(evidence).app.request(`/.surety/modules/${path}`)).status).toBe(404)
  })
})

describe('errors', () => {
  it('show nothing of the inside, to a program or a person', async () => {
    const { app, lines } = appOver(evidence)
    for (const accept of ['application/json', 'text/html']) {
      const response = await app.request('/throw/secret', { headers: { Accept: accept } })
      expect(response.status).toBe(500)
      expect(await response.text()).not.toMatch(/secret|ERR_TEST|stack|\.ts/)
    }
    expect(lines.filter((line) => line.message === 'request failed')).toHaveLength(2)
  })

  it('that are public carry their code and chosen words as problem details', async () => {
    const response = await appOver(evidence).app.request('/throw/public')
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
    const { app } = appOver(evidence)
    const page = await app.request('/nowhere', { headers: { Accept: 'text/html' } })
    expect([page.status, page.headers.get('Content-Type')]).toEqual([404, 'text/html; charset=UTF-8'])
    const problem = await app.request('/nowhere')
    expect([problem.status, problem.headers.get('Content-Type')]).toEqual([404, 'application/problem+json'])
  })
})

describe('a body', () => {
  const post = (body: string | ReadableStream, headers: Record<string, string> = {}) =>
    appOver(evidence).app.request('/echo', { method: 'POST', body, headers, duplex: 'half' } as RequestInit)

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
    const { app, lines } = appOver(evidence)
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
    expect(await (await appOver(evidence).app.request('/healthz')).json()).toEqual({ status: 'ok' })
    for (const isHealthy of [async () => false, async () => Promise.reject(new TypeError('no database'))]) {
      const response = await appOver(evidence, { isHealthy }).app.request('/healthz')
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
    expect((await appOver(evidence).app.request('/metrics', { headers })).status).toBe(404)
  })

  it('/metrics counts requests by route pattern for who has the token', async () => {
    const { app } = appOver(evidence)
    await app.request('/security?x=1')
    await app.request('/secret-path')
    const response = await app.request('/metrics', { headers: { Authorization: 'Bearer the-token' } })
    const text = await response.text()
    expect(text).toContain('surety_http_request_seconds_count{method="GET",route="/security",status="200"} 1')
    expect(text).toContain('route="(none)",status="404"')
    expect(text).not.toContain('secret-path')
  })

  it('/metrics does not exist where it is switched off', async () => {
    const { app } = appOver(evidence, { metrics: null })
    expect((await app.request('/metrics', { headers: { Authorization: 'Bearer the-token' } })).status).toBe(
      404,
    )
  })
})

it('the system clock serves as well as the test’s', async () => {
  const log = await createMemoryEvidence(ORIGIN, systemClock)
  await log.append({ kind: 'log.opened', origin: `${ORIGIN}/evidence`, software: 'surety@0.1.0' })
  expect((await appOver(log, { clock: systemClock }).app.request('/security.json')).status).toBe(200)
})
