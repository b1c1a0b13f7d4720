import { Hono } from 'hono'
import type { Context } from 'hono'
import type { Registry } from 'prom-client'
import type { SuretyConfig } from '../declare/index.ts'
import type { Clock } from '../kernel/index.ts'
import type { WitnessStanding } from '../log/index.ts'
import {
  buildHistory,
  buildPageModel,
  dataView,
  FEED_PATH,
  historyFeed,
  historyJson,
  historyView,
  observedTrends,
  promiseBadge,
  securityJson,
  securityTxt,
  securityView,
  subprocessorsView,
} from '../page/index.ts'
import type { DroppedCount, RequestInput, SecurityPage, Site } from '../page/index.ts'
import { SYSTEM_TABLES } from '../promises/index.ts'
import { AUDIT_PATH } from '../verify/index.ts'
import { renderMarkup, STYLESHEET } from '../ui/index.ts'
import type { Markup } from '../ui/index.ts'
import type { HttpLogger, SuretyEnv } from './context.ts'
import { evidenceRoutes } from './evidence-routes.ts'
import { islandEntry, moduleRoutes } from './island-modules.ts'
import { logRoutes, type LogFiles } from './log-routes.ts'
import { createEvidenceSource } from './evidence-source.ts'
import type { EvidenceReader } from './evidence-source.ts'
import { bearerMatches } from './metrics.ts'
import { notFoundHandler, problemHandler } from './problem.ts'
import type { PublicProblems } from './problem.ts'
import { allowAnyone } from './security-headers.ts'

/** What the routes stand on; `surety.ts` connects it. */
export interface RoutesDeps {
  readonly site: Site
  readonly config: Pick<SuretyConfig, 'resources' | 'roles' | 'disclosure'>
  /** The parsed page, asked for at each request, so that development can reload it. */
  readonly page: () => SecurityPage
  readonly evidence: EvidenceReader
  /** The audit log's files; default none are served. */
  readonly audit?: LogFiles
  /** The configured witnesses and what they answered; default none. */
  readonly witnesses?: () => readonly WitnessStanding[]
  readonly clock: Clock
  readonly logger: HttpLogger
  readonly requestInputs: readonly RequestInput[]
  readonly dropped: () => readonly DroppedCount[]
  /** True while the system can do its work; asked by `/healthz`. */
  readonly isHealthy: () => Promise<boolean>
  /** `/metrics` answers `Authorization: Bearer <token>` and is a 404 to everybody else; null switches it off. */
  readonly metrics: { readonly registry: Registry; readonly token: string } | null
  readonly problems?: PublicProblems
  /** Routes of further rooms, such as sign-in. */
  readonly more?: readonly Hono<SuretyEnv>[]
}

/**
 * The public routes of a system: the security page and its siblings, the evidence log's files, browser
 * modules, health and metrics. Use {@link protection} before them: pages need its nonce.
 */
export function createRoutes(deps: RoutesDeps): Hono<SuretyEnv> {
  const app = new Hono<SuretyEnv>()
  const hasSecurityTxt = deps.config.disclosure !== undefined
  const options = {
    name: deps.site.name,
    hasSecurityTxt,
    logger: deps.logger,
    ...(deps.problems && { problems: deps.problems }),
  }
  app.onError(problemHandler(options))
  app.notFound(notFoundHandler(options))
  const source = createEvidenceSource(deps.evidence, deps.witnesses)
  app.route('/', pageRoutes({ ...deps, source, hasSecurityTxt }))
  app.route('/', evidenceRoutes(deps.site.vkey, deps.evidence))
  if (deps.audit) app.route('/', logRoutes(AUDIT_PATH, deps.audit))
  app.route('/', assetRoutes())
  app.route('/', operationRoutes(deps))
  for (const routes of deps.more ?? []) app.route('/', routes)
  return app
}

interface PageDeps extends RoutesDeps {
  readonly source: ReturnType<typeof createEvidenceSource>
  readonly hasSecurityTxt: boolean
}

type SuretyContext = Context<SuretyEnv>

function page(c: SuretyContext, markup: Markup) {
  return c.html(renderMarkup(markup))
}

function pageRoutes(deps: PageDeps): Hono<SuretyEnv> {
  const { site, source, clock, hasSecurityTxt } = deps
  const app = new Hono<SuretyEnv>()
  const island = { module: islandEntry('page/island/verify-button') }
  const frame = (c: SuretyContext) => ({ site, nonce: c.get('nonce'), hasSecurityTxt })
  const model = async () => {
    const now = clock.now()
    return buildPageModel(deps.page(), await source.snapshot(now), now)
  }
  app.get('/security', async (c) =>
    page(
      c,
      securityView({ ...frame(c), model: await model(), disclosure: deps.config.disclosure ?? null, island }),
    ),
  )
  app.get('/security.json', async (c) => publicJson(c, securityJson(await model(), site)))
  app.get('/security/data', (c) =>
    page(
      c,
      dataView({
        ...frame(c),
        config: deps.config,
        requestInputs: deps.requestInputs,
        dropped: deps.dropped(),
        ownTables: SYSTEM_TABLES,
      }),
    ),
  )
  app.get('/security/subprocessors', (c) => page(c, subprocessorsView(frame(c))))
  app.get('/security/history', async (c) => {
    const now = clock.now()
    const evidence = await source.snapshot(now)
    const [histories, trends] = [buildHistory(evidence), observedTrends(evidence.entries)]
    return page(c, historyView({ ...frame(c), histories, trends, now }))
  })
  app.get('/security/history.json', async (c) => {
    const now = clock.now()
    return publicJson(c, historyJson(await source.snapshot(now), site, now))
  })
  app.route('/', followRoutes(deps))
  app.get('/.well-known/security.txt', (c) => {
    if (!deps.config.disclosure) return c.notFound()
    return c.text(securityTxt(deps.config.disclosure, site.url, clock.now()), 200, {
      'Cache-Control': 'no-cache',
    })
  })
  return app
}

/** What others take away to follow the promises: a badge for each, and the feed of changes. */
function followRoutes({ site, source, clock }: PageDeps): Hono<SuretyEnv> {
  const app = new Hono<SuretyEnv>()
  app.get(FEED_PATH, async (c) =>
    publicXml(c, 'application/rss+xml', historyFeed(await source.snapshot(clock.now()), site)),
  )
  app.get('/security/badges/:file{.+\\.svg}', async (c) => {
    const now = clock.now()
    const svg = promiseBadge(await source.snapshot(now), c.req.param('file').slice(0, -'.svg'.length), now)
    return svg === null ? c.notFound() : publicXml(c, 'image/svg+xml', svg)
  })
  return app
}

function publicXml(c: SuretyContext, type: string, text: string) {
  allowAnyone(c)
  return c.body(text, 200, {
    'Content-Type': `${type}; charset=utf-8`,
    'Cache-Control': 'public, max-age=60',
  })
}

function publicJson(c: SuretyContext, value: object) {
  allowAnyone(c)
  return c.json(value, 200, { 'Cache-Control': 'no-cache' })
}

function assetRoutes(): Hono<SuretyEnv> {
  const app = new Hono<SuretyEnv>()
  app.get(STYLESHEET.path, (c) =>
    c.body(STYLESHEET.text, 200, {
      'Content-Type': 'text/css; charset=utf-8',
      'Cache-Control': 'public, max-age=31536000, immutable',
    }),
  )
  app.route('/', moduleRoutes())
  return app
}

function operationRoutes({ isHealthy, metrics }: RoutesDeps): Hono<SuretyEnv> {
  const app = new Hono<SuretyEnv>()
  app.get('/healthz', async (c) => {
    const healthy = await isHealthy().catch(() => false)
    return c.json({ status: healthy ? 'ok' : 'failing' }, healthy ? 200 : 503)
  })
  app.get('/metrics', async (c) => {
    if (!metrics || !bearerMatches(c.req.header('Authorization'), metrics.token)) return c.notFound()
    return c.text(await metrics.registry.metrics(), 200, { 'Content-Type': metrics.registry.contentType })
  })
  return app
}
