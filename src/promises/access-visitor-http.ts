import { tenantColumn, type CanaryIntent, type CanaryPerson, type Resource } from '../declare/index.ts'
import { canariesOf, requirePerson, type Canaries } from './canaries.ts'
import { leadingRole } from './canary-cast.ts'
import {
  findTarget,
  layTarget,
  markedRow,
  ownerOf,
  removeMarked,
  removeTarget,
  type Target,
} from './canary-targets.ts'
import { ACTION_OF, readAnswer, tryCreation, type Intent } from './canary-trial.ts'
import { describeAttempt, tryAttempt } from './foreign-attempt.ts'
import { attemptsOn, type ForeignAttempt } from './isolation-attempts-http.ts'
import type { ProbeContext } from './probe-context.ts'
import { isDeclared } from './role-matrix.ts'
import { visitorsOf, type Send } from './visitors.ts'

export interface VisitorTrials {
  /** Requests of visitors that were answered. */
  readonly trials: number
  /** Requests to which the app gave no answer. */
  readonly untried: number
  /** As whom, in words. */
  readonly visitors: readonly string[]
  /** What was shown or changed that is nobody’s, in words. */
  readonly wrong: readonly string[]
}

/**
 * Tries every route of the app as somebody whom it does not know: without a session or a key, with
 * made-up ones, with some that have ended. What the role `anonymous` does not declare must neither be
 * shown nor changed.
 */
export async function tryVisitorsOverHttp(context: ProbeContext): Promise<VisitorTrials> {
  const canaries = canariesOf(context)
  if (!canaries?.visit) return { trials: 0, untried: 0, visitors: [], wrong: [] }
  return canaries.withCrowd(async (create) => {
    const role = leadingRole(context.config)
    const owner = requirePerson(role, await create(role))
    const rows = await openRows(context, canaries, owner)
    const round = new VisitorRound(context, owner, rows)
    try {
      const opens = (send: Send): Promise<boolean> => opensAny(context, send, owner, rows)
      for await (const { words, send } of visitorsOf({ context, canaries, owner, create, opens }))
        await round.of(words, send)
      return round.found
    } finally {
      for (const { target, isLaid } of rows) if (isLaid) await removeTarget(context, target)
    }
  })
}

interface Row {
  readonly target: Target
  readonly isLaid: boolean
}

/** One row of the owner’s in each resource for which the app has a route. */
async function openRows(
  context: ProbeContext,
  canaries: Canaries,
  owner: CanaryPerson,
): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const resource of Object.values(context.config.resources)) {
    if (tenantColumn(resource) === null) continue
    const isLaid = (await tryCreation({ context, canaries }, owner, resource))?.done === true
    const target = isLaid
      ? await layTarget(context, resource, owner)
      : await findTarget(context, resource, owner, [owner])
    if (!target) continue
    const send: Send = (intent) => canaries.request(owner, intent)
    if (isLaid || (await shows(context, send, owner, target))) rows.push({ target, isLaid })
  }
  return rows
}

/** Whether some route shows one of the rows: what shows none while it is live shows nothing by failing later. */
async function opensAny(
  context: ProbeContext,
  send: Send,
  owner: CanaryPerson,
  rows: readonly Row[],
): Promise<boolean> {
  for (const { target } of rows) if (await shows(context, send, owner, target)) return true
  return false
}

async function shows(
  context: ProbeContext,
  send: Send,
  owner: CanaryPerson,
  target: Target,
): Promise<boolean> {
  for (const attempt of attemptsOn(target, owner, undefined)) {
    if (attempt.intent.undeclared || ACTION_OF[attempt.action] !== 'read') continue
    const outcome = await tryAttempt(context, send, attempt, { target, victim: owner })
    if (outcome?.answer.ok && outcome.shown) return true
  }
  return false
}

/** Tries one visitor after the other on the same rows. */
class VisitorRound {
  readonly #context: ProbeContext
  readonly #owner: CanaryPerson
  readonly #rows: readonly Row[]
  readonly #visitors: string[] = []
  readonly #wrong: string[] = []
  #trials = 0
  #untried = 0

  constructor(context: ProbeContext, owner: CanaryPerson, rows: readonly Row[]) {
    this.#context = context
    this.#owner = owner
    this.#rows = rows
  }

  get found(): VisitorTrials {
    return {
      trials: this.#trials,
      untried: this.#untried,
      visitors: this.#visitors,
      wrong: this.#wrong,
    }
  }

  async of(visitor: string, send: Send): Promise<void> {
    this.#visitors.push(visitor)
    for (const { target } of this.#rows) await this.#onRow(visitor, send, target)
    for (const resource of Object.values(this.#context.config.resources))
      if (tenantColumn(resource) === null) await this.#onPlain(visitor, send, resource)
    this.#context.progress(this.#trials, null, 'requests of visitors')
  }

  async #onRow(visitor: string, send: Send, target: Target): Promise<void> {
    const routeless = new Set<Intent>()
    for (const attempt of attemptsOn(target, this.#owner, undefined)) {
      const { action } = attempt
      // Without the plain route there is none with ids in it, either.
      if (routeless.has(action) || this.#isLeftOut(attempt, target.resource)) continue
      const given = { ...attempt, intent: this.#filled(attempt.intent, target.resource) }
      const outcome = await tryAttempt(this.#context, send, given, { target, victim: this.#owner })
      if (outcome === null) {
        if (attempt.isPlain) routeless.add(action)
        continue
      }
      this.#count(outcome.answer.answered)
      const isTaken = action === 'create' && outcome.answer.ok
      if (outcome.shown) this.#blame(visitor, 'was shown what is nobody’s', describeAttempt(attempt))
      if (outcome.changed || isTaken)
        this.#blame(visitor, 'changed what is nobody’s', describeAttempt(attempt))
    }
  }

  /** A table without owners: what is in it is shown by any answer. */
  async #onPlain(visitor: string, send: Send, resource: Resource): Promise<void> {
    for (const action of ['list', 'export', 'create'] as const) {
      if (isForAnybody(this.#context, resource, action)) continue
      const { row, marks } = markedRow(resource, ownerOf(this.#owner), this.#context.clock)
      const values = action === 'create' ? { values: row } : {}
      const answer = await readAnswer(await send({ action, resource: resource.name, ...values }))
      if (answer === null) continue
      this.#count(answer.answered)
      if (answer.ok) this.#blame(visitor, 'was let through', `${action} ${resource.name}`)
      if (answer.ok && action === 'create') await removeMarked(this.#context, resource, marks)
    }
  }

  #isLeftOut({ action, intent }: ForeignAttempt, resource: Resource): boolean {
    // Names are guessed where somebody unknown says whose row it shall be, and once: every guess is two looks
    // at what is stored.
    const isGuessed = action === 'create' && this.#visitors.length === 1
    return (intent.undeclared !== undefined && !isGuessed) || isForAnybody(this.#context, resource, action)
  }

  #filled(intent: CanaryIntent, resource: Resource): CanaryIntent {
    if (ACTION_OF[intent.action] !== 'write') return intent
    return { ...intent, values: markedRow(resource, ownerOf(this.#owner), this.#context.clock).row }
  }

  #count(answered: boolean): void {
    if (answered) this.#trials += 1
    else this.#untried += 1
  }

  #blame(visitor: string, what: string, request: string): void {
    this.#wrong.push(`somebody ${visitor} ${what} over HTTP: ${request}`)
  }
}

/** What visitors may do is declared like anything else. */
function isForAnybody({ config }: ProbeContext, resource: Resource, intent: Intent): boolean {
  return isDeclared(config, 'anonymous', resource, ACTION_OF[intent], 'any')
}
