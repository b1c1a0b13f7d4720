import type { CanaryPerson, SuretyConfig } from '../declare/index.ts'
import { ADMINISTRATOR } from '../tenants/index.ts'
import { requirePerson, type CreateCanary } from './canaries.ts'
import type { Whose } from './role-matrix.ts'

/** Ordinary accounts for trials of who may do what. */
export interface Cast {
  /** One for each role that the app lets somebody have. */
  readonly actors: readonly CanaryPerson[]
  /** The actors, and whom they need beside them. */
  readonly everybody: readonly CanaryPerson[]
  /** Declared roles with which the app made nobody. */
  readonly absent: readonly string[]
}

/** Makes them: all in one tenant as far as the app lets people join, and a stranger in another one. */
export async function createCast(config: SuretyConfig, create: CreateCanary): Promise<Cast> {
  const leading = leadingRole(config)
  const founder = requirePerson(leading, await create(leading))
  const actors = [founder]
  const absent: string[] = []
  for (const role of rolesOfPeople(config).filter((each) => each !== leading)) {
    const person = (await create(role, founder.tenant)) ?? (await create(role))
    if (person) actors.push(person)
    else absent.push(role)
  }
  const everybody = [...actors]
  const add = (person: CanaryPerson | null): void => void (person && everybody.push(person))
  if (!personFor(everybody, founder, 'tenant')) add(await create(leading, founder.tenant))
  if (!personFor(everybody, founder, 'any')) add(await create(leading))
  return { actors, everybody, absent }
}

/** The role of who founds a tenant. */
export function leadingRole(config: SuretyConfig): string {
  const declared = rolesOfPeople(config)
  return declared.includes(ADMINISTRATOR) ? ADMINISTRATOR : (declared[0] ?? ADMINISTRATOR)
}

/** Visitors have a role, too, but no account. */
function rolesOfPeople({ roles }: SuretyConfig): readonly string[] {
  return Object.keys(roles).filter((role) => role !== 'anonymous')
}

/** Somebody who stands so to who asks; null where the app made nobody like that. */
export function personFor(
  people: readonly CanaryPerson[],
  asker: CanaryPerson,
  whose: Whose,
): CanaryPerson | null {
  if (whose === 'own') return asker
  const wanted = people.find(
    (person) => person !== asker && (person.tenant === asker.tenant) === (whose === 'tenant'),
  )
  return wanted ?? null
}
