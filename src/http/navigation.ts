import { Hono } from 'hono'
import type { Navigation, SuretyEnv } from './context.ts'

/**
 * Makes the bar over the pages of accounts, organisations and staff for who visits. Mount it before them.
 * @param of null where nobody is signed in
 */
export function navigationRoutes(of: (request: Request) => Promise<Navigation | null>): Hono<SuretyEnv> {
  const app = new Hono<SuretyEnv>()
  for (const pages of ['/account/*', '/console/*']) {
    app.use(pages, async (c, next) => {
      const navigation = await of(c.req.raw)
      if (navigation) c.set('navigation', navigation)
      await next()
    })
  }
  return app
}
