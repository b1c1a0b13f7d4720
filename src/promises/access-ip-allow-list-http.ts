import { isInside, parseRange } from '../access/index.ts'
import type { SuretyConfig } from '../declare/index.ts'
import {
  ANY_INSIDE,
  findOpenRoutes,
  withCanaryOrganisation,
  type CanaryOrganisation,
  type HttpFindings,
  type OpenRoute,
  type OverHttp,
  tryRoute,
} from './canary-organisation.ts'
import type { Manner } from './canary-trial.ts'
import type { ProbeContext } from './probe-context.ts'

/** A network for documentation (RFC 5737), from which the probe does not come. */
const ELSEWHERE = ['192.0.2.0/24']
const EVERYWHERE = ['0.0.0.0/0', '::/0']
const OUTSIDE = '198.51.100.7'

/**
 * The app's routes are shut to a tenant's people while its list leaves the probe's address out, and open
 * while it does not. What a header says counts where a declared proxy stands before it, and nowhere else.
 */
export function tryAddressesOverHttp(context: ProbeContext): Promise<OverHttp<HttpFindings>> {
  return withCanaryOrganisation(context, async (place) => {
    const { tenants, founder, member, administrator } = place
    const routes = await findOpenRoutes(place, [member, administrator])
    const trials = new AddressTrials(place, routes)
    const limit = async (ranges: readonly string[]): Promise<void> => {
      await tenants.allowList.set(await founder(ANY_INSIDE), ranges, ANY_INSIDE)
    }
    await limit(ELSEWHERE)
    await trials.expect(false, 'from outside', {})
    const isProxy = standsBehindProxy(context)
    const words = isProxy ? 'through a declared proxy' : 'with a header that only a proxy may set'
    await trials.expect(isProxy, `from inside ${words}`, said(context.config, ANY_INSIDE))
    await trials.expect(false, `from outside ${words}`, said(context.config, OUTSIDE))
    await limit(EVERYWHERE)
    await trials.expect(true, 'while everybody was inside', {})
    return { trials: trials.count, problems: trials.problems }
  })
}

class AddressTrials {
  count = 0
  readonly problems: string[] = []
  readonly #place: CanaryOrganisation
  readonly #routes: readonly OpenRoute[]

  constructor(place: CanaryOrganisation, routes: readonly OpenRoute[]) {
    this.#place = place
    this.#routes = routes
  }

  async expect(expected: boolean, when: string, manner: Manner): Promise<void> {
    for (const route of this.#routes) {
      const { person, intent, resource } = route
      const outcome = await tryRoute(this.#place, person, route, person, manner)
      if (outcome === null) continue
      this.count += 1
      if (outcome.done === expected) continue
      const was = expected ? 'was refused' : 'was let in'
      this.problems.push(`over HTTP a member ${was} ${when} (${intent} ${resource.name}: ${outcome.status})`)
    }
  }
}

/** Whether the probe itself stands where a declared proxy does: on this machine. */
function standsBehindProxy({ config, site }: ProbeContext): boolean {
  const { hostname } = new URL(site ?? 'http://site.invalid')
  if (!config.proxies || !['localhost', '127.0.0.1', '[::1]'].includes(hostname)) return false
  const ranges = config.proxies.addresses.map(parseRange)
  return isInside(ranges, '127.0.0.1') || isInside(ranges, '::1')
}

function said({ proxies }: SuretyConfig, address: string): Manner {
  const header = proxies?.header ?? 'x-forwarded-for'
  return { headers: { [header]: header === 'forwarded' ? `for=${address}` : address } }
}
