import type { Hono, MiddlewareHandler } from 'hono'
import type { Principal } from '../access/index.ts'
import {
  addressOfClient,
  createImpersonations,
  tenantRoutes,
  withBanner,
  type Impersonation,
  type Impersonations,
  type StaffVisitor,
  type SuretyEnv,
} from '../http/index.ts'
import { accountPages } from '../identity/index.ts'
import type { AuditLog } from '../log/index.ts'
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
import { systemName } from './system-name.ts'
import { openSignInGuard, type SystemSignInGuardOptions } from './sign-in-guard.ts'
import { scimSite } from './scim.ts'
import { staffSite, type StaffSiteParts } from './staff-site.ts'
import { endingGrants } from './system-staff.ts'
import { openSystemTenants } from './tenants.ts'

type PrincipalOf = NonNullable<SystemIdentityOptions['principalOf']>
type TenantParts = Parameters<typeof openSystemTenants>[0]

export interface PeopleOptions extends Omit<SystemIdentityOptions, 'as' | 'principalOf'>, TenantParts {
  readonly audit: TenantParts['audit'] & Pick<AuditLog, 'note'>
  readonly database: SystemSignInGuardOptions['database']
  /** What a person may do, where the app itself keeps that. Default: what `tenants/` keeps. */
  readonly principalOf: PrincipalOf | undefined
  readonly staff: StaffSiteParts['staff']
  /** Who visits the pages of staff, where they sign in elsewhere. Default: who is signed in with the library. */
  readonly visitor: StaffSiteParts['visitor']
}

/** Who uses the system, joined: sign-in says who sends a request, tenants what they may do. */
export interface People {
  readonly login: SystemIdentity
  /** As `login` says; staff who see the product as somebody else are operators under their grant. */
  identify(request: Request): Promise<Principal>
  impersonation(request: Request): Promise<Impersonation | null>
  /** The same, with a banner over every page while somebody sees it as somebody else. */
  bannered(inner: MiddlewareHandler<SuretyEnv>): MiddlewareHandler<SuretyEnv>
  /** Null where the data map does not hold what they are stored in. */
  readonly tenants: Tenants | null
  /** The pages of accounts, of tenants and about staff access, as far as each is configured. */
  sites(
    site: Site,
    staff: Omit<StaffSiteParts, 'site' | 'links' | 'visitor' | 'impersonations'>,
  ): Hono<SuretyEnv>[]
}

/** @throws TenantsError `ERR_TENANTS_CONFIG`; IdentityError `ERR_IDENTITY_CONFIG` */
export function openPeople(options: PeopleOptions): People {
  const { store } = options
  const tenants = openSystemTenants(options)
  const principalOf = options.principalOf ?? (tenants && byTenants(tenants))
  const as: SystemIdentityOptions['as'] = (principal) => store.as(principal) as ReturnType<typeof as>
  const { principalOf: _, ...rooms } = options
  const guard = openSignInGuard(options)
  const rolesOf = options.principalOf ? undefined : tenants?.rolesOf
  const signIn = openSystemIdentity({
    ...{ ...rooms, as, guard },
    ...(principalOf && { principalOf }),
    ...(rolesOf && { rolesOf }),
  })
  const login = withoutGrants(signIn, options.staff)
  const visitor = options.visitor ?? visitorOf(login)
  const impersonations = openImpersonations(options, visitor)
  const impersonation: People['impersonation'] = async (request) =>
    (await impersonations?.of(request)) ?? null
  return {
    login,
    tenants,
    impersonation,
    identify: async (request) => (await impersonation(request))?.principal ?? login.identify(request),
    bannered: (inner) => (impersonations ? withBanner(inner, impersonations) : inner),
    sites(site, staff) {
      const links = [
        ...(login.identity ? accountPages.ACCOUNT_LINKS : []),
        ...(staff.staff && visitor ? staffPages.ACCESS_LINKS : []),
        ...(login.identity && tenants ? TENANT_LINKS : []),
      ]
      return [
        ...accountSite({ ...options, links }, site, login),
        ...scimSite({ ...options, accounts: login.accounts, tenants }, () => site.url),
        ...tenantSite({ ...options, links }, site, { login, tenants }),
        ...staffSite({ ...staff, links, site, visitor, impersonations }),
      ]
    },
  }
}

function openImpersonations(
  { staff, secret, url, clock, config }: PeopleOptions,
  visitor: StaffSiteParts['visitor'],
): Impersonations | null {
  if (!staff || !visitor) return null
  return createImpersonations({ staff: staff.room, system: systemName(config), secret, url, clock, visitor })
}

/** Whoever may no longer sign in has no grants either. */
function withoutGrants(login: SystemIdentity, staff: PeopleOptions['staff']): SystemIdentity {
  if (!login.accounts || !staff) return login
  return { ...login, accounts: endingGrants(login.accounts, staff.room) }
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
