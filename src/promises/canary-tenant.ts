import type { PermissionSet, Principal } from '../access/index.ts'
import { permissionsGiven } from '../access/index.ts'
import type { SuretyConfig } from '../declare/index.ts'
import { createPseudonym, SuretyError } from '../kernel/index.ts'
import { ADMINISTRATOR, tenantResources, type Tenants } from '../tenants/index.ts'
import { asCanaries, isCanary } from './canaries.ts'
import type { StaticFinding } from './definition.ts'
import { PromiseError } from './errors.ts'
import type { ProbeContext } from './probe-context.ts'

/** A tenant that a probe made for itself, with people whom nobody else knows. */
export interface CanaryTenant {
  readonly tenants: Tenants
  readonly tenant: string
  readonly founder: Principal
  /** Somebody new in it. */
  join(roles: readonly string[]): Promise<Principal>
  /** The same person, as they are now. */
  again(person: Pick<Principal, 'id'>, address?: string | null): Promise<Principal | null>
}

/** What a configuration needs for tenants to have roles, allow-lists and reviews of their own. */
export function checkTenants({ resources }: SuretyConfig): StaticFinding[] {
  const absent = Object.keys(tenantResources).find((name) => !Object.hasOwn(resources, name))
  if (absent === undefined) return []
  const mend = 'spread tenantResources into it: resources: { ...tenantResources, … }'
  return [{ key: 'resources', problem: `has no ${absent}`, mend }]
}

/** The tables whose rows a canary tenant leaves, those last that the others hang on. */
const TABLES = Object.keys(tenantResources).toReversed()

/** Runs `look` in a fresh tenant, and takes it away whatever happens. */
export function withCanaryTenant<T>(
  context: ProbeContext,
  look: (canary: CanaryTenant) => Promise<T>,
): Promise<T> {
  return asCanaries((arrive) => inCanaryTenant(context, arrive, look))
}

async function inCanaryTenant<T>(
  context: ProbeContext,
  arrive: (id: string) => void,
  look: (canary: CanaryTenant) => Promise<T>,
): Promise<T> {
  const { tenants } = context
  if (!tenants) {
    throw new PromiseError('ERR_PROMISE_TENANTS', 'the data map does not hold what tenants are stored in')
  }
  const [tenant, id] = [createPseudonym(), createPseudonym()]
  arrive(id)
  const again: CanaryTenant['again'] = (person, address = null) =>
    tenants.principalOf(person.id, { tenant, address })
  try {
    await tenants.members.found(tenant, id)
    const founder = (await again({ id }))!
    return await look({
      tenants,
      tenant,
      founder,
      again,
      async join(roles) {
        const person = createPseudonym()
        arrive(person)
        await tenants.members.add(founder, person, roles)
        return (await again({ id: person }))!
      },
    })
  } finally {
    await removeTenant(context, tenant)
  }
}

export async function removeTenant(context: ProbeContext, tenant: string): Promise<void> {
  const db = context.as(context.system('probe.canary-tenant', TABLES))
  for (const table of TABLES) await db.deleteFrom(table).where('tenantId', '=', tenant).execute()
}

/** The code that `work` is refused with; null when it is not refused. Anything else is the machinery's failure. */
export async function refusalOf(work: () => unknown): Promise<string | null> {
  try {
    await work()
    return null
  } catch (error) {
    if (error instanceof SuretyError && /^ERR_(TENANTS|STORE_FORBIDDEN)/.test(error.code)) return error.code
    throw error
  }
}

/** What a principal may at this moment. */
export function permissionsOf(principal: Principal | null): PermissionSet | null {
  return principal && permissionsGiven(principal)
}

/** Every tenant that has members, by its oldest membership's time; none that is there for a probe alone. */
export async function memberships(
  context: ProbeContext,
): Promise<readonly { readonly tenant: string; readonly id: string }[]> {
  const rows = await context
    .as(context.system('probe.tenants', ['tenant_members']))
    .selectFrom('tenant_members')
    .select(['id', 'tenantId', 'personId', 'roles'])
    .execute()
  return rows
    .filter(({ personId }) => !isCanary(String(personId)))
    .filter(({ roles }) => (roles as readonly string[]).includes(ADMINISTRATOR))
    .map(({ id, tenantId }) => ({ id: String(id), tenant: String(tenantId) }))
}
