import { randomUUID } from 'node:crypto'
import type { RootOperationNode } from 'kysely'
import { permissionsGiven, standIn, type Principal } from '../../access/index.ts'
import type { Policy } from './authority.ts'
import { BlindValue } from './blind.ts'
import { kindOf } from './nodes.ts'
import { planStatement, type Plan } from './plan.ts'
import type { Carrier } from './scope.ts'
import type { Output } from './selections.ts'
import { copyTree, readShape, Vocabulary } from './shape.ts'
import { Slot } from './slots.ts'

/**
 * Plans of selects and deletes, kept without values and without their principal: planning is a
 * hundred times dearer than filling in.
 *
 * A kept plan is found by everything that decides it: the whole tree but for its values, and the
 * kind, roles, own permissions and grant of the principal and whether a tenant is known. It was planned from a copy of
 * the tree in which every value is a `Slot`, and for a principal whose id and tenant are marks. So a
 * planner that looks at a value or an id cannot do so unnoticed: it meets a slot or a mark, and what
 * it refuses is planned with the values and not kept. Values that are held against a rule are so each
 * time they are filled in.
 */
export class PlanCache {
  #vocabulary: Vocabulary
  #plans = new Map<string, Plan>()
  readonly #most: number
  readonly #mostWords: number

  /**
   * @param most plans to keep, the least recently used dropped first; one takes about 10 KB
   * @param mostWords names and literals to know, after which all plans are dropped; at most 60,000
   */
  constructor(most = 1_000, mostWords = 50_000) {
    this.#most = most
    this.#mostWords = mostWords
    this.#vocabulary = new Vocabulary(mostWords)
  }

  get size(): number {
    return this.#plans.size
  }

  /**
   * The plan of `node` for the policy's principal: as `planStatement` would make it.
   * @throws StoreError, ValueError as `planStatement`
   */
  plan(policy: Policy, node: RootOperationNode): Plan {
    if (this.#vocabulary.isFull) {
      this.#vocabulary = new Vocabulary(this.#mostWords)
      this.#plans = new Map()
    }
    // A tree may run code of its own while it is read: its key belongs to these plans and no others.
    const [vocabulary, plans] = [this.#vocabulary, this.#plans]
    const shape = isKept(policy, node) ? readShape(vocabulary, node, partsOf(policy)) : null
    if (!shape) return planStatement(policy, node)
    const kept = plans.get(shape.key) ?? planForAll(policy, node, shape.key, vocabulary)
    if (!kept) return planStatement(policy, node)
    keep(plans, shape.key, kept, this.#most)
    return fill(kept, policy.principal, shape.values)
  }
}

function keep(plans: Map<string, Plan>, key: string, plan: Plan, most: number): void {
  plans.delete(key)
  plans.set(key, plan)
  if (plans.size > most) plans.delete(plans.keys().next().value!)
}

/** The authority of a system principal, and of an operator, is the object itself. */
function isKept({ principal }: Policy, node: RootOperationNode): boolean {
  const kind = kindOf(node)
  const copies = principal.kind === 'user' || principal.kind === 'anonymous'
  return copies && (kind === 'SelectQueryNode' || kind === 'DeleteQueryNode')
}

/** What of a principal decides a plan. The rest of the policy is the same for a whole store. */
function partsOf({ principal }: Policy): (string | boolean | null)[] {
  const { kind, tenant, roles, grant } = principal
  const given = permissionsGiven(principal)?.key ?? null
  return [kind, tenant === null, grant ?? null, given !== null, ...(given === null ? roles : [given])]
}

/** Ids that nobody has and nobody can know. */
const ID_MARK = randomUUID()
const TENANT_MARK = randomUUID()

/** The plan without values; null when it cannot be made without looking at them. */
function planForAll(
  policy: Policy,
  node: RootOperationNode,
  key: string,
  vocabulary: Vocabulary,
): Plan | null {
  const { principal } = policy
  const tenant = principal.tenant === null ? null : TENANT_MARK
  const anybody = standIn(principal, { id: ID_MARK, tenant })
  try {
    // A tree that reads otherwise the second time is not what the key says.
    const copied = copyTree(node, false)
    if (readShape(vocabulary, copied, partsOf(policy))?.key !== key) return null
    const marked = copyTree(copied, true) as RootOperationNode
    const plan = planStatement({ ...policy, principal: anybody }, marked)
    return isFillable(plan) ? { ...plan, recurs: true } : null
  } catch {
    return null
  }
}

/** True when no mark and no slot stands where {@link fill} does not look. */
function isFillable({ insert, update, upsert, ...plan }: Plan): boolean {
  if (insert || update || upsert) return false
  const { dropped, changed, outputs, tables, template } = plan
  return ![dropped, changed, tables, template.sql, outputs.map(withoutReach)].some(holdsMark)
}

function withoutReach({ sealed, ...output }: Output): unknown {
  if (sealed?.carrier.kind !== 'representative') return { ...output, sealed }
  const { reach: _, ...carrier } = sealed.carrier
  return { ...output, sealed: { ...sealed, carrier } }
}

function holdsMark(value: unknown): boolean {
  if (typeof value === 'string') return value.includes(ID_MARK) || value.includes(TENANT_MARK)
  if (value instanceof Slot) return true
  if (value instanceof Map) return [...value].flat().some(holdsMark)
  return typeof value === 'object' && value !== null && Object.values(value).some(holdsMark)
}

function fill(plan: Plan, principal: Principal, values: readonly unknown[]): Plan {
  const { sql, parameters } = plan.template
  return {
    ...plan,
    template: { sql, parameters: parameters.map((parameter) => fillOne(parameter, principal, values)) },
    settings: fillMap(plan.settings, principal),
    outputs: fillOutputs(plan.outputs, principal),
  }
}

function fillOne(parameter: unknown, principal: Principal, values: readonly unknown[]): unknown {
  if (parameter instanceof Slot) return parameter.fill(values)
  if (parameter instanceof BlindValue) {
    const { resource, field, tenant, value } = parameter
    const filled = (value instanceof Slot ? value.fill(values) : value) as string | number
    return new BlindValue(resource, field, tenant === null ? null : fillMark(tenant, principal), filled)
  }
  return typeof parameter === 'string' ? fillMark(parameter, principal) : parameter
}

function fillMark(text: string, { id, tenant }: Principal): string {
  if (text === ID_MARK) return id
  return text === TENANT_MARK ? tenant! : text
}

function fillMap(map: ReadonlyMap<string, string>, principal: Principal): ReadonlyMap<string, string> {
  return new Map([...map].map(([name, value]) => [name, fillMark(value, principal)]))
}

/** Outputs of one carrier keep one carrier. */
function fillOutputs(outputs: readonly Output[], principal: Principal): readonly Output[] {
  const filled = new Map<Carrier, Carrier>()
  for (const { sealed } of outputs) {
    const carrier = sealed?.carrier
    if (carrier?.kind === 'representative')
      filled.set(carrier, { ...carrier, reach: fillMap(carrier.reach, principal) })
  }
  if (filled.size === 0) return outputs
  return outputs.map(({ name, sealed }) => ({
    name,
    sealed: sealed && { ...sealed, carrier: filled.get(sealed.carrier) ?? sealed.carrier },
  }))
}
