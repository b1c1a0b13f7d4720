import { beforeAll, describe, expect, it } from 'vitest'
import { manualClock, systemClock } from '../kernel/index.ts'
import { verifySite } from '../verify/index.ts'
import { createMemoryEvidence, type MemoryEvidence } from './testing/memory-evidence.ts'
import { appOver, clock, filledLog, ORIGIN, PAGES, URL_BASE } from './testing/public-site.ts'

let evidence: MemoryEvidence
beforeAll(async () => {
  evidence = await filledLog()
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

it('the system clock serves as well as the test’s', async () => {
  const log = await createMemoryEvidence(ORIGIN, systemClock)
  await log.append({ kind: 'log.opened', origin: `${ORIGIN}/evidence`, software: 'surety@0.1.0' })
  expect((await appOver(log, { clock: systemClock }).app.request('/security.json')).status).toBe(200)
})
