import { Hono } from 'hono'
import type { SignedIn } from '../../identity/index.ts'
import type { SuretyEnv } from '../context.ts'
import { problemDetails } from '../problem.ts'

/** `GET /api/surety/v1/session`: who is signed in, for pages with script and for probes. */
export function sessionRoute(signedIn: (request: Request) => Promise<SignedIn | null>): Hono<SuretyEnv> {
  const app = new Hono<SuretyEnv>()
  app.get('/api/surety/v1/session', async (c) => {
    c.header('Cache-Control', 'no-store')
    const found = await signedIn(c.req.raw)
    if (!found) return problemDetails(c, { status: 401, title: 'Nobody is signed in' })
    const { personId: person, authenticatedAt, methods } = found
    return c.json({ person, authenticatedAt: new Date(authenticatedAt).toISOString(), methods })
  })
  return app
}
