import { z } from 'zod'
import { PermissionSet, type Principal } from '../access/index.ts'
import { formatPermission, tenantColumn, type Permission, type PermissionText } from '../declare/index.ts'
import { tryRolesOverHttp } from './access-custom-roles-http.ts'
import { createMarker } from './canaries.ts'
import { foundOverHttp } from './canary-organisation.ts'
import {
  checkTenants,
  memberships,
  permissionsOf,
  refusalOf,
  withCanaryTenant,
  type CanaryTenant,
} from './canary-tenant.ts'
import { definePromise, type Measurement } from './definition.ts'
import { grantablePermissions, lacks } from './grantable.ts'
import type { ProbeContext } from './probe-context.ts'
import { sampleRow } from './sample-row.ts'
import { tenantResources } from '../tenants/index.ts'

/** Customers make roles of their own, which bind; nobody gives by one what they do not hold. */
export const accessCustomRoles = definePromise({
  id: 'access.custom-roles',
  evidence: 'measured',
  checkedBy: 'self',
  version: 2,
  cadence: '6h',
  takes: '5s',
  parameters: z.strictObject({}),
  check: checkTenants,
  cannotProve: () => [
    'Routes of the app that its canary functions do not know; where there are no such functions, any route: the library’s own interface is measured.',
    'That the roles which customers made are what they wanted.',
  ],

  async probe(context) {
    const found = await withCanaryTenant(context, (canary) => tryRoles(context, canary))
    const http = foundOverHttp(await tryRolesOverHttp(context))
    const real = await lookAtRoles(context)
    const problems = [...found.problems, ...http.problems, ...real.problems]
    const values = {
      trials: found.trials,
      httpTrials: http.trials,
      customRoles: real.roles,
      tenantsWithRoles: real.tenants,
      problems: problems.length,
    }
    if (found.given === null) {
      return {
        outcome: problems.length > 0 ? 'broken' : 'undecided',
        summary: problems[0] ?? 'An administrator holds nothing that a role of a customer could be made of.',
        values,
      }
    }
    return judge(`${found.given}: it bound`, http.words, problems, values)
  },
})

function judge(
  given: string,
  http: string,
  problems: readonly string[],
  values: Measurement['values'],
): Measurement {
  if (problems.length > 0) {
    return {
      outcome: 'broken',
      summary: `${problems.length} trials went wrong; the first: ${problems[0]}.`,
      values,
    }
  }
  const roles = `${values['customRoles']} roles that customers made`
  return {
    outcome: 'kept',
    summary: `A fresh customer made a role of ${given} on the next request, and no longer when it was taken out. ${values['trials']} trials, ${roles} looked at. ${http}`,
    values,
  }
}

interface Found {
  readonly given: string | null
  readonly trials: number
  readonly problems: readonly string[]
}

/** Counts what is tried, and keeps what went wrong. */
class Trials {
  count = 0
  readonly problems: string[] = []

  /** @param wrong resolves to true when it went otherwise than promised */
  async of(what: string, wrong: () => Promise<boolean>): Promise<void> {
    this.count += 1
    if (await wrong()) this.problems.push(what)
  }
}

async function tryRoles(context: ProbeContext, canary: CanaryTenant): Promise<Found> {
  const held = permissionsOf(canary.founder)!
  const grantable = grantablePermissions(context.config)
  const trials = new Trials()
  for (const permission of grantable.filter((each) => lacks(held, each))) {
    const permissions = formatPermission(permission)
    await trials.of(`an administrator gave ${permissions.join()}, which they do not hold`, async () => {
      const draft = { name: `beyond ${trials.count}`, permissions }
      const refusal = await refusalOf(() => canary.tenants.roles.create(canary.founder, draft))
      return refusal !== 'ERR_TENANTS_BEYOND'
    })
  }
  // A row laid among the tenant's own tables would change who belongs to it.
  const given = grantable.find((each) => !(each.resource in tenantResources) && !lacks(held, each))
  if (given) await tryGiven(context, canary, given, trials)
  const text = given ? formatPermission(given).join() : null
  return { given: text, trials: trials.count, problems: trials.problems }
}

async function tryGiven(
  context: ProbeContext,
  canary: CanaryTenant,
  given: Permission,
  trials: Trials,
): Promise<void> {
  const { tenants, founder } = canary
  const permissions = formatPermission(given)
  const role = await tenants.roles.create(founder, { name: 'Canary', permissions })
  const member = await canary.join([role.assignedAs])
  const other = await canary.join([])
  const binds = async (principal: Principal): Promise<boolean> => isBound(context, given, principal)
  const now = async (): Promise<Principal> => (await canary.again(member))!
  await trials.of(`a role of ${permissions.join()} did not bind`, async () => !(await binds(await now())))
  await trials.of('a role bound somebody who does not have it', () => binds(other))
  await trials.of('a copy of a principal kept its role', async () => binds({ ...(await now()) }))
  await trials.of('a member who is no administrator made a role', async () => {
    const own = { name: 'Own', permissions: [] }
    return (await refusalOf(() => tenants.roles.create(member, own))) === null
  })
  await tenants.roles.edit(founder, role.id, role.revision, { name: 'Canary', permissions: [] })
  await trials.of('a role bound on although its permission was taken out', async () => binds(await now()))
}

/** True when the principal may do to a row of its own tenant what the permission says. */
async function isBound(
  context: ProbeContext,
  { resource: name, actions }: Permission,
  principal: Principal,
): Promise<boolean> {
  const owner = { tenant: principal.tenant!, subject: principal.id }
  const row = sampleRow(context.config.resources[name]!, owner, createMarker(), context.clock)
  const laying = context.as(context.system('probe.access.custom-roles', [name]))
  const { id } = await laying.insertInto(name).values(row).returning('id').executeTakeFirstOrThrow()
  const db = context.as(principal)
  let seen = 1
  try {
    const refusal = await refusalOf(async () => {
      if (actions.includes('delete')) db.deleteFrom(name).where('id', '=', id).compile()
      else if (actions.includes('write')) db.insertInto(name).values(row).compile()
      else seen = (await db.selectFrom(name).select('id').where('id', '=', id).execute()).length
    })
    return refusal === null && seen === 1
  } finally {
    await laying.deleteFrom(name).where('id', '=', id).execute()
  }
}

/** Over all real rows: every role that a customer made opens, and reaches no other customer. */
async function lookAtRoles(
  context: ProbeContext,
): Promise<{ readonly roles: number; readonly tenants: number; readonly problems: readonly string[] }> {
  const real = new Set((await memberships(context)).map(({ tenant }) => tenant))
  const rows = await context
    .as(context.system('probe.access.custom-roles', ['tenant_roles']))
    .selectFrom('tenant_roles')
    .select(['tenantId', 'permissions'])
    .execute()
  const roles = rows.filter(({ tenantId }) => real.has(String(tenantId)))
  const { resources } = context.config
  const far = roles.filter(({ permissions }) =>
    PermissionSet.parse(permissions as PermissionText[]).permissions.some(
      ({ resource, scope }) =>
        scope === 'any' && resources[resource] && tenantColumn(resources[resource]) !== null,
    ),
  )
  return {
    roles: roles.length,
    tenants: new Set(roles.map(({ tenantId }) => tenantId)).size,
    problems: far.map(() => 'a role that a customer made reaches other customers’ rows'),
  }
}
