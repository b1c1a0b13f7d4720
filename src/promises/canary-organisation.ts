import { permissionsGiven, type PermissionSet, type Principal } from '../access/index.ts'
import { tenantColumn, type Action, type CanaryPerson, type Resource } from '../declare/index.ts'
import { accountResources } from '../identity/index.ts'
import { staffResources } from '../staff/index.ts'
import { ADMINISTRATOR, MEMBER, tenantResources, type Tenants } from '../tenants/index.ts'
import { canariesOf, type CreateCanary } from './canaries.ts'
import { findTarget, layTarget, removeTarget } from './canary-targets.ts'
import { removeTenant } from './canary-tenant.ts'
import {
  ACTION_OF,
  tryCreation,
  tryTarget,
  type Intent,
  type Manner,
  type Outcome,
  type TrialPlace,
} from './canary-trial.ts'
import { PromiseError } from './errors.ts'
import type { ProbeContext } from './probe-context.ts'

/** A tenant of the running app in which only canaries are: an administrator and a member, both with a login. */
export interface CanaryOrganisation extends TrialPlace {
  readonly tenants: Tenants
  readonly tenant: string
  readonly administrator: CanaryPerson
  readonly member: CanaryPerson
  /** The administrator as they are now, at the library's own interface. */
  founder(address?: string): Promise<Principal>
}

/** What was found over HTTP; or why nothing could be tried there, in words. */
export type OverHttp<T> = { readonly found: T } | { readonly untried: string }

/** What trials over HTTP gave. */
export interface HttpFindings {
  readonly trials: number
  readonly problems: readonly string[]
}

/** The same for the result of a probe, whose summary says what was not tried. */
export function foundOverHttp(result: OverHttp<HttpFindings>): HttpFindings & { readonly words: string } {
  const nothing = { trials: 0, problems: [] }
  if ('untried' in result) return { ...nothing, words: `Over HTTP nothing was tried: ${result.untried}.` }
  const { found } = result
  if (found.trials > 0) return { ...found, words: `${found.trials} trials over HTTP went the same way.` }
  return { ...nothing, words: 'Over HTTP nothing was tried: no route of the app let a canary through.' }
}

/**
 * Runs `look` in a fresh tenant of the running app, and takes it away whatever happens. Nothing is
 * tried where the app keeps its tenants elsewhere, or would put canaries among other people.
 */
export async function withCanaryOrganisation<T>(
  context: ProbeContext,
  look: (organisation: CanaryOrganisation) => Promise<T>,
): Promise<OverHttp<T>> {
  const canaries = canariesOf(context)
  const { tenants } = context
  if (!canaries || !tenants) return { untried: 'no canary functions are configured' }
  let own: string | null = null
  try {
    return await canaries.withCrowd(async (create) => {
      const people = await makePeople(tenants, create)
      if ('untried' in people) return people
      own = people.tenant
      const place = { ...people, context, canaries, tenants }
      try {
        return { found: await look(place) }
      } finally {
        await settle(place)
      }
    })
  } finally {
    if (own !== null) await removeTenant(context, own)
  }
}

type People = Pick<CanaryOrganisation, 'administrator' | 'member' | 'tenant' | 'founder'>

async function makePeople(
  tenants: Tenants,
  create: CreateCanary,
): Promise<People | { readonly untried: string }> {
  const administrator = await create(ADMINISTRATOR)
  if (!administrator) return { untried: 'the app’s canary functions make no administrator' }
  const { tenant, id } = administrator
  const founder: People['founder'] = async (address) => {
    const principal = await tenants.principalOf(id, { tenant, ...(address !== undefined && { address }) })
    if (principal) return principal
    throw new PromiseError('ERR_PROMISE_CANARY', 'the canaries’ administrator is no longer in their tenant')
  }
  if (!(await tenants.tenantsOf(id)).includes(tenant))
    return { untried: 'the app keeps its organisations elsewhere, not in what the library keeps of them' }
  const member = await create(MEMBER, tenant)
  if (!member || !(await tenants.tenantsOf(member.id)).includes(tenant))
    return { untried: 'the app’s canary functions let nobody join an organisation' }
  // What follows changes roles and closes doors: never with anybody in the room.
  const known = new Set([administrator.id, member.id])
  const members = await tenants.members.list(await founder())
  if (members.some(({ personId }) => !known.has(personId)))
    return { untried: 'the app puts its canaries among other people' }
  return { administrator, member, tenant, founder }
}

/** Opens the doors again, so that the app can remove its canaries as it removes anybody. */
async function settle({ tenants, founder, member }: CanaryOrganisation): Promise<void> {
  const actor = await founder(ANY_INSIDE)
  await tenants.allowList.set(actor, [], null)
  await tenants.members.assign(actor, member.id, [MEMBER])
}

/** An address that every allow-list of a probe lets in; of a network for documentation (RFC 5737). */
export const ANY_INSIDE = '192.0.2.7'

/** A way into the app that lets somebody through. */
export interface OpenRoute {
  readonly resource: Resource
  readonly action: Action
  readonly intent: Intent
  /** Who was let through. */
  readonly person: CanaryPerson
  /** Whether the app lets people make such rows; else it keeps them of its people. */
  readonly isMade: boolean
}

const INTENTS: readonly Intent[] = ['create', 'read', 'list', 'export', 'update', 'delete']
const LIBRARYS = { ...accountResources, ...tenantResources, ...staffResources }

/** The app's routes on which somebody of the organisation is let through, to a row of their own. */
export async function findOpenRoutes(
  place: CanaryOrganisation,
  people: readonly CanaryPerson[],
): Promise<readonly OpenRoute[]> {
  const routes: OpenRoute[] = []
  const resources = Object.values(place.context.config.resources).filter(
    (resource) => tenantColumn(resource) !== null && !Object.hasOwn(LIBRARYS, resource.name),
  )
  for (const resource of resources) {
    let isMade = false
    for (const intent of INTENTS) {
      // Rows that the app keeps of its people stay as they are: the canaries need them.
      if (!isMade && (intent === 'update' || intent === 'delete')) continue
      for (const person of people) {
        const route = { resource, action: ACTION_OF[intent], intent, person, isMade }
        if (!(await tryRoute(place, person, route, person))?.done) continue
        isMade ||= intent === 'create'
        routes.push({ ...route, isMade })
        break
      }
    }
  }
  return routes
}

/**
 * What comes of the person's trying a row of the owner's; null where there is no such row or route.
 * @throws PromiseError `ERR_PROMISE_CANARY` where the app gives no answer
 */
export async function tryRoute(
  place: CanaryOrganisation,
  person: CanaryPerson,
  { resource, intent, isMade }: OpenRoute,
  owner: CanaryPerson,
  manner: Manner = {},
): Promise<Outcome | null> {
  const { context, administrator, member } = place
  context.signal.throwIfAborted()
  if (intent === 'create') return requireAnswer(await tryCreation(place, person, resource, owner, manner))
  const target = isMade
    ? await layTarget(context, resource, owner)
    : await findTarget(context, resource, owner, [administrator, member])
  if (!target) return null
  try {
    return requireAnswer(await tryTarget(place, person, intent, { ...target, owner }, manner))
  } finally {
    if (isMade) await removeTarget(context, target)
  }
}

function requireAnswer(outcome: Outcome | null): Outcome | null {
  if (outcome === null || outcome.answered) return outcome
  throw new PromiseError('ERR_PROMISE_CANARY', `a canary’s request was answered with ${outcome.status}`)
}

/** What the administrator holds at this moment. */
export async function heldBy(place: Pick<CanaryOrganisation, 'founder'>): Promise<PermissionSet> {
  return permissionsGiven(await place.founder())!
}
