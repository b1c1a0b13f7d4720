import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { Hono } from 'hono'
import { clockFromEnvironment } from '../../compose/clock.ts'
import { loadSecurityPage } from '../../compose/security-page.ts'
import { silentLogger } from '../../database/index.ts'
import type { SuretyConfig } from '../../declare/index.ts'
import { createRoutes, protection, serveNode, type SuretyEnv } from '../../http/index.ts'
import type { Clock } from '../../kernel/index.ts'
import { openEvidenceLog, openLogSigner, readServed } from '../../log/index.ts'
import type { SecurityJson } from '../../page/index.ts'
import type { NoteSigner } from '../../verify/index.ts'
import { CliError } from '../errors.ts'
import type { Target } from './attack.ts'
import { copyPublished } from './forge-log.ts'

/** A copy of a system's logs: what an operator with the log's key could show instead of the true one. */
export interface LogCopy {
  /** Its files, to be forged. */
  readonly folder: string
  /** A folder of one's own. */
  readonly aside: string
  /** The evidence log's true key. */
  readonly signer: NoteSigner
  /** The audit log's files, and its true key. */
  readonly auditFolder: string
  readonly auditSigner: NoteSigner
  /** The site's clock; {@link wait} moves it on. */
  readonly clock: Clock
  /** Lets time pass on the site, and for whoever visits it. */
  wait(ms: number): void
  /** Lets the site show another `/security.json` than its log gives. */
  tellOtherwise(change: (page: SecurityJson) => SecurityJson): void
  /** Serves page and log as the system would, for as long as `visit` takes. */
  serve<Result>(visit: (url: string) => Promise<Result>): Promise<Result>
  close(): Promise<void>
}

export async function copyLog(target: Target): Promise<LogCopy> {
  const { evidenceFolder, signingKey, tool } = target
  const base = await mkdtemp(join(tmpdir(), 'surety-attack-'))
  const folder = join(base, 'log')
  // Read first: what a later checkpoint adds to the folder does no harm to an earlier one.
  const checkpoint = await readFile(join(evidenceFolder, 'checkpoint'))
  // What the running server decides next comes and goes meanwhile.
  const isPublished = (path: string): boolean => !/^(intent-|\.tmp-)/.test(basename(path))
  await cp(evidenceFolder, folder, { recursive: true, filter: isPublished })
  await writeFile(join(folder, 'checkpoint'), checkpoint)
  // Copied after what the evidence log says of it.
  const auditFolder = join(base, 'audit')
  await copyPublished(target.auditFolder, auditFolder)
  let aheadMs = 0
  let change = (page: SecurityJson): SecurityJson => page
  const outside = clockFromEnvironment()
  const clock: Clock = { now: () => outside.now() + aheadMs, monotonic: () => outside.monotonic() + aheadMs }
  return {
    folder,
    aside: join(base, 'aside'),
    signer: await openLogSigner(signingKey, `${tool.config.origin}/evidence`),
    auditFolder,
    auditSigner: await openLogSigner(target.auditSigningKey, `${tool.config.origin}/audit`),
    clock,
    wait: (ms) => void (aheadMs += ms),
    tellOtherwise: (other) => void (change = other),
    async serve(visit) {
      const app = await siteOf(tool.config, { folder, auditFolder }, clock, (page) => change(page))
      const server = await serveNode({ fetch: app.fetch, port: 0 })
      try {
        return await visit(server.url)
      } finally {
        await server.close(0)
      }
    },
    close: () => rm(base, { recursive: true, force: true }),
  }
}

async function siteOf(
  config: SuretyConfig,
  { folder, auditFolder }: Pick<LogCopy, 'folder' | 'auditFolder'>,
  clock: Clock,
  change: (page: SecurityJson) => SecurityJson,
): Promise<Hono<SuretyEnv>> {
  const log = await openEvidenceLog({
    ...{
      origin: `${config.origin}/evidence`,
      folder,
      clock,
      logger: silentLogger,
      access: { mode: 'append' },
    },
    transaction: () => Promise.reject(new CliError('ERR_CLI_NOT_DEMO', 'a copy of a log takes no entries')),
  })
  const page = await loadSecurityPage(config)
  const routes = createRoutes({
    site: { name: config.name, origin: config.origin, url: `https://${config.origin}`, vkey: log.vkey },
    ...{ config, page: () => page, evidence: log, clock, logger: silentLogger },
    audit: {
      vkey: (await readFile(join(auditFolder, 'vkey'), 'utf8')).trimEnd(),
      read: (path) => readServed(auditFolder, path),
    },
    ...{ requestInputs: [], dropped: () => [], isHealthy: async () => true, metrics: null },
  })
  const app = new Hono<SuretyEnv>()
  app.use(protection({ clock, logger: silentLogger }))
  app.get('/security.json', async (c) => {
    const answer = await routes.request(c.req.raw)
    return answer.ok ? c.json(change((await answer.json()) as SecurityJson)) : answer
  })
  app.route('/', routes)
  return app
}
