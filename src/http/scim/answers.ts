import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { LIST_SCHEMA, ScimError, type Directory } from '../../identity/index.ts'
import { SuretyError } from '../../kernel/index.ts'
import type { HttpLogger, SuretyEnv } from '../context.ts'

/** The environment of provisioning: besides the rest whose token it was. */
export interface ScimEnv {
  Variables: SuretyEnv['Variables'] & { readonly directory: Directory }
}

export function scim(c: Context, body: object, status: ContentfulStatusCode = 200): Response {
  return c.body(JSON.stringify(body), status, { 'Content-Type': 'application/scim+json' })
}

/** A page of a list (RFC 7644 §3.4.2.4); indexes begin at 1. */
export function scimList(
  c: Context,
  { total, start, resources }: { total: number; start: number; resources: readonly object[] },
): Response {
  return scim(c, {
    schemas: [LIST_SCHEMA],
    totalResults: total,
    startIndex: start,
    itemsPerPage: resources.length,
    Resources: resources,
  })
}

/** Most resources in one answer. */
const MAX_PAGE = 100

/** The asked-for page: an index below 1 means 1, a count below 0 means 0 (RFC 7644 §3.4.2.4). */
export function pageOf(c: Context): { readonly start: number; readonly count: number } {
  const whole = (name: string, otherwise: number): number => {
    const text = c.req.query(name) ?? ''
    return /^-?\d{1,9}$/.test(text) ? Number(text) : otherwise
  }
  return {
    start: Math.max(1, whole('startIndex', 1)),
    count: Math.max(0, Math.min(MAX_PAGE, whole('count', MAX_PAGE))),
  }
}

export async function bodyOf(c: Context): Promise<unknown> {
  try {
    return (await c.req.json()) as unknown
  } catch (cause) {
    throw new ScimError('ERR_SCIM_VALUE', 'the body is no JSON', { cause })
  }
}

/** Status and `scimType` (RFC 7644 §3.12) of each refusal. */
const REFUSALS: Readonly<Record<string, readonly [ContentfulStatusCode, string?]>> = {
  ERR_SCIM_TOKEN: [401],
  ERR_SCIM_VALUE: [400, 'invalidValue'],
  ERR_SCIM_PATH: [400, 'invalidPath'],
  ERR_SCIM_FILTER: [400, 'invalidFilter'],
  ERR_SCIM_IMMUTABLE: [400, 'mutability'],
  ERR_SCIM_TAKEN: [409, 'uniqueness'],
  ERR_SCIM_TOO_MANY: [413, 'tooMany'],
  ERR_SCIM_UNKNOWN: [404],
  ERR_SCIM_GROUPS: [501],
  ERR_IDENTITY_EMAIL: [400, 'invalidValue'],
  ERR_TENANTS_MISSING: [404],
  ERR_TENANTS_LAST_ADMINISTRATOR: [409],
}

/** The error as SCIM answers it; nothing of the inside of what nobody foresaw. */
export function refusal(error: Error, c: Context<ScimEnv>, logger: HttpLogger): Response {
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
