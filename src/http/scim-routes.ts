import { createHash, timingSafeEqual } from 'node:crypto'
import { Hono, type Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import {
  LIST_SCHEMA,
  parseFilter,
  parsePatch,
  parseUser,
  ScimError,
  toScimUser,
  type Account,
  type Accounts,
  type UserChanges,
} from '../identity/index.ts'
import { hasCode, SuretyError } from '../kernel/index.ts'
import type { AuditEvent } from '../log/index.ts'
import type { HttpLogger, SuretyEnv } from './context.ts'

/** What provisioning stands on; `compose/` connects it. */
export interface ScimDeps {
  readonly accounts: Accounts
  /** SHA-256 of the bearer token, lower-case hex. */
  readonly tokenSha256: string
  /** Public address of the app. */
  readonly url: () => string
  /** Told when somebody is switched off or removed, after their sessions have ended: to end what else they hold. */
  readonly onDeactivated?: (personId: string) => Promise<void>
  readonly audit: (event: AuditEvent) => void
  readonly logger: HttpLogger
}

const USERS = '/scim/v2/Users'
/** Most accounts in one answer. */
const MAX_PAGE = 100

/**
 * SCIM 2.0 in (RFC 7644): a directory makes, changes, switches off and removes accounts. Switching off
 * and removing end the person's sessions before the answer is sent.
 */
export function scimRoutes(deps: ScimDeps): Hono<SuretyEnv> {
  const app = new Hono<SuretyEnv>()
  const { accounts } = deps
  app.onError((error, c) => refusal(error, c, deps.logger))
  app.use('/scim/v2/*', async (c, next) => {
    if (!isBearer(c.req.header('authorization'), deps.tokenSha256))
      throw new ScimError('ERR_SCIM_TOKEN', 'the bearer token is missing or another one')
    c.header('Cache-Control', 'no-store')
    await next()
  })
  app.get(USERS, (c) => listUsers(c, deps))
  app.post(USERS, async (c) => {
    const { email, name, active } = parseUser(await bodyOf(c))
    const personId = await accounts.add({ email, emailVerified: true, name }).catch((error: unknown) => {
      if (!hasCode(error, 'ERR_STORE_CONFLICT')) throw error
      throw new ScimError('ERR_SCIM_TAKEN', 'an account has this userName')
    })
    if (!active) await deactivate(c, deps, personId)
    note(c, deps, personId, 'provisioned')
    const response = scim(c, toScimUser(await accountOf(deps, personId), deps.url()), 201)
    response.headers.set('Location', `${deps.url()}${USERS}/${personId}`)
    return response
  })
  app.get(`${USERS}/:id`, async (c) =>
    scim(c, toScimUser(await accountOf(deps, c.req.param('id')), deps.url())),
  )
  app.put(`${USERS}/:id`, async (c) => {
    const account = await accountOf(deps, c.req.param('id'))
    const { email, ...wanted } = parseUser(await bodyOf(c))
    if (email !== account.email) throw new ScimError('ERR_SCIM_IMMUTABLE', 'userName is another one')
    return change(c, deps, account, wanted)
  })
  app.patch(`${USERS}/:id`, async (c) =>
    change(c, deps, await accountOf(deps, c.req.param('id')), parsePatch(await bodyOf(c))),
  )
  app.delete(`${USERS}/:id`, async (c) => {
    const { personId } = await accountOf(deps, c.req.param('id'))
    await deactivate(c, deps, personId)
    await accounts.remove(personId)
    note(c, deps, personId, 'removed')
    return c.body(null, 204)
  })
  return app
}

async function listUsers(c: Context<SuretyEnv>, { accounts, url }: ScimDeps): Promise<Response> {
  const start = Math.max(1, wholeNumber(c.req.query('startIndex'), 1))
  const count = Math.min(MAX_PAGE, wholeNumber(c.req.query('count'), MAX_PAGE))
  const filter = c.req.query('filter')
  const found =
    filter === undefined ? await accounts.list({ offset: start - 1, count }) : await one(accounts, filter)
  return scim(c, {
    schemas: [LIST_SCHEMA],
    totalResults: found.total,
    startIndex: start,
    itemsPerPage: found.accounts.length,
    Resources: found.accounts.map((account) => toScimUser(account, url())),
  })
}

async function one(accounts: Accounts, filter: string) {
  const email = parseFilter(filter)
  const account = email === null ? null : await accounts.find({ email })
  return { accounts: account ? [account] : [], total: account ? 1 : 0 }
}

function wholeNumber(text: string | undefined, otherwise: number): number {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : otherwise
}

async function change(
  c: Context<SuretyEnv>,
  deps: ScimDeps,
  account: Account,
  { name, active }: UserChanges,
): Promise<Response> {
  const { personId } = account
  // First what takes something away: a failure after it leaves nobody signed in.
  if (active === false) await deactivate(c, deps, personId)
  if (name !== undefined && name !== account.name) await deps.accounts.rename(personId, name)
  if (active === true && !account.enabled) {
    await deps.accounts.setEnabled(personId, true)
    note(c, deps, personId, 'switched-on')
  }
  return scim(c, toScimUser(await accountOf(deps, personId), deps.url()))
}

async function deactivate(c: Context<SuretyEnv>, deps: ScimDeps, personId: string): Promise<void> {
  await deps.accounts.setEnabled(personId, false)
  await deps.onDeactivated?.(personId)
  note(c, deps, personId, 'switched-off')
}

function note(c: Context<SuretyEnv>, { audit }: ScimDeps, subject: string, what: string): void {
  audit({ kind: 'account.changed', subject, what: `scim-${what}`, request: c.get('requestId') ?? null })
}

const PERSON = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

async function accountOf({ accounts }: ScimDeps, personId: string): Promise<Account> {
  const account = PERSON.test(personId) ? await accounts.find({ personId }) : null
  if (account) return account
  throw new ScimError('ERR_SCIM_UNKNOWN', 'no account has this id')
}

function isBearer(header: string | undefined, tokenSha256: string): boolean {
  const [, token] = /^Bearer ([\w.~+/=-]{1,512})$/i.exec(header ?? '') ?? []
  const given = createHash('sha256')
    .update(token ?? '')
    .digest()
  const expected = Buffer.from(tokenSha256, 'hex')
  return token !== undefined && given.length === expected.length && timingSafeEqual(given, expected)
}

async function bodyOf(c: Context<SuretyEnv>): Promise<unknown> {
  try {
    return (await c.req.json()) as unknown
  } catch (cause) {
    throw new ScimError('ERR_SCIM_VALUE', 'the body is no JSON', { cause })
  }
}

function scim(c: Context, body: object, status: ContentfulStatusCode = 200): Response {
  return c.body(JSON.stringify(body), status, { 'Content-Type': 'application/scim+json' })
}

/** Status and `scimType` (RFC 7644 §3.12) of each refusal. */
const REFUSALS: Readonly<Record<string, readonly [ContentfulStatusCode, string?]>> = {
  ERR_SCIM_TOKEN: [401],
  ERR_SCIM_VALUE: [400, 'invalidValue'],
  ERR_SCIM_PATH: [400, 'invalidPath'],
  ERR_SCIM_FILTER: [400, 'invalidFilter'],
  ERR_SCIM_IMMUTABLE: [400, 'mutability'],
  ERR_SCIM_TAKEN: [409, 'uniqueness'],
  ERR_SCIM_UNKNOWN: [404],
  ERR_IDENTITY_EMAIL: [400, 'invalidValue'],
}

function refusal(error: Error, c: Context<SuretyEnv>, logger: HttpLogger): Response {
  const known = error instanceof SuretyError ? REFUSALS[error.code] : undefined
  if (!known) logger.error({ requestId: c.get('requestId'), err: error }, 'request failed')
  const [status, scimType] = known ?? [500]
  const detail =
    known && error instanceof SuretyError ? `${error.message} (${error.code})` : 'it has been recorded'
  return scim(
    c,
    {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
      status: String(status),
      ...(scimType && { scimType }),
      detail,
    },
    status,
  )
}
