import type { PermissionSet } from '../access/index.ts'
import { formatPermission, tenantColumn, type Permission, type SuretyConfig } from '../declare/index.ts'
import {
  findOpenRoutes,
  heldBy,
  withCanaryOrganisation,
  type CanaryOrganisation,
  type HttpFindings,
  type OpenRoute,
  type OverHttp,
  tryRoute,
} from './canary-organisation.ts'
import { grantablePermissions, lacks } from './grantable.ts'
import type { ProbeContext } from './probe-context.ts'

/**
 * A member of a fresh tenant is left with one role that the tenant made. It holds all that its
 * administrator can give, but for one permission at a time: the app's routes must let the member
 * through exactly while that permission is in it, and no further than it reaches.
 */
export function tryRolesOverHttp(context: ProbeContext): Promise<OverHttp<HttpFindings>> {
  return withCanaryOrganisation(context, async (place) => {
    const { member, administrator } = place
    const given = givable(context.config, await heldBy(place))
    const routes = await findOpenRoutes(place, [member, administrator])
    const trials = new RoleTrials(place, await makeRole(place))
    for (const route of routes) await trials.of(route, given)
    return { trials: trials.count, problems: trials.problems }
  })
}

/** Changes what the role allows, from the member's next request on. */
type Allow = (permissions: readonly Permission[]) => Promise<void>

async function makeRole({ tenants, founder, member }: CanaryOrganisation): Promise<Allow> {
  const actor = await founder()
  const draft = { name: 'Canary', permissions: [] }
  const role = await tenants.roles.create(actor, draft)
  await tenants.members.assign(actor, member.id, [role.assignedAs])
  let { revision } = role
  return async (allowed) => {
    const permissions = allowed.flatMap(formatPermission)
    ;({ revision } = await tenants.roles.edit(actor, role.id, revision, { ...draft, permissions }))
  }
}

/** What an administrator who holds this can put into a role, in the single pieces that it is made of. */
function givable(config: SuretyConfig, held: PermissionSet): readonly Permission[] {
  const shared = Object.values(config.resources).filter((resource) => tenantColumn(resource) === null)
  const ofShared = held.permissions.filter(({ resource, scope, columns }) => {
    return scope === 'any' && columns === null && shared.some(({ name }) => name === resource)
  })
  return [...ofShared, ...grantablePermissions(config).filter((permission) => !lacks(held, permission))]
}

class RoleTrials {
  count = 0
  readonly problems: string[] = []
  readonly #place: CanaryOrganisation
  readonly #allow: Allow

  constructor(place: CanaryOrganisation, allow: Allow) {
    this.#place = place
    this.#allow = allow
  }

  async of(route: OpenRoute, givable: readonly Permission[]): Promise<void> {
    const isIt = ({ resource, actions }: Permission): boolean =>
      resource === route.resource.name && actions.includes(route.action)
    const rest = givable.filter((permission) => !isIt(permission))
    const own = givable.filter((permission) => isIt(permission) && permission.scope === 'own')
    const whole = givable.filter((permission) => isIt(permission) && permission.scope === 'tenant')
    if (own.length + whole.length === 0) return
    const { member, administrator } = this.#place
    const byId = route.intent !== 'create' && route.intent !== 'list' && route.intent !== 'export'
    await this.#allow(rest)
    await this.#expect(route, member, false, 'without the permission')
    if (own.length > 0) {
      await this.#allow([...rest, ...own])
      await this.#expect(route, member, true, 'with a role for their own rows')
      if (route.intent !== 'create')
        await this.#expect(route, administrator, false, 'with a role for their own rows')
    }
    if (whole.length > 0) {
      await this.#allow([...rest, ...whole])
      // A list may show less than the role allows.
      await this.#expect(route, byId ? administrator : member, true, 'with a role for the tenant’s rows')
    }
    await this.#allow(rest)
    await this.#expect(route, member, false, 'after the permission was taken out of the role')
  }

  async #expect(
    route: OpenRoute,
    owner: CanaryOrganisation['member'],
    expected: boolean,
    when: string,
  ): Promise<void> {
    const outcome = await tryRoute(this.#place, this.#place.member, route, owner)
    if (outcome === null) return
    this.count += 1
    if (outcome.done === expected) return
    const could = expected ? 'could not' : 'could'
    const whose = owner === this.#place.member ? '' : 'a colleague’s '
    const what = `${route.intent} ${whose}rows of ${route.resource.name}`
    this.problems.push(`over HTTP a member ${could} ${what} ${when} (${outcome.status})`)
  }
}
