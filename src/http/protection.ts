import { every } from 'hono/combine'
import type { Context, MiddlewareHandler } from 'hono'
import type { Clock } from '../kernel/index.ts'
import { limitBody } from './body-limit.ts'
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
  readonly observe?: (request: FinishedRequest) => void
}

/** Request id and log line, security headers, body limit, outages: what stands before every route. */
export function protection(options: ProtectionOptions): MiddlewareHandler<SuretyEnv> {
  return every(
    requestLog(options),
    securityHeaders(options.isHttps ? { isHttps: options.isHttps } : {}),
    limitBody(options.maxBodyBytes),
    answerOutage,
  ) as MiddlewareHandler<SuretyEnv>
}
