import { tenantColumn, type CanaryIntent, type CanaryPerson, type Resource } from '../declare/index.ts'
import { PermissionSet } from '../access/index.ts'
import { canariesOf } from './canaries.ts'
import { createCast, personFor, type Cast } from './canary-cast.ts'
import { attemptsOn, type ForeignAttempt } from './isolation-attempts-http.ts'
import { findTarget, layTarget, ownerOf, markedRow, removeTarget, type Target } from './canary-targets.ts'
import {
  ACTION_OF,
  ask,
  READING,
  tryCreation,
  tryTarget,
  type Answer,
  type TrialPlace,
} from './canary-trial.ts'
import { describeAttempt, tryAttempt } from './foreign-attempt.ts'
import type { ProbeContext } from './probe-context.ts'

export interface HttpAttempts {
  /** Requests with somebody else's ids, on routes that show, or take, the canaries' own rows. */
  readonly attempts: number
  /** Requests to which the app gave no answer. */
  readonly unanswered: number
  readonly leaks: readonly string[]
}

/**
 * Ordinary accounts of one tenant ask for what is another's, with ids of its people, its rows and its
 * own in paths, filters and bodies. Nothing of it may come back, not even whether it is there, and
 * nothing of it may change.
 */
export async function tryIsolationOverHttp(context: ProbeContext): Promise<HttpAttempts> {
  const canaries = canariesOf(context)
  if (!canaries) return { attempts: 0, unanswered: 0, leaks: [] }
  return canaries.withCrowd(async (create) => {
    const cast = await createCast(context.config, create)
    const victim = personFor(cast.everybody, cast.actors[0]!, 'any')
    const attack = new Attack({ context, canaries }, cast)
    for (const resource of victim ? Object.values(context.config.resources) : [])
      if (tenantColumn(resource) !== null) await attack.on(resource, victim!)
    return attack.found
  })
}

/** One run: what was tried, and what came of it. */
class Attack {
  readonly #place: TrialPlace
  readonly #cast: Cast
  #attempts = 0
  #unanswered = 0
  readonly #leaks: string[] = []

  constructor(place: TrialPlace, cast: Cast) {
    this.#place = place
    this.#cast = cast
  }

  get found(): HttpAttempts {
    return { attempts: this.#attempts, unanswered: this.#unanswered, leaks: this.#leaks }
  }

  async on(resource: Resource, victim: CanaryPerson): Promise<void> {
    const { context } = this.#place
    const attackers = this.#cast.actors.filter(
      (person) => person.tenant !== victim.tenant && !reachesEverybody(context, person, resource),
    )
    const isMade = await this.#isMade(resource, [victim, ...attackers])
    const own = new Map<CanaryPerson, Target>()
    for (const person of [victim, ...attackers]) {
      const target = await this.#targetOf(resource, person, isMade)
      if (target) own.set(person, target)
    }
    try {
      const target = own.get(victim)
      const isOpen = isMade || (await this.#showsAnybody(own))
      if (!target || !isOpen) return
      for (const attacker of attackers)
        await this.#attack(attacker, { target, victim, own: own.get(attacker) })
    } finally {
      if (isMade) for (const target of own.values()) await removeTarget(context, target)
    }
  }

  async #attack(
    attacker: CanaryPerson,
    { target, victim, own }: { target: Target; victim: CanaryPerson; own: Target | undefined },
  ): Promise<void> {
    const { context } = this.#place
    const { resource } = target
    const values = (): Record<string, unknown> => markedRow(resource, ownerOf(attacker), context.clock).row
    const routeless = new Set<string>()
    for (const attempt of attemptsOn(target, victim, own)) {
      const { action } = attempt
      // Without the plain route there is none with ids in it, either.
      if (routeless.has(action)) continue
      const isWriting = ACTION_OF[action] === 'write'
      const intent = { ...attempt.intent, ...(isWriting && { values: values() }) }
      const answer = await this.#try(attacker, { ...attempt, intent }, target, victim)
      if (answer === null && attempt.isPlain) routeless.add(action)
      context.progress(this.#attempts, null, 'requests with ids of another tenant')
    }
  }

  async #try(
    attacker: CanaryPerson,
    attempt: ForeignAttempt,
    target: Target,
    victim: CanaryPerson,
  ): Promise<Answer | null> {
    const { context, canaries } = this.#place
    const send = (intent: CanaryIntent) => canaries.request(attacker, intent)
    const outcome = await tryAttempt(context, send, attempt, { target, victim })
    if (outcome === null) return null
    const { answer, shown, changed } = outcome
    if (answer.answered) this.#attempts += 1
    else this.#unanswered += 1
    const who = `${attacker.role} of another tenant`
    const request = describeAttempt(attempt)
    if (shown) this.#leaks.push(`${who} was shown what is not theirs: ${request}`)
    if (changed) this.#leaks.push(`${who} changed what is not theirs: ${request}`)
    if (attempt.unknown && answer.answered) await this.#compare(attacker, attempt, answer, request)
    return answer
  }

  /** Another answer for a row that is there than for one that is nowhere tells that it is there. */
  async #compare(
    attacker: CanaryPerson,
    { intent, unknown }: ForeignAttempt,
    { status }: Answer,
    request: string,
  ): Promise<void> {
    const nowhere = await ask(this.#place.canaries, attacker, { ...intent, id: unknown! })
    if (nowhere?.answered && nowhere.status !== status)
      this.#leaks.push(
        `${attacker.role} of another tenant is told that a row is there (${status}, not ${nowhere.status}): ${request}`,
      )
  }

  async #isMade(resource: Resource, people: readonly CanaryPerson[]): Promise<boolean> {
    for (const person of people) {
      const outcome = await tryCreation(this.#place, person, resource)
      if (outcome === null || outcome.done) return outcome !== null
    }
    return false
  }

  #targetOf(resource: Resource, person: CanaryPerson, isMade: boolean): Promise<Target | null> {
    const { context } = this.#place
    return isMade
      ? layTarget(context, resource, person)
      : findTarget(context, resource, person, this.#cast.everybody)
  }

  /** Whether some route shows somebody their own row: without that, nothing of another's was to be expected. */
  async #showsAnybody(own: ReadonlyMap<CanaryPerson, Target>): Promise<boolean> {
    for (const intent of READING) {
      for (const [owner, target] of own) {
        const outcome = await tryTarget(this.#place, owner, intent, { ...target, owner })
        if (outcome === null) break
        if (outcome.done) return true
      }
    }
    return false
  }
}

/** A role that reads every tenant's rows is told to: what it sees is no leak. */
function reachesEverybody({ config }: ProbeContext, { role }: CanaryPerson, { name }: Resource): boolean {
  const permissions = PermissionSet.parse(config.roles[role] ?? [])
  return (['read', 'write', 'delete'] as const).some(
    (action) => permissions.columns(name, action, 'any') !== undefined,
  )
}
