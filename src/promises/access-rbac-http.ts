import {
  parsePermission,
  type Action,
  type CanaryIntent,
  type CanaryPerson,
  type Resource,
  type SuretyConfig,
} from '../declare/index.ts'
import { canariesOf, createMarker, type Canaries } from './canaries.ts'
import type { ProbeContext } from './probe-context.ts'
import { sampleRow } from './sample-row.ts'

export interface HttpTrials {
  readonly trials: number
  /** What went otherwise than declared, in words. */
  readonly wrong: readonly string[]
}

const INTENTS: readonly (readonly [CanaryIntent['action'], Action])[] = [
  ['create', 'write'],
  ['list', 'read'],
]

/**
 * Tries every role again as an ordinary account of the app, on its own rows: what the app's routes
 * let through must be what the role declares. Nothing is tried where the app has no such route.
 */
export async function measureRolesOverHttp(context: ProbeContext): Promise<HttpTrials> {
  const { config } = context
  const canaries = canariesOf(context)
  if (!canaries) return { trials: 0, wrong: [] }
  const roles = Object.keys(config.roles).filter((role) => role !== 'anonymous')
  return canaries.withPeople(roles, async (people) => {
    const outcomes: (string | null)[] = []
    for (const person of people) {
      for (const resource of Object.values(config.resources)) {
        for (const [intent, action] of INTENTS) {
          const outcome = await tryIntent(context, canaries, person, resource, intent, action)
          if (outcome !== undefined) outcomes.push(outcome)
        }
      }
      context.progress(outcomes.length, null, 'trials over HTTP')
    }
    return { trials: outcomes.length, wrong: outcomes.filter((outcome) => outcome !== null) }
  })
}

async function tryIntent(
  { clock, config }: ProbeContext,
  canaries: Canaries,
  person: CanaryPerson,
  resource: Resource,
  intent: CanaryIntent['action'],
  action: Action,
): Promise<string | null | undefined> {
  const values = sampleRow(resource, { tenant: person.tenant, subject: person.id }, createMarker(), clock)
  const response = await canaries.request(person, {
    action: intent,
    resource: resource.name,
    ...(intent === 'create' ? { values } : {}),
  })
  if (response === null) return undefined
  await response.body?.cancel()
  const declared = mayAct(config, person.role, resource, action)
  if (response.ok === declared) return null
  return `${person.role} ${response.ok ? 'can' : 'cannot'} ${intent} ${resource.name} over HTTP (${response.status})`
}

function mayAct(config: SuretyConfig, role: string, resource: Resource, action: Action): boolean {
  return (config.roles[role] ?? [])
    .map(parsePermission)
    .some((permission) => permission.resource === resource.name && permission.actions.includes(action))
}
