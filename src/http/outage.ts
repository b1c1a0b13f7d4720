import type { MiddlewareHandler } from 'hono'
import { hasCode } from '../kernel/index.ts'
import { HTTP_PROBLEMS, problemDetails } from './problem.ts'

const CODE = 'ERR_KEYS_PROVIDER_UNAVAILABLE'
/** Long enough for a provider to come back, short enough for a person to wait. */
const RETRY_AFTER_SECONDS = '30'

/**
 * A route that failed because the key provider is away answers 503, not 500: clients then try again
 * instead of giving up. A page that the app shows for it stays.
 */
export const answerOutage: MiddlewareHandler = async (c, next) => {
  await next()
  if (!hasCode(c.error, CODE) || c.res.status !== 500) return
  const isPage = c.res.headers.get('Content-Type')?.startsWith('text/html') === true
  const { body, headers } = isPage ? c.res : problemDetails(c, HTTP_PROBLEMS[CODE]!, CODE)
  c.res = undefined
  c.res = new Response(body, { status: 503, headers })
  c.header('Retry-After', RETRY_AFTER_SECONDS)
}
