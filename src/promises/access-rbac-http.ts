import { tenantColumn, type CanaryPerson, type Resource, type SuretyConfig } from '../declare/index.ts'
import { createPseudonym } from '../kernel/index.ts'
import { canariesOf } from './canaries.ts'
import { createCast, personFor, type Cast } from './canary-cast.ts'
import {
  findTarget,
  layTarget,
  markedRow,
  ownerOf,
  removeMarked,
  removeTarget,
  type Target,
} from './canary-targets.ts'
import {
  ACTION_OF,
  ask,
  tryCreation,
  tryTarget,
  type Intent,
  type Manner,
  type Outcome,
  type TrialPlace,
} from './canary-trial.ts'
import type { ProbeContext } from './probe-context.ts'
import { declaredColumns, describeTrial, isDeclared, possibleRows, type Whose } from './role-matrix.ts'

export interface HttpTrials {
  readonly trials: number
  /** How many for each role, in words. */
  readonly byRole: string
  /** Trials for which the app made nobody, or to which it gave no answer. */
  readonly untried: number
  /** Roles with which the app made nobody. */
  readonly absent: readonly string[]
  /** What went otherwise than declared, in words. */
  readonly wrong: readonly string[]
}

/**
 * Tries every role again as an ordinary account of the app: to make, list, read, change, delete and
 * take along rows of its own, of a colleague's and of another tenant's. What the app's routes let
 * through must be what the role declares; a list may show less. Nothing is tried where the app has no
 * such route.
 */
export async function measureRolesOverHttp(context: ProbeContext): Promise<HttpTrials> {
  const canaries = canariesOf(context)
  if (!canaries) return { trials: 0, byRole: '', untried: 0, absent: [], wrong: [] }
  return canaries.withCrowd(async (create) => {
    const cast = await createCast(context.config, create)
    const sheet = new Sheet(context.config)
    for (const resource of Object.values(context.config.resources)) {
      const tryResource = tenantColumn(resource) === null ? tryPlain : tryOwned
      await tryResource({ context, canaries }, cast, resource, sheet)
      context.progress(sheet.tried.length, null, 'trials over HTTP')
    }
    return sheet.judge(cast.absent)
  })
}

interface Tried {
  readonly role: string
  readonly resource: Resource
  readonly intent: Intent
  readonly whose: Whose
  readonly outcome: Outcome
  /** Fields that the row's marks stand in; null where nothing in it is known. */
  readonly marked: readonly string[] | null
  /** True where the app was told that the row is somebody else's: it need not listen. */
  readonly onBehalf: boolean
}

/** Keeps what was tried, and judges it when all of it is known. */
class Sheet {
  readonly tried: Tried[] = []
  untried = 0
  readonly #config: SuretyConfig

  constructor(config: SuretyConfig) {
    this.#config = config
  }

  add(trial: Tried): void {
    if (trial.outcome.answered) this.tried.push(trial)
    else this.untried += 1
  }

  judge(absent: readonly string[]): HttpTrials {
    const counted = this.tried.filter(
      (trial) => !(trial.onBehalf && this.#declared(trial)) || trial.outcome.done,
    )
    const wrong = counted.flatMap((trial) => this.#objections(trial))
    const byRole = [...Map.groupBy(counted, ({ role }) => role)]
    return {
      trials: counted.length,
      byRole: byRole.map(([role, trials]) => `${role} ${trials.length}`).join(', '),
      untried: this.untried,
      absent,
      wrong,
    }
  }

  #objections(trial: Tried): string[] {
    const { role, resource, intent, whose, outcome } = trial
    const told = { whose, resource: resource.name }
    const where = `over HTTP (${outcome.status})`
    const allowed = this.#isAllowed(trial)
    const strays = this.#readsBeyond(trial) ? ['read a field outside its columns in'] : []
    return [
      ...(allowed === this.#declared(trial) ? [] : [describeTrial(role, { allowed, what: intent, ...told })]),
      ...strays.map((what) => describeTrial(role, { allowed: true, what, ...told })),
    ].map((words) => `${words} ${where}`)
  }

  #declared({ role, resource, intent, whose }: Tried): boolean {
    return isDeclared(this.#config, role, resource, ACTION_OF[intent], whose)
  }

  /** Whether the app let it through: the row itself shows it, where anybody was ever shown one. */
  #isAllowed(trial: Tried): boolean {
    const { role, resource, intent, outcome } = trial
    if (ACTION_OF[intent] !== 'read') return outcome.done
    const alike = this.tried.filter((each) => each.resource === resource && each.intent === intent)
    const isTelling = alike.some((each) => each.outcome.done)
    if (intent === 'read') return isTelling && !this.#hidesMarks(trial) ? outcome.done : outcome.ok
    const same = alike.filter((each) => each.role === role && this.#declared(each))
    if (this.#declared(trial))
      return outcome.ok && (!isTelling || same.some((each) => each.outcome.done || this.#hidesMarks(each)))
    return isTelling ? outcome.done : outcome.ok && same.length === 0
  }

  #columns({ role, resource, whose }: Tried): ReadonlySet<string> | null {
    return declaredColumns(this.#config, role, resource, 'read', whose) ?? null
  }

  /** True where the role may read the row, but none of the fields by which it would be recognised. */
  #hidesMarks(trial: Tried): boolean {
    const columns = this.#columns(trial)
    return columns !== null && !(trial.marked ?? []).some((field) => columns.has(field))
  }

  #readsBeyond(trial: Tried): boolean {
    const columns = this.#columns(trial)
    return (
      columns !== null &&
      trial.outcome.shown.some(({ fields }) => !fields.some((field) => columns.has(field)))
    )
  }
}

/** A table without owners: what is in it is everybody's, so nothing is written that would be let through. */
async function tryPlain(place: TrialPlace, cast: Cast, resource: Resource, sheet: Sheet): Promise<void> {
  const { context, canaries } = place
  for (const actor of cast.actors) {
    const isWriter = isDeclared(context.config, actor.role, resource, 'write', 'any')
    for (const intent of ['list', 'export', ...(isWriter ? [] : (['create'] as const))] as const) {
      const { row, marks } = markedRow(resource, ownerOf(actor), context.clock)
      const values = intent === 'create' ? { values: row } : {}
      const answer = await ask(canaries, actor, { action: intent, resource: resource.name, ...values })
      if (!answer) continue
      const outcome = { ...answer, done: answer.ok, shown: [] }
      sheet.add({ role: actor.role, resource, intent, whose: 'any', outcome, marked: null, onBehalf: false })
      if (intent === 'create' && answer.ok) await removeMarked(context, resource, marks)
    }
  }
}

async function tryOwned(place: TrialPlace, cast: Cast, resource: Resource, sheet: Sheet): Promise<void> {
  const isMade = await tryCreations(place, cast, resource, sheet)
  if (!isMade && !(await hasReadingRoute(place, cast, resource))) return
  const routeless = new Set<Intent>()
  for (const actor of cast.actors) {
    for (const whose of possibleRows(resource)) {
      for (const intent of ['list', 'export', 'read', 'update', 'delete'] as const) {
        if (routeless.has(intent) || isLeftOut(place.context.config, actor, resource, intent, whose, isMade))
          continue
        const owner = ownerFor(cast, actor, resource, whose)
        if (!owner) sheet.untried += 1
        else if (!(await tryRow(place, cast, { actor, owner, resource, intent, whose, isMade }, sheet)))
          routeless.add(intent)
      }
    }
  }
}

/** A row of the tenant alone is every member's. */
function ownerFor(cast: Cast, actor: CanaryPerson, resource: Resource, whose: Whose): CanaryPerson | null {
  return personFor(
    cast.everybody,
    actor,
    whose === 'tenant' && resource.subjects.length === 0 ? 'own' : whose,
  )
}

/**
 * Whole rows cannot be changed where some fields are left out. Rows that the app keeps of its people
 * are changed only where that must be refused: the trials need their people.
 */
function isLeftOut(
  config: SuretyConfig,
  { role }: CanaryPerson,
  resource: Resource,
  intent: Intent,
  whose: Whose,
  isMade: boolean,
): boolean {
  const action = ACTION_OF[intent]
  if (action === 'read') return false
  if (action === 'write' && declaredColumns(config, role, resource, action, whose)) return true
  return !isMade && (whose === 'own' || isDeclared(config, role, resource, action, whose))
}

interface RowTrial {
  readonly actor: CanaryPerson
  readonly owner: CanaryPerson
  readonly resource: Resource
  readonly intent: Exclude<Intent, 'create'>
  readonly whose: Whose
  /** Whether the app lets people make such rows. */
  readonly isMade: boolean
}

/** False where the app has no such route. */
async function tryRow(
  place: TrialPlace,
  cast: Cast,
  { actor, owner, resource, intent, whose, isMade }: RowTrial,
  sheet: Sheet,
): Promise<boolean> {
  const { context } = place
  context.signal.throwIfAborted()
  const target: Target | null = isMade
    ? await layTarget(context, resource, owner)
    : await findTarget(context, resource, owner, cast.everybody)
  if (!target) return true
  try {
    const outcome = await tryTarget(place, actor, intent, { ...target, owner })
    if (!outcome) return false
    const marked = target.marks.flatMap(({ fields }) => fields)
    sheet.add({ role: actor.role, resource, intent, whose, outcome, marked, onBehalf: false })
    return true
  } finally {
    if (isMade) await removeTarget(context, target)
  }
}

/** True when the app stored a row for somebody. */
async function tryCreations(
  place: TrialPlace,
  cast: Cast,
  resource: Resource,
  sheet: Sheet,
): Promise<boolean> {
  const { config } = place.context
  const [nearest, ...further] = possibleRows(resource)
  let isMade = false
  for (const actor of cast.actors) {
    const create = async (whose: Whose, owner: CanaryPerson, manner: Manner): Promise<boolean> => {
      const outcome = await tryCreation(place, actor, resource, owner, manner)
      if (!outcome) return false
      isMade ||= outcome.done
      const told = { role: actor.role, resource, intent: 'create', whose, outcome } as const
      sheet.add({ ...told, marked: null, onBehalf: whose !== nearest })
      return true
    }
    // Whole rows cannot be made where some fields are left out.
    if (declaredColumns(config, actor.role, resource, 'write', nearest!)) continue
    if (!(await create(nearest!, actor, {}))) return isMade
    for (const whose of further) {
      const owner = ownerFor(cast, actor, resource, whose)
      if (!owner) sheet.untried += 1
      else for (const manner of onBehalfOf(resource, owner)) await create(whose, owner, manner)
    }
  }
  return isMade
}

/** How the app is told whose row it shall make: as it says itself, and by the name of the column. */
function onBehalfOf(resource: Resource, owner: CanaryPerson): readonly Manner[] {
  const [subject] = resource.subjects
  const [name, value] = subject ? [subject.column, owner.id] : [resource.tenant!, owner.tenant]
  return [
    { foreign: { place: 'body', tenant: owner.tenant, person: owner.id } },
    { undeclared: { place: 'body', name, value } },
  ]
}

async function hasReadingRoute({ canaries }: TrialPlace, cast: Cast, { name }: Resource): Promise<boolean> {
  for (const action of ['list', 'read', 'export'] as const) {
    const intent = { action, resource: name, ...(action === 'read' && { id: createPseudonym() }) }
    if (await ask(canaries, cast.actors[0]!, intent)) return true
  }
  return false
}
