import { createHash, timingSafeEqual } from 'node:crypto'
import { Hono } from 'hono'
import { ScimError, type Directory } from '../../identity/index.ts'
import type { AuditEvent } from '../../log/index.ts'
import type { HttpLogger, SuretyEnv } from '../context.ts'
import { refusal, type ScimEnv } from './answers.ts'
import { discoveryRoutes } from './discovery-routes.ts'
import { groupRoutes } from './group-routes.ts'
import { userRoutes } from './user-routes.ts'

/** Somebody who provisions, and what their tokens let them see. */
export interface ScimClient {
  /** SHA-256 of each bearer token that serves, lower-case hex. */
  readonly tokens: readonly string[]
  readonly directory: Directory
}

/** What provisioning stands on; `compose/` connects it. */
export interface ScimDeps {
  readonly clients: readonly ScimClient[]
  /** Public address of the app. */
  readonly url: () => string
  readonly audit: (event: AuditEvent) => void
  readonly logger: HttpLogger
}

/**
 * SCIM 2.0 in (RFC 7644): directories make, change, switch off and remove accounts, and say who is in which
 * group. What switching off and removing take away is gone before the answer is sent.
 */
export function scimRoutes(deps: ScimDeps): Hono<SuretyEnv> {
  const app = new Hono<ScimEnv>()
  app.onError((error, c) => refusal(error, c, deps.logger))
  app.use('/scim/v2/*', async (c, next) => {
    const client = clientOf(deps.clients, c.req.header('authorization'))
    if (!client) throw new ScimError('ERR_SCIM_TOKEN', 'the bearer token is missing or another one')
    c.set('directory', client.directory)
    c.header('Cache-Control', 'no-store')
    await next()
  })
  app.route('/', userRoutes(deps))
  app.route('/', groupRoutes(deps))
  app.route('/', discoveryRoutes(deps))
  return app as unknown as Hono<SuretyEnv>
}

/** Every token is compared, each in the same time. */
function clientOf(clients: readonly ScimClient[], header: string | undefined): ScimClient | null {
  const [, token] = /^Bearer ([\w.~+/=-]{1,512})$/i.exec(header ?? '') ?? []
  if (token === undefined) return null
  const given = createHash('sha256').update(token).digest()
  const [client] = clients.filter(({ tokens }) => tokens.filter((own) => isToken(given, own)).length > 0)
  return client ?? null
}

function isToken(given: Buffer, sha256: string): boolean {
  const own = Buffer.from(sha256, 'hex')
  return given.length === own.length && timingSafeEqual(given, own)
}
