import { Hono } from 'hono'
import type { Logger } from 'surety'
import { exportRoutes } from './api-export.ts'
import { readRoutes } from './api-read.ts'
import { answerFailure, RequestRefused, type Service } from './api-request.ts'
import { writeRoutes } from './api-write.ts'
import { demoRoutes } from './demo.ts'

/** Everything under `/api`: every failure is answered as JSON with a code, and nothing internal. */
export function apiRoutes(service: Service, accountToken: string, logger: Logger): Hono {
  const api = new Hono()
  api.use('*', async (c, next) => {
    await next()
    c.header('Cache-Control', 'no-store')
  })
  api.route('/v1', writeRoutes(service))
  api.route('/v1', readRoutes(service))
  api.route('/v1', exportRoutes(service))
  api.route('/demo', demoRoutes(service, accountToken))
  api.all('*', () => {
    throw new RequestRefused('ERR_WAKATIME_NOT_FOUND')
  })
  api.onError((error, c) => {
    const { refusal, cause } = answerFailure(error)
    if (refusal.status >= 500) logger.error({ code: cause }, 'a request failed')
    if (refusal.status === 401) c.header('WWW-Authenticate', 'Basic realm="coding-metrics"')
    if (refusal.status === 503) c.header('Retry-After', '30')
    c.header('Cache-Control', 'no-store')
    return c.json({ error: refusal.message, code: refusal.code }, refusal.status)
  })
  return api
}
