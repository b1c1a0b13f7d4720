import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { createMiddleware } from 'hono/factory'
import { matchedRoutes } from 'hono/route'
import type { Context, Next } from 'hono'
import { createId } from '../kernel/index.ts'
import type { Clock } from '../kernel/index.ts'
import type { HttpLogger, SuretyEnv } from './context.ts'

/** What is observed of a finished request. */
export interface FinishedRequest {
  readonly requestId: string
  readonly method: string
  /** The route's pattern, such as `/items/:id`; `(none)` where none matched. */
  readonly route: string
  readonly status: number
  readonly durationMs: number
}

export interface RequestLogOptions {
  readonly clock: Clock
  readonly logger: HttpLogger
  /** Told of every finished request. */
  readonly observe?: (request: FinishedRequest) => void
}

/** A middleware's pattern says nothing about the request: only handlers of one method name a route. */
function routeOf(c: Context): string {
  return matchedRoutes(c).findLast((route) => route.method !== 'ALL')?.path ?? '(none)'
}

/**
 * Gives every request an id, one log line and one OpenTelemetry span: method, route pattern, status,
 * milliseconds. Never the path itself, a query, a header or a body: they may hold a person's data or a
 * credential.
 */
export function requestLog(options: RequestLogOptions) {
  return createMiddleware<SuretyEnv>(async (c, next) => {
    const requestId = createId(options.clock)
    c.set('requestId', requestId)
    const started = options.clock.monotonic()
    await traced(c, next)
    const durationMs = Math.round((options.clock.monotonic() - started) * 10) / 10
    const finished = { requestId, ...outcomeOf(c), durationMs }
    c.header('X-Request-Id', requestId)
    options.observe?.(finished)
    const level = finished.status >= 500 ? 'warn' : 'info'
    options.logger[level](finished, 'request')
  })
}

function outcomeOf(c: Context): Omit<FinishedRequest, 'requestId' | 'durationMs'> {
  return { method: c.req.method, route: routeOf(c), status: c.res.status }
}

/** Runs the rest of the request inside a span; without an SDK this costs nothing. */
function traced(c: Context, next: Next): Promise<void> {
  const tracer = trace.getTracer('surety/http')
  return tracer.startActiveSpan('http.request', { kind: SpanKind.SERVER }, async (span) => {
    try {
      await next()
      const { method, route, status } = outcomeOf(c)
      span.setAttributes({
        'http.request.method': method,
        'http.route': route,
        'http.response.status_code': status,
      })
      if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
    } finally {
      span.end()
    }
  })
}
