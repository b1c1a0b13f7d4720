import { canonicalJson, equalBytes, fromBase64 } from '../kernel/index.ts'
import type { PromiseClaim } from './entry.ts'
import { VerifyError } from './errors.ts'
import type { VerifierKey } from './note.ts'
import type { LogCopy } from './read-log.ts'
import type { ShownPromise } from './security-page.ts'
import type { PromiseStanding, PromiseStatus } from './status.ts'
import { verifyTlogProof } from './tlog-proof.ts'

/** How much a status claims: a page may claim less than the log, never more. */
const CLAIMED: Readonly<Record<PromiseStatus, number>> = { kept: 2, unproven: 1, broken: 0 }

export interface PageComparison {
  /** What makes the evidence invalid. */
  readonly problems: readonly PageProblem[]
  /** What a reader may want to know and does not. */
  readonly notes: readonly string[]
}

/**
 * Holds the promises a page shows against the standings derived from the log: none left out, none
 * reworded, none claiming more, and each proof leading to that very entry of the verified log.
 */
export async function comparePage(
  shown: readonly ShownPromise[],
  standings: readonly PromiseStanding[],
  copy: LogCopy,
  key: VerifierKey,
): Promise<PageComparison> {
  const problems: PageProblem[] = []
  const notes: string[] = []
  const inForce = standings.filter((standing) => standing.withdrawnAt === null)
  const declared = new Map(inForce.map((standing) => [standing.claim.key, standing]))
  const keys = new Set(shown.map((promise) => promise.key))
  for (const { claim } of inForce) {
    if (!keys.has(claim.key)) problems.push(omits(claim))
  }
  if (keys.size !== shown.length) {
    problems.push({ code: 'ERR_VERIFY_PAGE_CLAIM', message: 'the page shows a promise twice' })
  }
  for (const promise of shown) {
    const standing = declared.get(promise.key)
    if (standing) {
      problems.push(
        ...compareClaim(promise, standing),
        ...compareStatus(promise, standing, notes),
        ...compareObserved(promise, standing),
      )
    } else if (promise.status === 'unproven') {
      notes.push(`the page shows ${promise.key}, which the log does not declare, as unproven`)
    } else {
      const message = `the page says ${promise.key} is ${promise.status}, the log does not declare it`
      problems.push({ code: 'ERR_VERIFY_PAGE_STATUS', message })
    }
    const problem = await checkProof(promise, standing, copy, key)
    if (problem) problems.push(problem)
  }
  return { problems, notes }
}

interface PageProblem {
  readonly code: `ERR_VERIFY_PAGE_${'OMITS' | 'CLAIM' | 'STATUS' | 'PROOF'}`
  readonly message: string
}

function omits(claim: PromiseClaim): PageProblem {
  return {
    code: 'ERR_VERIFY_PAGE_OMITS',
    message: `the log declares ${claim.key}, the page leaves it out`,
  }
}

function compareClaim(shown: ShownPromise, { claim }: PromiseStanding): PageProblem[] {
  const differs = [
    (shown.id !== claim.id || !sameJson(shown.params, claim.params)) && 'id or parameters',
    shown.sentence !== claim.sentence && 'sentence',
    shown.kind !== claim.evidence && 'kind of evidence',
    shown.checkedBy !== claim.checkedBy && 'checker',
    shown.probe !== claim.probe && 'probe',
    JSON.stringify(shown.cannotProve) !== JSON.stringify(claim.cannotProve) && 'list of what it cannot prove',
  ].filter((what) => what !== false)
  if (differs.length === 0) return []
  const message = `${claim.key}: the page shows another ${differs.join(' and another ')} than the log`
  return [{ code: 'ERR_VERIFY_PAGE_CLAIM', message }]
}

function compareStatus(shown: ShownPromise, standing: PromiseStanding, notes: string[]): PageProblem[] {
  const excess = CLAIMED[shown.status] - CLAIMED[standing.status]
  const words = `the page says ${shown.key} is ${shown.status}, the log says ${standing.status}`
  if (excess < 0) notes.push(`${words} (${standing.reason})`)
  return excess > 0 ? [{ code: 'ERR_VERIFY_PAGE_STATUS', message: `${words}: ${standing.reason}` }] : []
}

/** What was seen, when, and how long it counts. A page that claims less than the log may show less. */
function compareObserved(shown: ShownPromise, standing: PromiseStanding): PageProblem[] {
  if (shown.status !== standing.status) return []
  const { observed, checkedAt, validUntil } = standing
  const differs = [
    !(observed ? sameJson(shown.observed, observed) : sameJson(shown.observed.values, {})) && 'observation',
    shown.checkedAt !== checkedAt && 'time of the check',
    shown.validUntil !== validUntil && 'time until which it counts',
  ].filter((what) => what !== false)
  if (differs.length === 0) return []
  const message = `${shown.key}: the page shows another ${differs.join(' and another ')} than the log`
  return [{ code: 'ERR_VERIFY_PAGE_CLAIM', message }]
}

/** Of values that JSON carried here; a lone surrogate, which has no canonical form, equals nothing. */
function sameJson(a: unknown, b: unknown): boolean {
  try {
    return canonicalJson(a) === canonicalJson(b)
  } catch {
    return false
  }
}

async function checkProof(
  shown: ShownPromise,
  standing: PromiseStanding | undefined,
  copy: LogCopy,
  key: VerifierKey,
): Promise<PageProblem | null> {
  if (shown.entry === null && shown.proof === null && shown.status === 'unproven') return null
  const problem = (message: string): PageProblem => ({
    code: 'ERR_VERIFY_PAGE_PROOF',
    message: `${shown.key}: ${message}`,
  })
  const entry = shown.entry === null ? null : fromBase64(shown.entry)
  if (entry === null || shown.proof === null) return problem('the page gives no entry with a proof')
  try {
    const { index, checkpoint } = await verifyTlogProof(shown.proof, entry, key)
    if (
      checkpoint.size > copy.tree.size ||
      !equalBytes(copy.tree.root(checkpoint.size), checkpoint.rootHash)
    ) {
      return problem('its proof is signed for a tree that is not this log')
    }
    if (standing?.status === shown.status && standing.entryIndex !== null && standing.entryIndex !== index) {
      return problem(`the page proves entry ${index}, its status rests on entry ${standing.entryIndex}`)
    }
    return null
  } catch (error) {
    if (error instanceof VerifyError) return problem(error.message)
    throw error
  }
}
