import { z } from 'zod'
import type { Account } from '../accounts.ts'
import { canonicalEmail } from '../email.ts'
import { ScimError } from './errors.ts'

export const USER_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:User'
export const LIST_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:ListResponse'

/** What a client wants an account to be. */
export interface WantedUser {
  readonly email: string
  readonly name: string
  readonly active: boolean
}

/** What a PATCH changes. */
export interface UserChanges {
  readonly name?: string
  readonly active?: boolean
}

/** The account as a SCIM resource (RFC 7643 §4.1). */
export function toScimUser(account: Account, url: string): object {
  const { personId, email, name, enabled, createdAt, updatedAt } = account
  return {
    schemas: [USER_SCHEMA],
    id: personId,
    userName: email,
    displayName: name,
    name: { formatted: name },
    emails: [{ value: email, primary: true }],
    active: enabled,
    meta: {
      resourceType: 'User',
      created: createdAt.toISOString(),
      lastModified: updatedAt.toISOString(),
      location: `${url}/scim/v2/Users/${personId}`,
    },
  }
}

const MAX_NAME = 120
const text = z.string().min(1).max(MAX_NAME)
/** Some clients send the words in place of the values. */
const flag = z.union([z.boolean(), z.stringbool({ truthy: ['true'], falsy: ['false'] })])

const userBody = z.object({
  schemas: z.array(z.string()).refine((schemas) => schemas.includes(USER_SCHEMA)),
  userName: z.string().max(1_024),
  displayName: text.optional(),
  name: z
    .object({ formatted: text.optional(), givenName: text.optional(), familyName: text.optional() })
    .optional(),
  active: flag.optional(),
})

/** A whole user, as POST and PUT send it. @throws ScimError `ERR_SCIM_VALUE`; IdentityError `ERR_IDENTITY_EMAIL` */
export function parseUser(body: unknown): WantedUser {
  const parsed = userBody.safeParse(body)
  if (!parsed.success) throw new ScimError('ERR_SCIM_VALUE', 'the user is not one that RFC 7643 describes')
  const { userName, displayName, name, active = true } = parsed.data
  const email = canonicalEmail(userName)
  const parts = [name?.givenName, name?.familyName].filter((part) => part !== undefined).join(' ')
  const called = displayName ?? name?.formatted ?? (parts || email.slice(0, email.lastIndexOf('@')))
  return { email, name: called.slice(0, MAX_NAME), active }
}

const operation = z.object({
  op: z
    .string()
    .toLowerCase()
    .pipe(z.enum(['add', 'replace'])),
  path: z.enum(['active', 'displayName', 'name.formatted']).optional(),
  value: z.unknown(),
})
const patchBody = z.object({ Operations: z.array(operation).min(1).max(20) })
const changes = z.object({
  active: flag.optional(),
  displayName: text.optional(),
  'name.formatted': text.optional(),
})

/** What the operations of a PATCH come to (RFC 7644 §3.5.2). @throws ScimError `ERR_SCIM_PATH`, `ERR_SCIM_VALUE` */
export function parsePatch(body: unknown): UserChanges {
  const parsed = patchBody.safeParse(body)
  if (!parsed.success) throw new ScimError('ERR_SCIM_PATH', 'an operation is none that is supported here')
  const merged: Record<string, unknown> = {}
  for (const { path, value } of parsed.data.Operations) {
    if (path !== undefined) merged[path] = value
    else if (typeof value === 'object' && value !== null) Object.assign(merged, value)
    else throw new ScimError('ERR_SCIM_VALUE', 'an operation without a path has no object as its value')
  }
  const wanted = changes.strict().safeParse(merged)
  if (!wanted.success) throw new ScimError('ERR_SCIM_VALUE', 'a change is none that is supported here')
  const { active, displayName, 'name.formatted': formatted } = wanted.data
  const name = displayName ?? formatted
  return { ...(name !== undefined && { name }), ...(active !== undefined && { active }) }
}

const FILTER = /^userName eq ("(?:[^"\\]|\\.)*")$/i

/** The address of `userName eq "…"`, the one filter there is; null where it can be nobody's. @throws ScimError `ERR_SCIM_FILTER` */
export function parseFilter(filter: string): string | null {
  const [, quoted] = FILTER.exec(filter.trim().slice(0, 2_048)) ?? []
  if (quoted === undefined) throw new ScimError('ERR_SCIM_FILTER', 'only userName eq "…" can be asked for')
  try {
    return canonicalEmail(JSON.parse(quoted) as string)
  } catch {
    return null
  }
}
