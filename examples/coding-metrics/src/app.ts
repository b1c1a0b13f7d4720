import { Hono, type MiddlewareHandler } from 'hono'
import type { Logger } from 'surety'
import { apiRoutes } from './api.ts'
import type { Service } from './api-request.ts'
import { demoMailRoutes } from './demo-mail-page.ts'
import type { PageEnv } from './page-request.ts'
import { notFoundPage, pageRoutes } from './pages.ts'
import { staffRoutes } from './staff-pages.ts'
import { STAFF_PATH } from './view/staff.ts'

export interface AppOptions {
  readonly service: Service
  /** Surety's middleware: security headers with a nonce, request id, request log without query strings. */
  readonly protect: MiddlewareHandler<PageEnv>
  /** Surety's own routes: the security page, its evidence, the data list, sign-in and accounts. */
  readonly security: Hono<PageEnv>
  /** Whoever knows it may make demo accounts. */
  readonly accountToken: string
  readonly logger: Logger
}

/** The whole product as one Web-standard handler. */
export function createApp({ service, protect, security, accountToken, logger }: AppOptions): Hono<PageEnv> {
  const app = new Hono<PageEnv>()
  app.use('*', protect)
  // First, since it has a place of its own below /api.
  app.route('/', security)
  app.route('/api', apiRoutes(service, accountToken, logger))
  app.route(STAFF_PATH, staffRoutes(service, logger))
  if (service.mail) app.route('/', demoMailRoutes(service.mail))
  app.route('/', pageRoutes(service, logger))
  app.notFound(notFoundPage)
  return app
}
