import { z } from 'zod'
import { tryAddressesOverHttp } from './access-ip-allow-list-http.ts'
import { foundOverHttp } from './canary-organisation.ts'
import { checkTenants, memberships, refusalOf, withCanaryTenant, type CanaryTenant } from './canary-tenant.ts'
import { definePromise, type Measurement } from './definition.ts'
import type { ProbeContext } from './probe-context.ts'

/** Networks for documentation (RFC 5737, RFC 3849): nobody comes from there. */
const ALLOWED = ['192.0.2.0/24', '2001:db8:1::/48']
const INSIDE = ['192.0.2.7', '::ffff:192.0.2.8', '2001:db8:1::9']
const OUTSIDE = [null, '198.51.100.7', '::ffff:198.51.100.7', '2001:db8:2::9', 'unknown']

/** A customer limits from which addresses it can be reached. */
export const accessIpAllowList = definePromise({
  id: 'access.ip-allow-list',
  evidence: 'measured',
  checkedBy: 'self',
  version: 2,
  cadence: '6h',
  takes: '2s',
  parameters: z.strictObject({}),
  check: checkTenants,
  cannotProve: () => [
    'That the address which the app is told is the client’s: a proxy in front says so.',
    'Routes of the app that its canary functions do not know; where there are no such functions, any route: the library’s own interface is measured, with addresses that no client has.',
  ],

  async probe(context) {
    const found = await withCanaryTenant(context, tryAddresses)
    const http = foundOverHttp(await tryAddressesOverHttp(context))
    const { tenants, limited } = await countLimited(context)
    const problems = [...found.problems, ...http.problems]
    const values = {
      trials: found.trials,
      httpTrials: http.trials,
      tenants,
      tenantsWithList: limited,
      problems: problems.length,
    }
    return judge(problems, http.words, values)
  },
})

function judge(problems: readonly string[], http: string, values: Measurement['values']): Measurement {
  if (problems.length > 0) {
    return {
      outcome: 'broken',
      summary: `${problems.length} trials went wrong; the first: ${problems[0]}.`,
      values,
    }
  }
  return {
    outcome: 'kept',
    summary: `A fresh customer’s list let its members and keys in from inside and refused them from outside: ${values['trials']} trials. ${values['tenantsWithList']} of ${values['tenants']} customers use a list. ${http}`,
    values,
  }
}

async function tryAddresses(
  canary: CanaryTenant,
): Promise<{ readonly trials: number; readonly problems: readonly string[] }> {
  const { tenants, founder } = canary
  const { text } = await tenants.keys.create(founder, { name: 'canary', scopes: [] })
  const problems: string[] = []
  let trials = 0
  const expect = async (what: string, code: string | null, work: () => Promise<unknown>): Promise<void> => {
    trials += 1
    if ((await refusalOf(work)) !== code) problems.push(what)
  }
  await expect('somebody set a list that leaves themselves out', 'ERR_TENANTS_LOCK_OUT', () =>
    tenants.allowList.set(founder, ALLOWED, '198.51.100.7'),
  )
  await tenants.allowList.set(founder, ALLOWED, INSIDE[0]!)
  for (const address of INSIDE) {
    await expect('a member was refused from inside', null, () => require(canary.again(founder, address)))
    await expect('a key was refused from inside', null, () =>
      require(tenants.keys.principalOf(text, { address })),
    )
  }
  for (const address of OUTSIDE) {
    const outside = address === null ? 'from an unknown address' : 'from outside'
    const code = 'ERR_TENANTS_ADDRESS'
    await expect(`a member was let in ${outside}`, code, () => canary.again(founder, address))
    await expect(`a key was let in ${outside}`, code, () => tenants.keys.principalOf(text, { address }))
  }
  return { trials, problems }
}

/** Nobody is not let in, either. */
async function require(principal: Promise<unknown>): Promise<void> {
  if ((await principal) === null) throw new TypeError('a member of a fresh customer is not known')
}

async function countLimited(
  context: ProbeContext,
): Promise<{ readonly tenants: number; readonly limited: number }> {
  const real = new Set((await memberships(context)).map(({ tenant }) => tenant))
  const rows = await context
    .as(context.system('probe.access.ip-allow-list', ['tenant_settings']))
    .selectFrom('tenant_settings')
    .select(['tenantId', 'allowList'])
    .execute()
  const limited = rows.filter(
    ({ tenantId, allowList }) => real.has(String(tenantId)) && (allowList as readonly string[]).length > 0,
  )
  return { tenants: real.size, limited: limited.length }
}
