import { createHash, timingSafeEqual } from 'node:crypto'
import { Histogram } from 'prom-client'
import type { Registry } from 'prom-client'
import type { FinishedRequest } from './request-log.ts'

/** Registers the request histogram `surety_http_request_seconds` and returns what observes a request. */
export function requestMetrics(registry: Registry): (request: FinishedRequest) => void {
  const seconds = new Histogram({
    name: 'surety_http_request_seconds',
    help: 'Time to answer an HTTP request, by method, route pattern and status',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.025, 0.1, 0.25, 1, 5],
    registers: [registry],
  })
  return ({ method, route, status, durationMs }) => {
    seconds.observe({ method: knownMethod(method), route, status: String(status) }, durationMs / 1000)
  }
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

// A client may invent methods; each would be a time series of its own.
function knownMethod(method: string): string {
  return METHODS.has(method) ? method : 'other'
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** True when the header is `Bearer <token>`; takes the same time whatever is wrong. */
export function bearerMatches(header: string | undefined, token: string): boolean {
  return timingSafeEqual(digest(header ?? ''), digest(`Bearer ${token}`))
}
