import { Hono } from 'hono'
import type { DemoMail } from './demo-mail.ts'
import { show, type PageEnv } from './page-request.ts'
import { DEMO_MAIL_PATH, lettersPage } from './view/letters.ts'

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])

/** The page with the demo's letters, on this machine alone: under another name that leads here it is absent. */
export function demoMailRoutes(mail: DemoMail): Hono<PageEnv> {
  const routes = new Hono<PageEnv>()
  routes.get(DEMO_MAIL_PATH, async (c, next) => {
    const { hostname, origin } = new URL(c.req.url)
    if (!LOOPBACK.has(hostname)) return next()
    return show(c, lettersPage({ nonce: c.get('nonce'), origin, letters: await mail.letters() }))
  })
  return routes
}
