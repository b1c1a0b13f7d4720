import type { Hono } from 'hono'
import { freezePrincipal, type Principal } from '../access/index.ts'
import type { SuretyConfig } from '../declare/index.ts'
import {
  accountResources,
  accountStore,
  createAccounts,
  createIdentity,
  IdentityError,
  sessionPolicy,
  type Accounts,
  type AccountStore,
  type Identity,
  type SignInGuard,
} from '../identity/index.ts'
import { accountRoutes, type AccountProviders, type AccountSiteDeps, type SuretyEnv } from '../http/index.ts'
import type { Clock } from '../kernel/index.ts'
import type { AuditEvent, AuditLog } from '../log/index.ts'
import type { Outbox } from '../mail/index.ts'
import { openProviders } from './provider-sign-in.ts'
import { systemName } from './system-name.ts'

export interface SystemIdentityOptions {
  readonly config: SuretyConfig
  readonly as: Parameters<typeof accountStore>[0]
  readonly system: Parameters<typeof accountStore>[1]
  readonly clock: Clock
  readonly secret: string
  readonly url: () => string
  /** What a person may do, and in which tenant. Default: no role, so that nothing is allowed. */
  readonly principalOf?: (personId: string, request: Request) => Promise<Principal | null>
  /** A person's roles wherever they have any: what demands a second factor. Default: those of `principalOf`. */
  readonly rolesOf?: (personId: string) => Promise<readonly string[]>
  readonly guard?: SignInGuard
  /** Default: no letters are written. */
  readonly outbox?: Outbox
}

/** Who sends a request, by the configured login. */
export interface SystemIdentity {
  /** The library's own sign-in; null where the app has its own, or none. */
  readonly identity: Identity | null
  /** Its tables; null where it is not configured. */
  readonly store: AccountStore | null
  /** Its accounts; null where it is not configured. */
  readonly accounts: Accounts | null
  /** Its identity providers; null where none is configured. */
  readonly providers: AccountProviders | null
  /**
   * Anonymous where nobody is signed in.
   * @throws AccessError `ERR_ACCESS_PRINCIPAL` for what a login of the app's own gives and cannot be meant
   */
  identify(request: Request): Promise<Principal>
}

export const ANONYMOUS: Principal = Object.freeze({
  kind: 'anonymous',
  id: '',
  tenant: null,
  roles: Object.freeze([]),
})

/** @throws IdentityError `ERR_IDENTITY_CONFIG` where sign-in is configured and its tables are not declared */
export function openSystemIdentity(options: SystemIdentityOptions): SystemIdentity {
  const { config } = options
  if (!config.signIn) {
    const { identify = async () => null } = config
    return {
      identity: null,
      store: null,
      accounts: null,
      providers: null,
      identify: async (request) => freezePrincipal((await identify(request)) ?? ANONYMOUS),
    }
  }
  checkTables(config)
  const store = accountStore(options.as, options.system)
  const principalOf = options.principalOf ?? withoutRoles
  const identity = openIdentity(config.signIn, { ...options, principalOf, store })
  return {
    identity,
    store,
    accounts: createAccounts({ store, clock: options.clock }),
    providers: openProviders({ ...options, store }),
    async identify(request) {
      const signedIn = await identity.signedIn(request)
      return (signedIn && (await principalOf(signedIn.personId, request))) ?? ANONYMOUS
    },
  }
}

/** Somebody who belongs to no organisation: themselves, and nothing more. */
export const withoutRoles = async (personId: string): Promise<Principal> => ({
  kind: 'user',
  id: personId,
  tenant: null,
  roles: [],
})

type PrincipalOf = NonNullable<SystemIdentityOptions['principalOf']>

function openIdentity(
  signIn: NonNullable<SuretyConfig['signIn']>,
  options: SystemIdentityOptions & { readonly principalOf: PrincipalOf; readonly store: AccountStore },
): Identity {
  const { config, clock, secret, url, guard, outbox, principalOf, store } = options
  const rolesOf =
    options.rolesOf ?? (async (id: string) => (await principalOf(id, new Request(url())))?.roles ?? [])
  const demanding = signIn.secondFactor?.roles ?? []
  return createIdentity({
    system: systemName(config),
    name: config.name,
    url,
    secret,
    store,
    clock,
    policy: sessionPolicy(signIn.sessions),
    passwords: signIn.passwords ?? true,
    breached: signIn.breachedPasswords ?? {},
    ...(guard && { guard }),
    ...(outbox && { outbox }),
    async requiresSecondFactor(personId) {
      if (demanding.length === 0) return false
      return (await rolesOf(personId)).some((role) => demanding.includes(role))
    },
  })
}

function checkTables({ resources }: SuretyConfig): void {
  const missing = Object.entries(accountResources).filter(([name, resource]) => resources[name] !== resource)
  if (missing.length === 0) return
  const names = missing.map(([name]) => name).join(', ')
  throw new IdentityError(
    'ERR_IDENTITY_CONFIG',
    `signIn needs the tables ${names}, which resources does not have`,
  )
}

/** The account pages, where the library signs people in. */
export function accountSite(
  { config, clock, logger, audit }: AccountSiteRooms,
  site: { readonly url: string },
  { identity, providers }: SystemIdentity,
): Hono<SuretyEnv>[] {
  if (!identity) return []
  const { name, disclosure } = config
  const common = {
    identity,
    name,
    clock,
    logger,
    hasSecurityTxt: disclosure !== undefined,
    ...(providers && { providers }),
  }
  const note = (event: AuditEvent): void => audit.note(event)
  const url = (): string => site.url
  return [accountRoutes({ ...common, url, audit: note })]
}

interface AccountSiteRooms extends Pick<AccountSiteDeps, 'clock' | 'logger'> {
  readonly config: SuretyConfig
  readonly audit: Pick<AuditLog, 'note'>
}
