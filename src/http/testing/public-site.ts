import { Hono } from 'hono'
import { Registry } from 'prom-client'
import { field, resource } from '../../declare/index.ts'
import { manualClock } from '../../kernel/index.ts'
import { parseSecurityPage } from '../../page/index.ts'
import { createRoutes, notFoundHandler, problemHandler, protection, requestMetrics } from '../index.ts'
import type { PublicProblems, RoutesDeps, SuretyEnv } from '../index.ts'
import { createMemoryEvidence, type MemoryEvidence } from './memory-evidence.ts'

export const ORIGIN = 'codetime.example'
export const URL_BASE = 'https://codetime.example'
export const clock = manualClock(Date.UTC(2026, 10, 22, 12))
const heartbeats = resource({
  name: 'heartbeats',
  subject: 'personId',
  purpose: 'show people their time',
  basis: 'contract',
  retention: 'account',
  undeclared: 'drop',
  fields: { personId: field.id(), entity: field.text('path of the open file', { max: 4096 }) },
})

interface Line {
  readonly message: string
  readonly [name: string]: unknown
}

function collectingLogger() {
  const lines: Line[] = []
  const write = (fields: object, message: string): void => void lines.push({ ...fields, message })
  return { lines, info: write, warn: write, error: write }
}

/** A log that shows one promise measured and kept. */
export async function filledLog(): Promise<MemoryEvidence> {
  const log = await createMemoryEvidence(ORIGIN, clock)
  const claim = {
    ...{
      key: 'encryption.rest',
      id: 'encryption.rest',
      params: {},
      sentence: 'We encrypt',
      evidence: 'measured' as const,
    },
    ...{
      checkedBy: 'self' as const,
      probe: 'encryption.rest@1',
      cadenceSeconds: 3_600,
      cannotProve: ['run by us'],
    },
  }
  const run = { key: claim.key, run: '00000000-0000-4000-8000-000000000001', probe: claim.probe }
  await log.append(
    { kind: 'log.opened', origin: `${ORIGIN}/evidence`, software: 'surety@0.1.0' },
    { kind: 'promise.declared', promise: claim },
    { kind: 'probe.started', ...run, deadline: new Date(clock.now() + 60_000).toISOString() },
    {
      kind: 'probe.result',
      ...run,
      outcome: 'kept',
      observed: { summary: 'nothing found', values: { files: 4 } },
    },
  )
  return log
}

export interface PublicSiteOptions extends Partial<RoutesDeps> {
  /** Handlers of the app's own. */
  readonly mount?: (app: Hono<SuretyEnv>) => void
  /** Its errors that a client may learn about. */
  readonly problems?: PublicProblems
}

/** The library’s routes and middleware over a log. */
export function appOver(
  evidence: MemoryEvidence,
  { mount, problems = {}, ...more }: PublicSiteOptions = {},
): { app: Hono<SuretyEnv>; lines: readonly Line[] } {
  const logger = collectingLogger()
  const registry = new Registry()
  const app = new Hono<SuretyEnv>()
  app.use(protection({ clock, logger, maxBodyBytes: 1_000, observe: requestMetrics(registry) }))
  const options = { name: 'Codetime', hasSecurityTxt: true, logger, problems }
  app.onError(problemHandler(options))
  app.notFound(notFoundHandler(options))
  mount?.(app)
  app.route(
    '/',
    createRoutes({
      site: { name: 'Codetime', origin: ORIGIN, url: URL_BASE, vkey: evidence.vkey },
      config: {
        resources: { heartbeats },
        roles: {},
        disclosure: { contact: ['mailto:s@codetime.example'] },
      },
      page: () => parseSecurityPage('[We encrypt](promise:encryption.rest).'),
      ...{ evidence, clock, logger, requestInputs: [], dropped: () => [], isHealthy: async () => true },
      metrics: { registry, token: 'the-token' },
      ...more,
    }),
  )
  return { app, lines: logger.lines }
}

/** Pages that people read. */
export const PAGES = ['/security', '/security/data', '/security/subprocessors', '/security/history']
