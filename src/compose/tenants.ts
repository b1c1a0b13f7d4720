import type { Kysely } from 'kysely'
import type { Principal } from '../access/index.ts'
import type { SuretyConfig } from '../declare/index.ts'
import type { Logger } from '../database/index.ts'
import type { Clock } from '../kernel/index.ts'
import type { AuditLog } from '../log/index.ts'
import {
  openTenants,
  tenantResources,
  type InvitationPorts,
  type Tenants,
  type TenantTables,
} from '../tenants/index.ts'

interface Parts {
  readonly config: SuretyConfig
  readonly store: { as(principal: Principal): { readonly db: unknown } }
  readonly audit: Pick<AuditLog, 'record' | 'wake'>
  readonly isSwitchedOff?: (personId: string) => Promise<boolean>
  readonly clock: Clock
  readonly logger: Logger
  /** Default: nobody is invited by mail. */
  readonly invitations?: InvitationPorts
}

/**
 * Members, roles and keys of tenants, where the data map holds what they are stored in; else null.
 * @throws TenantsError `ERR_TENANTS_CONFIG`
 */
export function openSystemTenants(parts: Parts): Tenants | null {
  const { config, store, audit, isSwitchedOff, clock, logger, invitations } = parts
  const { name, resources, roles } = config
  // Only the room's own declarations will do: others of the same names could be anything.
  const declared = Object.entries(tenantResources)
  if (!declared.every(([key, resource]) => resources[key] === resource)) return null
  return openTenants({
    store: { as: (principal) => ({ db: store.as(principal).db as Kysely<TenantTables> }) },
    audit: {
      async record(events) {
        await audit.record(events)
        audit.wake()
      },
    },
    resources,
    roles,
    name,
    ...(isSwitchedOff && { isSwitchedOff }),
    clock,
    logger,
    ...(invitations && { invitations }),
  })
}
