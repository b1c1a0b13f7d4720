import { Hono } from 'hono'
import { canonicalBytes } from '../kernel/index.ts'
import { EVIDENCE_PATH } from '../verify/index.ts'
import type { SuretyEnv } from './context.ts'
import type { EvidenceReader } from './evidence-source.ts'
import { FOR_EVER, logRoutes } from './log-routes.ts'
import { allowAnyone } from './security-headers.ts'

/**
 * The evidence log's files as C2SP tlog-tiles lays them out, its verifier key, and single entries with
 * their proofs. Open to every origin: anyone may verify from anywhere.
 */
export function evidenceRoutes(vkey: string, evidence: EvidenceReader): Hono<SuretyEnv> {
  const app = new Hono<SuretyEnv>()
  app.route('/', logRoutes(EVIDENCE_PATH, { vkey, read: (path) => evidence.read(path) }))
  app.get('/security/entries/:index{[0-9]{1,15}}', async (c) => {
    const entry = (await evidence.entries())[Number(c.req.param('index'))]
    if (!entry) return c.notFound()
    allowAnyone(c)
    return c.body(new Uint8Array(canonicalBytes(entry)), 200, {
      'Content-Type': 'application/json',
      'Cache-Control': FOR_EVER,
    })
  })
  app.get('/security/proofs/:index{[0-9]{1,15}}', async (c) => {
    const index = Number(c.req.param('index'))
    if (index >= (await evidence.entries()).length) return c.notFound()
    const proof = await evidence.proof(index)
    if (proof === null) return c.notFound()
    allowAnyone(c)
    return c.text(proof, 200, {
      'Cache-Control': 'no-store',
      'Content-Disposition': `attachment; filename="entry-${index}.tlog-proof"`,
    })
  })
  return app
}
