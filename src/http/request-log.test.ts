import { trace } from '@opentelemetry/api'
import type { Attributes, Span, SpanOptions, Tracer } from '@opentelemetry/api'
import { Hono } from 'hono'
import { afterEach, expect, it } from 'vitest'
import { manualClock } from '../kernel/index.ts'
import type { SuretyEnv } from './context.ts'
import { requestLog } from './request-log.ts'

afterEach(() => trace.disable())

const silent = { info() {}, warn() {}, error() {} }

/** Collects the attributes of ended spans; stands in for an OpenTelemetry SDK. */
function collectSpans(): { name: string; attributes: Attributes; failed: boolean }[] {
  const ended: { name: string; attributes: Attributes; failed: boolean }[] = []
  const startActiveSpan = (name: string, _: SpanOptions, work: (span: Span) => unknown): unknown => {
    const seen = { name, attributes: {} as Attributes, failed: false }
    const span = {
      setAttributes: (attributes: Attributes) => Object.assign(seen.attributes, attributes),
      setStatus: () => (seen.failed = true),
      end: () => ended.push(seen),
    }
    return work(span as object as Span)
  }
  trace.setGlobalTracerProvider({ getTracer: () => ({ startActiveSpan }) as object as Tracer })
  return ended
}

it('measures a request on the monotonic clock', async () => {
  const clock = manualClock(0)
  const seen: unknown[] = []
  const app = new Hono<SuretyEnv>()
  app.use(requestLog({ clock, logger: silent, observe: (request) => seen.push(request) }))
  app.get('/items/:id', (c) => {
    clock.advance(12.34)
    return c.text('ok')
  })
  await app.request('/items/7?key=secret')
  const finished = { method: 'GET', route: '/items/:id', status: 200, durationMs: 12.3 }
  expect(seen).toEqual([{ requestId: expect.any(String), ...finished }])
})

it('traces a request by its route, and ends the span of a failed one', async () => {
  const ended = collectSpans()
  const app = new Hono<SuretyEnv>()
  app.use(requestLog({ clock: manualClock(0), logger: silent }))
  app.onError((_, c) => c.text('failed', 500))
  app.get('/items/:id', (c) => c.text('ok'))
  app.get('/broken', () => {
    throw new TypeError('broken')
  })
  await app.request('/items/person@x.example')
  await app.request('/broken')
  expect(ended).toEqual([
    {
      name: 'http.request',
      attributes: {
        'http.request.method': 'GET',
        'http.route': '/items/:id',
        'http.response.status_code': 200,
      },
      failed: false,
    },
    {
      name: 'http.request',
      attributes: { 'http.request.method': 'GET', 'http.route': '/broken', 'http.response.status_code': 500 },
      failed: true,
    },
  ])
})

it('gives each request an id that handlers, log and client share', async () => {
  const logged: { requestId?: string }[] = []
  const logger = { ...silent, info: (fields: object) => void logged.push(fields) }
  const app = new Hono<SuretyEnv>()
  app.use(requestLog({ clock: manualClock(0), logger }))
  app.get('/', (c) => c.text(c.get('requestId')))
  const response = await app.request('/', { headers: { 'X-Request-Id': 'chosen-by-client' } })
  const id = await response.text()
  expect(id).not.toContain('chosen')
  expect(response.headers.get('X-Request-Id')).toBe(id)
  expect(logged[0]?.requestId).toBe(id)
})
