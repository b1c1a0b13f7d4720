import type { Hono, MiddlewareHandler } from 'hono'
import type { Principal } from '../access/index.ts'
import {
  addressOfClient,
  createImpersonations,
  navigationRoutes,
  tenantRoutes,
  withBanner,
  type Impersonation,
  type Impersonations,
  type StaffVisitor,
  type SuretyEnv,
  type TenantRoutesDeps,
} from '../http/index.ts'
import { accountPages, type Accounts } from '../identity/index.ts'
import type { AuditLog } from '../log/index.ts'
import type { Outbox } from '../mail/index.ts'
import type { Site } from '../page/index.ts'
import { ADMINISTRATOR, parseKey, type Tenants } from '../tenants/index.ts'
import {
  accountSite,
  ANONYMOUS,
  openSystemIdentity,
  withoutRoles,
  type SystemIdentity,
  type SystemIdentityOptions,
} from './identity.ts'
import { invitationPorts, reviewReminders, startOutbox } from './mail.ts'
import { navigationFor } from './navigation.ts'
import { systemName } from './system-name.ts'
import { openSignInGuard, type SystemSignInGuardOptions } from './sign-in-guard.ts'
import { scimSite } from './scim.ts'
import { staffSite, type StaffSiteParts } from './staff-site.ts'
import { endingGrants } from './system-staff.ts'
import { openSystemTenants } from './tenants.ts'

type PrincipalOf = NonNullable<SystemIdentityOptions['principalOf']>
type TenantParts = Parameters<typeof openSystemTenants>[0]

export interface PeopleOptions
  extends Omit<SystemIdentityOptions, 'as' | 'principalOf' | 'rolesOf' | 'outbox'>, TenantParts {
  /** Null where no mail is configured. */
  readonly outbox: Outbox | null
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
  impersonation(request: Request): Promise<Impersonation | null>
  /** The same, with a banner over every page while somebody sees it as somebody else. */
  bannered(inner: MiddlewareHandler<SuretyEnv>): MiddlewareHandler<SuretyEnv>
  /** Null where the data map does not hold what they are stored in. */
  readonly tenants: Tenants | null
  /**
   * Who sends a request: the person behind the API key that it carries as a bearer token (RFC 6750 §2.1),
   * else who is signed in. Anonymous for a key that opens nothing, whoever is signed in beside it. Staff who
   * see the product as somebody else are operators under their grant.
   * @throws TenantsError `ERR_TENANTS_ADDRESS`
   */
  identify(request: Request): Promise<Principal>
  /** Writes to reviewers whose decisions wait; call it every hour. Nothing where no mail is configured. */
  remindReviewers(): Promise<void>
  /** The pages of accounts, of tenants and about staff access, as far as each is configured. */
  sites(
    site: Site,
    staff: Omit<StaffSiteParts, 'site' | 'visitor' | 'impersonations' | 'signInPath'>,
  ): Hono<SuretyEnv>[]
}

const SIGN_IN_PATH = accountPages.ACCOUNT_PATHS.signIn

/** @throws TenantsError `ERR_TENANTS_CONFIG`; IdentityError `ERR_IDENTITY_CONFIG` */
export function openPeople(options: PeopleOptions): People {
  const { store, outbox, config, url } = options
  const identity = (): SystemIdentity['identity'] => login.identity
  const invites = outbox && config.signIn
  const tenants = openSystemTenants({
    ...options,
    isSwitchedOff: async (personId) => (await login.accounts?.find({ personId }))?.enabled === false,
    ...(invites && { invitations: invitationPorts({ config, outbox, url, identity }) }),
  })
  const principalOf = options.principalOf ?? (tenants && byTenants(tenants))
  const as: SystemIdentityOptions['as'] = (principal) => store.as(principal) as ReturnType<typeof as>
  const { principalOf: _, outbox: __, ...rooms } = options
  const guard = openSignInGuard(options)
  // What the app itself says of a person's roles comes before what the organisations say.
  const rolesOf = options.principalOf ? undefined : tenants?.rolesOf
  const signIn = openSystemIdentity({
    ...{ ...rooms, as, guard },
    ...(principalOf && { principalOf }),
    ...(rolesOf && { rolesOf }),
    ...(outbox && { outbox }),
  })
  const login: SystemIdentity = endingKeys(withoutGrants(signIn, options.staff), tenants)
  const { accounts } = login
  const remind = outbox && tenants && accounts && reviewReminders({ config, outbox, url, tenants, accounts })
  // Behind those who write letters: what has waited is sent from here on.
  if (outbox) startOutbox(outbox, config, options)
  const visitor = options.visitor ?? visitorOf(login)
  const impersonations = openImpersonations(options, visitor)
  const impersonation: People['impersonation'] = async (request) =>
    (await impersonations?.of(request)) ?? null
  const identify = tenants ? byKey(tenants, login.identify) : login.identify
  return {
    login,
    tenants,
    impersonation,
    identify: async (request) => (await impersonation(request))?.principal ?? identify(request),
    async remindReviewers() {
      await remind?.()
    },
    bannered: (inner) => (impersonations ? withBanner(inner, impersonations) : inner),
    sites: (site, staff) => [
      navigationRoutes(
        navigationFor({ hasAccounts: login.identity !== null, tenants, staff: staff.staff, visitor }),
      ),
      ...accountSite(options, site, login),
      ...scimSite({ ...options, accounts: login.accounts, tenants }, () => site.url),
      ...tenantSite(options, site, { login, tenants }),
      ...staffSite({
        ...{ ...staff, site, visitor, impersonations },
        ...(login.identity && { signInPath: SIGN_IN_PATH }),
      }),
    ],
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

function byKey(tenants: Tenants, identify: People['identify']): People['identify'] {
  return async (request) => {
    const [, text] = /^Bearer +(\S+)$/i.exec(request.headers.get('authorization') ?? '') ?? []
    if (text === undefined || parseKey(text) === null) return identify(request)
    return (await tenants.keys.principalOf(text, { address: addressOfClient(request) })) ?? ANONYMOUS
  }
}

/** Whoever has no account any more has no keys either. */
function endingKeys(login: SystemIdentity, tenants: Tenants | null): SystemIdentity {
  const { accounts } = login
  if (!accounts || !tenants) return login
  const remove: Accounts['remove'] = async (personId) => {
    await tenants.keys.revokeAllOf(personId)
    await accounts.remove(personId)
    // What was made meanwhile: now nobody is signed in who could make another.
    await tenants.keys.revokeAllOf(personId)
  }
  return { ...login, accounts: { ...accounts, remove } }
}

/** What the person's organisation allows from the address that the request comes from. */
function byTenants(tenants: Tenants): PrincipalOf {
  return async (personId, request) =>
    (await tenants.principalOf(personId, { address: addressOfClient(request) })) ?? withoutRoles(personId)
}

function tenantSite(
  { config, clock }: PeopleOptions,
  site: Site,
  { login: { identity, identify, accounts }, tenants }: Pick<People, 'login' | 'tenants'>,
): Hono<SuretyEnv>[] {
  if (!identity || !tenants) return []
  const visit = async (request: Request) => {
    const signedIn = await identity.signedIn(request)
    if (!signedIn) return null
    const { personId, sessionId } = signedIn
    const { tenant } = await identify(request)
    const address = addressOfClient(request)
    // The room's own principal: what may be given depends on what it says that the person holds.
    const member = await tenants.principalOf(personId, { address, ...(tenant !== null && { tenant }) })
    const principal = member ?? (await withoutRoles(personId))
    return { principal, form: identity.forms.of(sessionId), address }
  }
  const namesOf = accounts ? namesIn(accounts) : undefined
  return [
    tenantRoutes({
      site,
      config,
      tenants,
      clock,
      visit,
      signInPath: SIGN_IN_PATH,
      ...(namesOf && { namesOf }),
    }),
  ]
}

/** What people are called, with the address that tells those of one name apart. */
function namesIn(accounts: Accounts): NonNullable<TenantRoutesDeps['namesOf']> {
  return async (personIds) => {
    const found = await Promise.all(personIds.map((personId) => accounts.find({ personId })))
    return new Map(
      found
        .filter((account) => account !== null)
        .map(({ personId, name, email, enabled }) => [
          personId,
          [name, email, enabled ? '' : 'switched off'].filter(Boolean).join(' · '),
        ]),
    )
  }
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
