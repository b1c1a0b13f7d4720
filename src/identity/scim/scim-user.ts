import { z } from 'zod'
import type { Account } from '../accounts.ts'
import { canonicalEmail } from '../email.ts'
import type { ScimUser } from './directory.ts'
import { ScimError } from './errors.ts'
import { parseOperations, single, type Operation } from './patch.ts'

export const USER_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:User'
export const LIST_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:ListResponse'

/** What a client wants an account to be. */
export interface WantedUser {
  readonly email: string
  readonly name: string
  /** Null where nothing is said of it. */
  readonly active: boolean | null
}

/** What a PATCH changes. An address is the one that the account has, or it is refused. */
export interface UserChanges {
  readonly email?: string
  readonly name?: string
  readonly active?: boolean
}

/** The account as a SCIM resource (RFC 7643 §4.1). */
export function toScimUser({ account, active }: ScimUser, url: string): object {
  const { personId, email, name, createdAt, updatedAt }: Account = account
  return {
    schemas: [USER_SCHEMA],
    id: personId,
    userName: email,
    displayName: name,
    name: { formatted: name },
    emails: [{ value: email, primary: true }],
    active,
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
/** Of a name; clients send empty ones. */
const part = z.string().max(MAX_NAME)
/** Some clients send the words in place of the values. */
const flag = z.union([z.boolean(), z.stringbool({ truthy: ['true'], falsy: ['false'] })])

const userBody = z.object({
  schemas: z.array(z.string()).refine((schemas) => schemas.includes(USER_SCHEMA)),
  userName: z.string().max(1_024),
  displayName: text.nullish(),
  name: z
    .object({ formatted: part.optional(), givenName: part.optional(), familyName: part.optional() })
    .nullish(),
  active: flag.optional(),
})

/** A whole user, as POST and PUT send it. @throws ScimError `ERR_SCIM_VALUE`; IdentityError `ERR_IDENTITY_EMAIL` */
export function parseUser(body: unknown): WantedUser {
  const parsed = userBody.safeParse(body)
  if (!parsed.success) throw new ScimError('ERR_SCIM_VALUE', 'the user is not one that RFC 7643 describes')
  const { userName, displayName, name, active = null } = parsed.data
  const email = canonicalEmail(userName)
  const called = displayName ?? (fullName(name ?? {}) || email.slice(0, email.lastIndexOf('@')))
  return { email, name: called.slice(0, MAX_NAME), active }
}

interface NameParts {
  readonly formatted?: string | undefined
  readonly givenName?: string | undefined
  readonly familyName?: string | undefined
}

/** Empty where nothing is said, or only half of it. */
function fullName({ formatted, givenName, familyName }: NameParts): string {
  if (formatted) return formatted
  return givenName && familyName ? `${givenName} ${familyName}` : ''
}

/**
 * Attributes that directories send and that are not kept here, so that a change of them is none. What would
 * mean a right or a secret (groups, roles, entitlements, password, certificates) is refused instead.
 */
const NOT_KEPT = new Set([
  ...['schemas', 'id', 'meta', 'externalid', 'emails', 'phonenumbers', 'addresses', 'ims', 'photos', 'title'],
  ...['nickname', 'profileurl', 'usertype', 'preferredlanguage', 'locale', 'timezone', 'name.middlename'],
  ...['name.honorificprefix', 'name.honorificsuffix'],
])
const EXTENSION = 'urn:ietf:params:scim:schemas:extension:'

/** How each attribute that is kept is called inside. */
const KEPT: Readonly<Record<string, keyof z.input<typeof changes>>> = {
  active: 'active',
  username: 'userName',
  displayname: 'displayName',
  'name.formatted': 'formatted',
  'name.givenname': 'givenName',
  'name.familyname': 'familyName',
}

const changes = z.object({
  active: flag.optional(),
  userName: z.string().max(1_024).optional(),
  displayName: text.optional(),
  formatted: part.optional(),
  givenName: part.optional(),
  familyName: part.optional(),
})

/** What the operations of a PATCH come to (RFC 7644 §3.5.2). @throws ScimError `ERR_SCIM_PATH`, `ERR_SCIM_VALUE` */
export function parsePatch(body: unknown): UserChanges {
  const merged: Record<string, unknown> = {}
  for (const { op, path, value } of parseOperations(body).flatMap(insideName)) {
    if (isNotKept(path)) continue
    const kept = Object.hasOwn(KEPT, path) ? KEPT[path] : undefined
    if (!kept || op === 'remove')
      throw new ScimError('ERR_SCIM_PATH', 'a change is none that is supported here')
    merged[kept] = single(value)
  }
  const wanted = changes.safeParse(merged)
  if (!wanted.success) throw new ScimError('ERR_SCIM_VALUE', 'a value is none that its attribute takes')
  const { active, userName, displayName, ...parts } = wanted.data
  const name = (displayName ?? fullName(parts)).slice(0, MAX_NAME)
  return {
    ...(userName !== undefined && { email: canonicalEmail(userName) }),
    ...(name !== '' && { name }),
    ...(active !== undefined && { active }),
  }
}

/** `name` as a whole stands for its parts. */
function insideName(one: Operation): Operation[] {
  const { op, path, value } = one
  if (path !== 'name' || typeof value !== 'object' || value === null) return [one]
  return Object.entries(value).map(([part, each]) => ({
    op,
    path: `name.${part.toLowerCase()}`,
    value: each,
  }))
}

/** `emails[type eq "work"].value` is about `emails`. */
function isNotKept(path: string): boolean {
  const [plain = ''] = path.split('[')
  return path.startsWith(EXTENSION) || NOT_KEPT.has(plain) || NOT_KEPT.has(plain.split('.')[0]!)
}

/** What `attribute eq "…"` asks for, the one filter there is. @throws ScimError `ERR_SCIM_FILTER` */
export function parseFilter(attribute: string, filter: string): string {
  const [, name, quoted] = FILTER.exec(filter.trim().slice(0, 2_048)) ?? []
  if (quoted !== undefined && name?.toLowerCase() === attribute.toLowerCase()) return unquoted(quoted)
  throw new ScimError('ERR_SCIM_FILTER', `only ${attribute} eq "…" can be asked for`)
}

const FILTER = /^([\w.]+) eq ("(?:[^"\\]|\\.)*")$/i

function unquoted(text: string): string {
  try {
    return JSON.parse(text) as string
  } catch (cause) {
    throw new ScimError('ERR_SCIM_FILTER', 'the value of the filter is no text', { cause })
  }
}
