/**
 * A server that faults are done to: HTTP over a real Surety with its embedded Postgres. Says on stdout,
 * as one line of JSON, where it listens and where its database lies.
 */
import { flushCompileCache } from 'node:module'
import { Hono } from 'hono'
import { serveNode } from '../../src/http/index.ts'
import { openSurety } from '../../src/surety.ts'
import type { SuretyEnv } from '../../src/http/index.ts'
import { config, noteOf, writer } from './system.ts'

/** What the server says when it takes requests. */
export interface Ready {
  readonly url: string
  readonly databaseDir: string
}

if (import.meta.main) await serve(process.argv[2]!)

async function serve(dataDir: string): Promise<void> {
  // Whoever is killed keeps nothing of what it compiled.
  flushCompileCache()
  const surety = await openSurety(config, { dataDir })
  const { db } = surety.as(writer)
  const app = new Hono<SuretyEnv>()
  app.use(surety.protect())
  app.post('/notes', async (c) => {
    const { number, text } = await c.req.json<{ number: number; text: string }>()
    const row = db.insertInto('notes').values(noteOf(number, text)).returning('id')
    return c.json(await row.executeTakeFirstOrThrow(), 201)
  })
  app.get('/notes', async (c) =>
    c.json(await db.selectFrom('notes').select(['id', 'number', 'text']).execute()),
  )
  app.onError((_, c) => c.json({ refused: true }, 503))
  app.route('/', surety.routes())
  const { url } = await serveNode({ fetch: app.fetch, port: 0 })
  process.stdout.write(`${JSON.stringify({ ready: { url, databaseDir: surety.databaseDir } })}\n`)
}
