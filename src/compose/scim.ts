import type { Hono } from 'hono'
import type { Kysely } from 'kysely'
import { systemPrincipal, type Principal } from '../access/index.ts'
import type { SuretyConfig } from '../declare/index.ts'
import { scimRoutes, type HttpLogger, type ScimClient, type SuretyEnv } from '../http/index.ts'
import {
  installationDirectory,
  ScimError,
  scimResources,
  tenantDirectory,
  type Accounts,
  type ProvisionedTenant,
  type ScimTables,
} from '../identity/index.ts'
import type { AuditLog } from '../log/index.ts'
import type { Tenants } from '../tenants/index.ts'

export interface ScimSiteParts {
  readonly config: SuretyConfig
  readonly store: { as(principal: Principal): { readonly db: unknown } }
  readonly accounts: Accounts | null
  readonly tenants: Tenants | null
  readonly audit: Pick<AuditLog, 'note'>
  readonly logger: HttpLogger
}

/**
 * Provisioning by the configured directories; nothing where there are none.
 * @throws ScimError `ERR_SCIM_CONFIG`
 */
export function scimSite(parts: ScimSiteParts, url: () => string): Hono<SuretyEnv>[] {
  const scim = parts.config.signIn?.scim
  const { accounts, audit, logger } = parts
  if (!scim || !accounts) return []
  const { tokenSha256 = [], tenants = [] } = scim
  const installation = { tokens: [tokenSha256].flat(), directory: installationDirectory(accounts) }
  const clients = [installation, ...tenants.map((one) => tenantClient(parts, accounts, one))]
  return [scimRoutes({ clients, url, audit: (event) => audit.note(event), logger })]
}

type ScimTenant = NonNullable<NonNullable<NonNullable<SuretyConfig['signIn']>['scim']>['tenants']>[number]

function tenantClient(
  { config, store, tenants }: ScimSiteParts,
  accounts: Accounts,
  { tenant, tokenSha256, groups = {} }: ScimTenant,
): ScimClient {
  const declared = Object.entries(scimResources).every(([name, one]) => config.resources[name] === one)
  if (!tenants || !declared)
    throw new ScimError('ERR_SCIM_CONFIG', 'the resources lack what directories of tenants need')
  const principal = systemPrincipal('scim', Object.keys(scimResources))
  const db = store.as(principal).db as Kysely<ScimTables>
  const members = provisioned(tenants, tenant)
  return {
    tokens: [tokenSha256].flat(),
    directory: tenantDirectory({ accounts, db, tenant, members, roles: groups }),
  }
}

function provisioned({ provisioning, tenantsOf }: Tenants, tenant: string): ProvisionedTenant {
  return {
    members: () => provisioning.list(tenant),
    set: (personId, roles) => provisioning.set(tenant, personId, roles),
    remove: (personId) => provisioning.remove(tenant, personId),
    countOf: async (personId) => (await tenantsOf(personId)).length,
  }
}
