import { Hono } from 'hono'
import { beforeAll, describe, expect, it } from 'vitest'
import { manualClock } from '../kernel/index.ts'
import { badgePath, parseSecurityPage } from '../page/index.ts'
import { createRoutes, protection } from './index.ts'
import type { SuretyEnv } from './index.ts'
import { createMemoryEvidence } from './testing/memory-evidence.ts'

const ORIGIN = 'codetime.example'
const KEY = 'access.reads?within=24h%2F%C3%A9%3F'
const clock = manualClock(Date.UTC(2026, 10, 22, 12))
const logger = { info() {}, warn() {}, error() {} }
let app: Hono<SuretyEnv>
let checkpoint: string

beforeAll(async () => {
  const evidence = await createMemoryEvidence(ORIGIN, clock)
  await evidence.append({
    kind: 'promise.declared',
    promise: {
      ...{ key: KEY, id: 'access.reads', params: { within: '24h/é?' }, sentence: 'Logged & kept' },
      ...{ evidence: 'measured', checkedBy: 'self', probe: 'p@1', cadenceSeconds: 60, cannotProve: [] },
    },
  })
  checkpoint = new TextDecoder().decode((await evidence.read('checkpoint'))!)
  app = new Hono<SuretyEnv>()
  app.use(protection({ clock, logger, maxBodyBytes: 1_000 }))
  const site = { name: 'Codetime', origin: ORIGIN, url: `https://${ORIGIN}`, vkey: evidence.vkey }
  const fixed = { requestInputs: [], dropped: () => [], isHealthy: async () => true, metrics: null }
  const page = () => parseSecurityPage('Nothing.')
  app.route(
    '/',
    createRoutes({ site, config: { resources: {}, roles: {} }, page, evidence, clock, logger, ...fixed }),
  )
})

describe('what others take away', () => {
  it('is a badge under the encoded key, with the signed checkpoint in it', async () => {
    const response = await app.request(badgePath(KEY))
    expect(response.status).toBe(200)
    expect(response.headers.get('Content-Type')).toBe('image/svg+xml; charset=utf-8')
    const text = await response.text()
    expect(text).toContain('access.reads · within 24h/é?')
    const metadata = /<metadata>([^<]*)</.exec(text)![1]!.replaceAll('&quot;', '"')
    expect(JSON.parse(metadata)).toMatchObject({ key: KEY, status: 'unproven', checkpoint, size: 1 })
  })

  it.each(['/security/history.rss', badgePath(KEY)])(
    '%s may be shown anywhere and ages a minute',
    async (path) => {
      const { headers } = await app.request(path)
      expect(headers.get('Cache-Control')).toBe('public, max-age=60')
      expect(headers.get('Cross-Origin-Resource-Policy')).toBe('cross-origin')
      expect(headers.get('Access-Control-Allow-Origin')).toBe('*')
    },
  )

  it('gets no origin of ours when a badge is opened by itself; pages are not sandboxed', async () => {
    const policy = async (path: string) => (await app.request(path)).headers.get('Content-Security-Policy')
    expect(await policy(badgePath(KEY))).toMatch(/^default-src 'none'; .*; sandbox$/)
    expect(await policy('/security/history')).not.toContain('sandbox')
  })

  it.each([
    'access.reads',
    'access.reads.svg',
    '.svg',
    'access.reads%3Fwithin%3D24h.svg',
    '%E0%A4%A.svg',
    '__proto__.svg',
    '..%2f..%2fetc%2fpasswd.svg',
  ])('is nothing at /security/badges/%s', async (file) => {
    expect((await app.request(`/security/badges/${file}`)).status).toBe(404)
  })

  it('is a feed of the changes', async () => {
    const response = await app.request('/security/history.rss')
    expect(response.headers.get('Content-Type')).toBe('application/rss+xml; charset=utf-8')
    expect(await response.text()).toContain('<title>Declared: Logged &amp; kept</title>')
  })
})
