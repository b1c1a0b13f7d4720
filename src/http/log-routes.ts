import { Hono } from 'hono'
import { parseTilePath } from '../verify/index.ts'
import type { SuretyEnv } from './context.ts'
import { allowAnyone } from './security-headers.ts'

export const FOR_EVER = 'public, max-age=31536000, immutable'

/** A published log. */
export interface LogFiles {
  /** Text of its verifier key. */
  readonly vkey: string
  /** A published file by its tlog-tiles path (`checkpoint`, `tile/…`) or one that a witness cosigned (`witnessed/…`); null where there is none. */
  read(path: string): Promise<Uint8Array | null>
}

/**
 * The files of a log below `prefix` as C2SP tlog-tiles lays them out, and its verifier key. Open to
 * every origin: anyone may verify from anywhere.
 */
export function logRoutes(prefix: string, log: LogFiles): Hono<SuretyEnv> {
  const app = new Hono<SuretyEnv>()
  app.get(`${prefix}vkey`, (c) => {
    allowAnyone(c)
    return c.text(`${log.vkey}\n`, 200, { 'Cache-Control': 'no-cache' })
  })
  for (const path of ['checkpoint', 'witnessed/*']) {
    app.get(`${prefix}${path}`, async (c) => {
      const note = await log.read(new URL(c.req.url).pathname.slice(prefix.length))
      if (!note) return c.notFound()
      allowAnyone(c)
      return c.body(new Uint8Array(note), 200, {
        'Content-Type': 'text/plain; charset=utf-8',
        'Cache-Control': 'no-store',
      })
    })
  }
  app.get(`${prefix}tile/*`, async (c) => {
    const path = new URL(c.req.url).pathname.slice(prefix.length)
    const bytes = parseTilePath(path) ? await log.read(path) : null
    if (!bytes) return c.notFound()
    allowAnyone(c)
    return c.body(new Uint8Array(bytes), 200, {
      'Content-Type': 'application/octet-stream',
      'Cache-Control': FOR_EVER,
    })
  })
  return app
}
