import { createPseudonym } from '../kernel/index.ts'
import { ADMINISTRATOR } from '../tenants/index.ts'
import { asCanaries } from './canaries.ts'
import {
  findOpenRoutes,
  withCanaryOrganisation,
  type CanaryOrganisation,
  type HttpFindings,
  type OverHttp,
  tryRoute,
} from './canary-organisation.ts'
import type { ProbeContext } from './probe-context.ts'

/** What a review revokes lets nobody through any more, on the routes that were open until then. */
export function tryReviewOverHttp(context: ProbeContext): Promise<OverHttp<HttpFindings>> {
  return asCanaries((arrive) => withCanaryOrganisation(context, (place) => review(place, arrive)))
}

async function review(place: CanaryOrganisation, arrive: (id: string) => void): Promise<HttpFindings> {
  const { tenants, member, founder } = place
  const routes = await findOpenRoutes(place, [member])
  const actor = await founder()
  // Nobody reviews themselves: the administrator's own role is this one's to decide.
  const second = createPseudonym()
  arrive(second)
  await tenants.members.add(actor, second, [ADMINISTRATOR])
  await tenants.reviews.start(actor)
  const { items = [] } = (await tenants.reviews.current(actor)) ?? {}
  for (const { id, personId } of items)
    if (personId === member.id) await tenants.reviews.decide(actor, id, 'revoke')
  const problems: string[] = []
  let trials = 0
  for (const route of routes) {
    const outcome = await tryRoute(place, member, route, member)
    if (outcome === null) continue
    trials += 1
    if (outcome.done)
      problems.push(
        `over HTTP a member could still ${route.intent} rows of ${route.resource.name} after a review had revoked their role`,
      )
  }
  return { trials, problems }
}
