import { Hono } from 'hono'
import { canonicalBytes } from '../kernel/index.ts'
import { EVIDENCE_PATH, parseTilePath } from '../verify/index.ts'
import type { SuretyEnv } from './context.ts'
import type { EvidenceReader } from './evidence-source.ts'
import { allowAnyone } from './security-headers.ts'

const FOR_EVER = 'public, max-age=31536000, immutable'

/**
 * The evidence log's files as C2SP tlog-tiles lays them out, its verifier key, and single entries with
 * their proofs. Open to every origin: anyone may verify from anywhere.
 */
export function evidenceRoutes(vkey: string, evidence: EvidenceReader): Hono<SuretyEnv> {
  const app = new Hono<SuretyEnv>()
  app.get(`${EVIDENCE_PATH}vkey`, (c) => {
    allowAnyone(c)
    return c.text(`${vkey}\n`, 200, { 'Cache-Control': 'no-cache' })
  })
  app.get(`${EVIDENCE_PATH}checkpoint`, async (c) => {
    const note = await evidence.read('checkpoint')
    if (!note) return c.notFound()
    allowAnyone(c)
    return c.body(new Uint8Array(note), 200, {
      'Content-Type': 'text/plain; charset=utf-8',
      'Cache-Control': 'no-store',
    })
  })
  app.get(`${EVIDENCE_PATH}witnessed/*`, async (c) => {
    const note = await evidence.read(new URL(c.req.url).pathname.slice(EVIDENCE_PATH.length))
    if (!note) return c.notFound()
    allowAnyone(c)
    return c.body(new Uint8Array(note), 200, {
      'Content-Type': 'text/plain; charset=utf-8',
      'Cache-Control': 'no-store',
    })
  })
  app.get(`${EVIDENCE_PATH}tile/*`, async (c) => {
    const path = new URL(c.req.url).pathname.slice(EVIDENCE_PATH.length)
    const bytes = parseTilePath(path) ? await evidence.read(path) : null
    if (!bytes) return c.notFound()
    allowAnyone(c)
    return c.body(new Uint8Array(bytes), 200, {
      'Content-Type': 'application/octet-stream',
      'Cache-Control': FOR_EVER,
    })
  })
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
