import { Hono } from 'hono'
import { accountRoutes, protection, serveNode, type SuretyEnv } from '../../src/http/index.ts'
import { openTestIdentity } from '../../src/identity/testing.ts'
import type { ManualClock } from '../../src/kernel/index.ts'
import { STYLESHEET } from '../../src/ui/index.ts'

export interface RunningAccountSite {
  readonly url: string
  readonly clock: ManualClock
  close(): Promise<void>
}

/** The account pages on a real server, over a real database. Passkeys need the name `localhost`. */
export async function startAccountSite(): Promise<RunningAccountSite> {
  let url = ''
  const opened = await openTestIdentity({ url: () => url })
  const { clock } = opened.world
  const logger = { info() {}, warn() {}, error() {} }
  const app = new Hono<SuretyEnv>()
  app.use('*', protection({ clock, logger }))
  const common = { name: 'Codetime', clock, logger, hasSecurityTxt: false, audit: () => {} }
  app.route('/', accountRoutes({ ...common, identity: opened.identity, url: () => url }))
  app.get(STYLESHEET.path, (c) => c.body(STYLESHEET.text, 200, { 'Content-Type': 'text/css; charset=utf-8' }))
  const server = await serveNode({ fetch: app.fetch, port: 0, hostname: 'localhost' })
  url = `http://localhost:${server.port}`
  return {
    url,
    clock,
    async close() {
      await server.close()
      await opened.close()
    },
  }
}
