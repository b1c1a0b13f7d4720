import { z } from 'zod'
import type { Principal } from '../access/index.ts'
import { parsePermission, tenantColumn, type Resource } from '../declare/index.ts'
import { SuretyError } from '../kernel/index.ts'
import { tryIsolationOverHttp } from './access-isolation-http.ts'
import { createMarker } from './canaries.ts'
import { definePromise, type Measurement } from './definition.ts'
import { ISOLATION_ATTEMPTS } from './isolation-attempts.ts'
import type { ProbeContext } from './probe-context.ts'
import { sampleId, sampleRow } from './sample-row.ts'

/** One customer never sees another's data. */
export const accessTenantIsolation = definePromise({
  id: 'access.tenant-isolation',
  evidence: 'measured',
  checkedBy: 'self',
  version: 2,
  cadence: '6h',
  takes: '6s',
  parameters: z.strictObject({}),
  check: ({ resources }) =>
    Object.values(resources).some((resource) => tenantColumn(resource))
      ? []
      : [
          {
            key: 'resources',
            problem: 'has no resource with a tenant or a subject',
            mend: 'declare the tenant of each resource',
          },
        ],

  cannotProve: ({ canary }) => [
    'Query shapes that were not tried, and what timing gives away.',
    'Routes of the app that its canary functions do not know, and what is inside compressed files that it exports.',
    ...(canary
      ? []
      : [
          'What the app’s own routes give away: no canary functions are configured, so the library’s own interface is measured.',
        ]),
  ],

  async probe(context) {
    const bypasses = await context.database.bypasses()
    const unguarded = await countUnguarded(context)
    const library = await tryLibrary(context)
    const http = await tryIsolationOverHttp(context)
    const problems = [...bypasses, ...unguarded, ...library.leaks, ...http.leaks]
    const values = {
      attempts: library.attempts,
      httpAttempts: http.attempts,
      httpUnanswered: http.unanswered,
      governedTables: governed(context).length,
      leaks: problems.length,
    }
    if (problems.length === 0 && context.canaries && http.attempts <= http.unanswered) {
      const summary =
        http.unanswered > 0
          ? 'The app gave no answer to most requests of its canaries.'
          : 'No route of the app took and showed the canary’s row.'
      return { outcome: 'undecided', summary, values }
    }
    return judge(problems, values)
  },
})

function judge(problems: readonly string[], values: Measurement['values']): Measurement {
  if (problems.length > 0) {
    return {
      outcome: 'broken',
      summary: `${problems.length} ways past the isolation; the first: ${problems[0]}.`,
      values,
    }
  }
  const http = values['httpAttempts']
    ? ` and ${values['httpAttempts']} over HTTP, by ordinary accounts with another’s ids in paths, filters and bodies,`
    : ''
  const silent = values['httpUnanswered'] ? ` ${values['httpUnanswered']} requests were not answered.` : ''
  const summary = `${values['attempts']} attempts on another tenant’s rows${http} found nothing; the database itself refuses the app’s role on all ${values['governedTables']} tables.${silent}`
  return { outcome: 'kept', summary, values }
}

function governed({ config }: ProbeContext): Resource[] {
  return Object.values(config.resources).filter((resource) => tenantColumn(resource) !== null)
}

/** Over all real rows: with no principal set, row-level security shows the app's role none of them. */
async function countUnguarded(context: ProbeContext): Promise<string[]> {
  const problems: string[] = []
  for (const { name } of governed(context)) {
    const visible = await context.database.visibleWithoutPrincipal(name)
    if (visible > 0)
      problems.push(`${visible} rows of ${name} are visible to the app’s role without a principal`)
  }
  return problems
}

interface Attempts {
  readonly attempts: number
  readonly leaks: readonly string[]
}

async function tryLibrary(context: ProbeContext): Promise<Attempts> {
  const { origin, roles } = context.config
  const invented = (name: string): string => sampleId(origin, 'access.tenant-isolation', name)
  const stranger: Principal = {
    kind: 'user',
    id: invented('stranger'),
    tenant: invented('tenant away'),
    roles: Object.keys(roles).filter(
      (role) => !roles[role]!.some((permission) => parsePermission(permission).scope === 'any'),
    ),
  }
  const victim = { tenant: invented('tenant home'), subject: invented('asker') }
  const leaks: string[] = []
  let attempts = 0
  for (const resource of governed(context)) {
    const db = context.as(context.system('probe.access.tenant-isolation', [resource.name]))
    const row = sampleRow(resource, victim, createMarker(), context.clock)
    const { id } = await db.insertInto(resource.name).values(row).returning('id').executeTakeFirstOrThrow()
    for (const [name, attempt] of Object.entries(ISOLATION_ATTEMPTS)) {
      attempts += 1
      const leaked = await attempt(context.as(stranger), resource, String(id)).catch(refusedIsSafe)
      if (leaked) leaks.push(`${name} reached a row of ${resource.name} in another tenant`)
      context.progress(attempts, null, 'attempts on another tenant’s rows')
    }
    const left = await db.deleteFrom(resource.name).where('id', '=', id).executeTakeFirstOrThrow()
    if (left.numDeletedRows !== 1n) leaks.push(`another tenant removed a row of ${resource.name}`)
  }
  return { attempts, leaks }
}

/** Failures of the machinery, not refusals: after them nothing is known about the attempt. */
const NOT_A_REFUSAL = /^ERR_STORE_(TAMPERED|RETRY|UNAVAILABLE|DATABASE)$/

/** Only a refusal counts as safe; any other error leaves the attempt undecided, and so the run. */
function refusedIsSafe(error: unknown): boolean {
  if (error instanceof SuretyError && error.code.startsWith('ERR_STORE_') && !NOT_A_REFUSAL.test(error.code))
    return false
  throw error
}
