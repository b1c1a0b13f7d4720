import { every } from 'hono/combine'
import type { Context, MiddlewareHandler } from 'hono'
import type { Clock } from '../kernel/index.ts'
import { limitBody } from './body-limit.ts'
import { noteClientAddress, type TrustedProxies } from './client-address.ts'
import type { HttpLogger, SuretyEnv } from './context.ts'
import { answerOutage } from './outage.ts'
import { requestLog } from './request-log.ts'
import type { FinishedRequest } from './request-log.ts'
import { securityHeaders } from './security-headers.ts'

export interface ProtectionOptions {
  readonly clock: Clock
  readonly logger: HttpLogger
  /** Greatest request body in bytes; default 1 MiB. */
  readonly maxBodyBytes?: number
  /** See {@link securityHeaders}. */
  readonly isHttps?: (c: Context) => boolean
  /** Proxies that may say where a request comes from. Default none: it is the connection's own address. */
  readonly proxies?: TrustedProxies
  readonly observe?: (request: FinishedRequest) => void
  /** Told of every request that changed something or was refused; default nobody. Must not throw. */
  readonly audit?: (answered: AnsweredRequest) => void
}

/** Request id and log line, security headers, body limit, outages: what stands before every route. */
export function protection(options: ProtectionOptions): MiddlewareHandler<SuretyEnv> {
  return every(
    noteClientAddress(options.proxies),
    requestLog({ ...options, observe: (request) => observed(options, request) }),
    securityHeaders(options.isHttps ? { isHttps: options.isHttps } : {}),
    limitBody(options.maxBodyBytes),
    answerOutage,
  ) as MiddlewareHandler<SuretyEnv>
}

/** A request as the audit log takes it. */
export interface AnsweredRequest {
  readonly kind: 'http.request'
  readonly request: string
  readonly method: string
  readonly route: string
  readonly status: number
}

const READING = new Set(['GET', 'HEAD', 'OPTIONS'])
const REFUSED = new Set([401, 403, 429])

function observed({ observe, audit }: ProtectionOptions, finished: FinishedRequest): void {
  observe?.(finished)
  const { requestId: request, method, route, status } = finished
  if (!READING.has(method) || REFUSED.has(status))
    audit?.({ kind: 'http.request', request, method, route, status })
}
