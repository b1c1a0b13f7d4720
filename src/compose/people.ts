import type { Hono } from 'hono'
import type { Principal } from '../access/index.ts'
import { addressOfClient, tenantRoutes, type StaffVisitor, type SuretyEnv } from '../http/index.ts'
import { accountPages } from '../identity/index.ts'
import type { AuditLog } from '../log/index.ts'
import type { Outbox } from '../mail/index.ts'
import type { Site } from '../page/index.ts'
import { staffPages } from '../staff/index.ts'
import { ADMINISTRATOR, TENANT_LINKS, type Tenants } from '../tenants/index.ts'
import {
  accountSite,
  openSystemIdentity,
  withoutRoles,
  type SystemIdentity,
  type SystemIdentityOptions,
} from './identity.ts'
import { invitationPorts } from './mail.ts'
import { openSignInGuard, type SystemSignInGuardOptions } from './sign-in-guard.ts'
import { staffSite, type StaffSiteParts } from './staff-site.ts'
import { openSystemTenants } from './tenants.ts'

type PrincipalOf = NonNullable<SystemIdentityOptions['principalOf']>
type TenantParts = Parameters<typeof openSystemTenants>[0]

export interface PeopleOptions
  extends Omit<SystemIdentityOptions, 'as' | 'principalOf' | 'outbox'>, TenantParts {
  /** Null where no mail is configured. */
  readonly outbox: Outbox | null
  readonly audit: TenantParts['audit'] & Pick<AuditLog, 'note'>
  readonly database: SystemSignInGuardOptions['database']
  /** What a person may do, where the app itself keeps that. Default: what `tenants/` keeps. */
  readonly principalOf: PrincipalOf | undefined
}

/** Who uses the system, joined: sign-in says who sends a request, tenants what they may do. */
export interface People {
  readonly login: SystemIdentity
  /** Null where the data map does not hold what they are stored in. */
  readonly tenants: Tenants | null
  /** The pages of accounts, of tenants and about staff access, as far as each is configured. */
  sites(site: Site, staff: Omit<StaffSiteParts, 'site' | 'links'>): Hono<SuretyEnv>[]
}

/** @throws TenantsError `ERR_TENANTS_CONFIG`; IdentityError `ERR_IDENTITY_CONFIG` */
export function openPeople(options: PeopleOptions): People {
  const { store, outbox, config, url } = options
  const identity = (): SystemIdentity['identity'] => login.identity
  const invites = outbox && config.signIn
  const tenants = openSystemTenants({
    ...options,
    ...(invites && { invitations: invitationPorts({ config, outbox, url, identity }) }),
  })
  const principalOf = options.principalOf ?? (tenants && byTenants(tenants))
  const as: SystemIdentityOptions['as'] = (principal) => store.as(principal) as ReturnType<typeof as>
  const { principalOf: _, outbox: __, ...rooms } = options
  const guard = openSignInGuard(options)
  const login: SystemIdentity = openSystemIdentity({
    ...{ ...rooms, as, guard },
    ...(principalOf && { principalOf }),
    ...(outbox && { outbox }),
  })
  return {
    login,
    tenants,
    sites(site, staff) {
      const visitor = staff.visitor ?? visitorOf(login)
      const links = [
        ...(login.identity ? accountPages.ACCOUNT_LINKS : []),
        ...(staff.staff && visitor ? staffPages.ACCESS_LINKS : []),
        ...(login.identity && tenants ? TENANT_LINKS : []),
      ]
      return [
        ...accountSite({ ...options, links }, site, login),
        ...tenantSite({ ...options, links }, site, { login, tenants }),
        ...staffSite({ ...staff, links, site, visitor }),
      ]
    },
  }
}

/** What the person's organisation allows from the address that the request comes from. */
function byTenants(tenants: Tenants): PrincipalOf {
  return async (personId, request) =>
    (await tenants.principalOf(personId, { address: addressOfClient(request) })) ?? withoutRoles(personId)
}

function tenantSite(
  { config, clock, links }: PeopleOptions & Pick<StaffSiteParts, 'links'>,
  site: Site,
  { login: { identity, identify }, tenants }: Pick<People, 'login' | 'tenants'>,
): Hono<SuretyEnv>[] {
  if (!identity || !tenants) return []
  const visit = async (request: Request) => {
    const signedIn = await identity.signedIn(request)
    const principal = signedIn && (await identify(request))
    if (!signedIn || principal?.kind !== 'user') return null
    return { principal, form: identity.forms.of(signedIn.sessionId), address: addressOfClient(request) }
  }
  return [tenantRoutes({ site, config, tenants, clock, links, visit, signInPath: '/account/sign-in' })]
}

/** Who visits the pages about staff access, where the library signs people in. */
function visitorOf({ identity, identify }: SystemIdentity): StaffSiteParts['visitor'] {
  if (!identity) return undefined
  return async (request): Promise<StaffVisitor | null> => {
    const signedIn = await identity.signedIn(request)
    if (!signedIn) return null
    const principal: Principal = await identify(request)
    return {
      personId: signedIn.personId,
      tenant: principal.tenant,
      administers: principal.roles.includes(ADMINISTRATOR),
      formToken: identity.forms.of(signedIn.sessionId),
    }
  }
}
