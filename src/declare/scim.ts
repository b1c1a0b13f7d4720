import { isId } from '../kernel/index.ts'
import type { DefinitionCheck } from './definition.ts'

/**
 * SHA-256 of a directory's bearer token, lower-case hex; the token itself stays with the directory. Several
 * while it is being changed over: each of them opens, so take the old one out afterwards.
 */
export type ScimTokens = string | readonly string[]

/** A directory that provisions one tenant: it sees and changes that tenant's members, and nobody else. */
export interface ScimTenant {
  /** Id of the tenant, which must be there. */
  readonly tenant: string
  readonly tokenSha256: ScimTokens
  /**
   * Roles that the members of a directory's group get in the tenant, by the group's display name. Only these
   * roles follow the directory; others are the tenant's administrators' to give. Default none.
   */
  readonly groups?: { readonly [displayName: string]: readonly string[] }
}

/** Provisioning by directories, SCIM 2.0 below `/scim/v2`. */
export interface ScimConfig {
  /** The directory of the whole installation: it provisions every account. Default: there is none. */
  readonly tokenSha256?: ScimTokens
  /** Directories of single tenants. Spread `scimResources` and `tenantResources` into `resources` for them. Default none. */
  readonly tenants?: readonly ScimTenant[]
}

const SHA256 = /^[0-9a-f]{64}$/
/** Tokens of one directory: the one that serves, and the one that comes. */
const MOST_TOKENS = 2

export function checkScim(check: DefinitionCheck, scim: ScimConfig, roles: readonly string[]): void {
  check.onlyKnown(scim, ['tokenSha256', 'tenants'])
  const { tokenSha256, tenants = [] } = scim
  check.that(
    tokenSha256 !== undefined || tenants.length > 0,
    'signIn.scim',
    'names no directory',
    'give it a tokenSha256, or tenants',
  )
  if (tokenSha256 !== undefined) checkTokens(check, 'signIn.scim.tokenSha256', tokenSha256)
  for (const [i, tenant] of tenants.entries()) checkTenant(check, `signIn.scim.tenants[${i}]`, tenant, roles)
  const all = [tokenSha256 ?? [], ...tenants.map((one) => one.tokenSha256)].flat()
  check.that(
    new Set(all).size === all.length,
    'signIn.scim',
    'has one token for two directories',
    'make a token for each directory',
  )
}

function checkTenant(
  check: DefinitionCheck,
  key: string,
  tenant: ScimTenant,
  roles: readonly string[],
): void {
  check.onlyKnown(tenant, ['tenant', 'tokenSha256', 'groups'])
  check.that(
    isId(tenant.tenant),
    `${key}.tenant`,
    'is no id',
    'write the id of the tenant, a lower-case UUID',
  )
  checkTokens(check, `${key}.tokenSha256`, tenant.tokenSha256)
  for (const [group, given] of Object.entries(tenant.groups ?? {})) {
    const known = given.length > 0 && given.every((role) => roles.includes(role) && role !== 'anonymous')
    check.that(known, `${key}.groups`, `gives ${JSON.stringify(group)} no known role`, 'name declared roles')
  }
}

function checkTokens(check: DefinitionCheck, key: string, tokens: ScimTokens): void {
  const all = [tokens].flat()
  check.that(
    all.length > 0 && all.length <= MOST_TOKENS && all.every((token) => SHA256.test(token)),
    key,
    'is not the SHA-256 of a token',
    'make a random token of 32 bytes and write its SHA-256 here, as 64 hex digits; two while it is changed over',
  )
}
