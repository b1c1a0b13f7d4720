import type { ZodSafeParseResult } from 'zod'
import { canonicalJson, parseDuration } from '../kernel/index.ts'
import type { SuretyConfig } from '../declare/index.ts'
import type { EvidenceBody, PromiseClaim } from '../verify/index.ts'
import { catalogue } from './catalogue.ts'
import { RUN_BY_OPERATOR, type Direction, type PromiseDefinition, type StaticFinding } from './definition.ts'
import { PromiseError } from './errors.ts'
import { PLANNED_PROMISES } from './planned.ts'

/** A promise as the page links to it. */
export interface PromiseLink {
  readonly key: string
  readonly id: string
  readonly params: Readonly<Record<string, string>>
  readonly sentence: string
}

/**
 * The claim that the evidence log declares for a link.
 * @throws PromiseError `ERR_PROMISE_UNKNOWN`, `ERR_PROMISE_PARAMETERS`
 */
export function claimOf(link: PromiseLink, config: SuretyConfig): PromiseClaim {
  const { key, id, params, sentence } = link
  const definition = catalogue.get(id)
  if (definition) {
    return {
      key,
      id,
      params,
      sentence,
      evidence: definition.evidence,
      checkedBy: definition.checkedBy,
      probe: `${id}@${definition.version}`,
      cadenceSeconds: parseDuration(definition.cadence) / 1_000,
      cannotProve: [RUN_BY_OPERATOR, ...definition.cannotProve(config, parseParameters(definition, link))],
    }
  }
  const planned = Object.hasOwn(PLANNED_PROMISES, id) ? PLANNED_PROMISES[id] : undefined
  if (!planned)
    throw new PromiseError('ERR_PROMISE_UNKNOWN', `the catalogue has no promise ${JSON.stringify(id)}`)
  const cannotProve = ['Nothing measures this promise yet.']
  return {
    key,
    id,
    params,
    sentence,
    evidence: planned,
    checkedBy: 'self',
    probe: null,
    cadenceSeconds: null,
    cannotProve,
  }
}

/** Parameters of a link as its definition reads them. */
export function parseParameters<Params>(
  definition: PromiseDefinition<Params>,
  link: Pick<PromiseLink, 'key' | 'params'>,
): Params {
  const parsed = definition.parameters.safeParse(link.params)
  if (parsed.success) return parsed.data
  const problems = describeProblems(parsed)
  throw new PromiseError('ERR_PROMISE_PARAMETERS', `promise:${link.key} is not understood (${problems})`)
}

function describeProblems(parsed: ZodSafeParseResult<unknown>): string | null {
  if (parsed.success) return null
  return parsed.error.issues
    .map(({ path, message }) => `${path.join('.') || 'parameters'}: ${message}`)
    .join('; ')
}

/** What a page may link to: null for an id that the catalogue does not have. */
export function findPromise(
  id: string,
): { checkParams(params: PromiseLink['params']): string | null } | null {
  const definition = catalogue.get(id)
  if (!definition) return Object.hasOwn(PLANNED_PROMISES, id) ? { checkParams: () => null } : null
  return { checkParams: (params) => describeProblems(definition.parameters.safeParse(params)) }
}

/** What the configuration lacks for the promise of a link. */
export function checkLink(link: PromiseLink, config: SuretyConfig): StaticFinding[] {
  const definition = catalogue.get(link.id)
  return definition ? definition.check(config, parseParameters(definition, link)) : []
}

/**
 * The entries that bring the log's claims in force to the page's: new ones declared, changed ones
 * with their direction, missing ones withdrawn. Nothing where nothing changed.
 */
export function reconcileClaims(
  page: readonly PromiseClaim[],
  inForce: readonly PromiseClaim[],
): EvidenceBody[] {
  const bodies: EvidenceBody[] = []
  const unmatched = new Map(inForce.map((claim) => [claim.key, claim]))
  const fresh: PromiseClaim[] = []
  for (const claim of page) {
    const before = unmatched.get(claim.key)
    unmatched.delete(claim.key)
    if (!before) fresh.push(claim)
    else if (canonicalJson(before) !== canonicalJson(claim)) bodies.push(changed(before, claim))
  }
  for (const claim of fresh) {
    // The same promise under other parameters is a change, not a new promise beside a withdrawn one.
    const before = [...unmatched.values()].find(({ id }) => id === claim.id)
    if (before) unmatched.delete(before.key)
    bodies.push(before ? changed(before, claim) : { kind: 'promise.declared', promise: claim })
  }
  for (const key of unmatched.keys()) bodies.push({ kind: 'promise.withdrawn', key })
  return bodies
}

function changed(before: PromiseClaim, after: PromiseClaim): EvidenceBody {
  return {
    kind: 'promise.changed',
    promise: after,
    previous: before.key,
    direction: direction(before, after),
  }
}

/** A promise is weaker when its parameters are, or when any part of how it is checked is. */
function direction(before: PromiseClaim, after: PromiseClaim): Direction {
  const parameters = compareParameters(before, after)
  if (parameters !== 'reworded') return parameters
  const [earlier, later] = [strength(before), strength(after)]
  if (later.some((part, i) => part < earlier[i]!)) return 'weakened'
  return later.some((part, i) => part > earlier[i]!) ? 'strengthened' : 'reworded'
}

/** How strongly a claim is checked, each part the greater the stronger. */
function strength({ probe, evidence, checkedBy, cadenceSeconds }: PromiseClaim): number[] {
  return [
    Number(probe !== null),
    Number(evidence === 'measured'),
    Number(checkedBy === 'outside'),
    -(cadenceSeconds ?? Number.POSITIVE_INFINITY),
  ]
}

function compareParameters(before: PromiseClaim, after: PromiseClaim): Direction {
  const definition = catalogue.get(after.id)
  if (!definition?.compare || before.key === after.key) return 'reworded'
  const [earlier, later] = [before, after].map(({ params }) => definition.parameters.safeParse(params))
  return earlier?.success && later?.success ? definition.compare(earlier.data, later.data) : 'reworded'
}
