import { canonicalBytes, toBase64 } from '../kernel/index.ts'
import type {
  EvidenceEntry,
  EvidenceKind,
  Observed,
  PromiseChanged,
  PromiseStanding,
  PromiseStatus,
} from '../verify/index.ts'
import type { EvidenceSnapshot } from './evidence.ts'
import type { SecurityPage } from './page-tree.ts'

/** A claim that this promise took the place of. */
export interface Replacement {
  readonly direction: PromiseChanged['direction']
  /** Unix milliseconds. */
  readonly at: number
  /** The earlier sentence and key. */
  readonly sentence: string
  readonly key: string
}

/** What stands behind one promise, ready to be shown. */
export interface PromiseView {
  readonly key: string
  readonly id: string
  readonly params: Readonly<Record<string, string>>
  /** As declared in the log; as on the page while it is not declared. */
  readonly sentence: string
  readonly status: PromiseStatus
  /** Why the status is what it is, for a person. */
  readonly reason: string
  /** Null while the log does not have the promise. */
  readonly kind: EvidenceKind | null
  readonly checkedBy: 'self' | 'outside'
  readonly observed: Observed | null
  /** Unix milliseconds. */
  readonly checkedAt: number | null
  readonly validUntil: number | null
  readonly probe: string | null
  readonly cannotProve: readonly string[]
  readonly entryIndex: number | null
  /** Standard base64 of the evidence entry, and its tlog-proof; both null while unproven. */
  readonly entry: string | null
  readonly proof: string | null
  readonly replaced: Replacement | null
  /** The page words the promise differently from the log. */
  readonly rewordedOnPage: boolean
}

/** The whole page: its text, and what stands behind each sentence. */
export interface PageModel {
  readonly page: SecurityPage
  /** By key: promises on the page, whether declared or not, and promises in force that the page omits. */
  readonly promises: ReadonlyMap<string, PromiseView>
  /** In force in the log, but not on the page. */
  readonly missing: readonly PromiseView[]
  readonly counts: Readonly<Record<PromiseStatus, number>>
  readonly withdrawn: readonly PromiseStanding[]
  readonly evidence: EvidenceSnapshot
  /** Unix milliseconds. */
  readonly generatedAt: number
}

/** Joins the page with the log. A sentence the log does not know is unproven, never kept. */
export function buildPageModel(page: SecurityPage, evidence: EvidenceSnapshot, now: number): PageModel {
  const standing = evidence.standings.filter((candidate) => candidate.withdrawnAt === null)
  const inForce = new Map(standing.map((candidate) => [candidate.claim.key, candidate]))
  const replacements = replacementsOf(evidence.entries)
  const views = page.promises.map((promise) => {
    const found = inForce.get(promise.key)
    if (!found) return undeclared(promise)
    return declared(found, evidence, replacements, found.claim.sentence !== promise.sentence)
  })
  const onPage = new Set(page.promises.map((promise) => promise.key))
  const missing = standing
    .filter((candidate) => !onPage.has(candidate.claim.key))
    .map((candidate) => declared(candidate, evidence, replacements, false))
  const all = [...views, ...missing]
  return {
    page,
    promises: new Map(all.map((view) => [view.key, view])),
    missing,
    counts: countStatuses(all),
    withdrawn: evidence.standings.filter((candidate) => candidate.withdrawnAt !== null),
    evidence,
    generatedAt: now,
  }
}

function undeclared(promise: SecurityPage['promises'][number]): PromiseView {
  return {
    ...{ key: promise.key, id: promise.id, params: promise.params, sentence: promise.sentence },
    ...{ status: 'unproven', reason: 'The evidence log does not have this promise yet.' },
    ...{ kind: null, checkedBy: 'self', observed: null, checkedAt: null, validUntil: null, probe: null },
    ...{ cannotProve: [], entryIndex: null, entry: null, proof: null, replaced: null, rewordedOnPage: false },
  }
}

function declared(
  standing: PromiseStanding,
  evidence: EvidenceSnapshot,
  replacements: ReadonlyMap<string, Replacement>,
  rewordedOnPage: boolean,
): PromiseView {
  const { claim, status, entryIndex: index } = standing
  const entry = index === null ? undefined : evidence.entries[index]
  return {
    ...{ key: claim.key, id: claim.id, params: claim.params, sentence: claim.sentence },
    ...{ status, reason: standing.reason, kind: claim.evidence, checkedBy: claim.checkedBy },
    observed: standing.observed,
    checkedAt: milliseconds(standing.checkedAt),
    validUntil: milliseconds(standing.validUntil),
    probe: claim.probe,
    cannotProve: claim.cannotProve,
    entryIndex: index,
    // Entries are canonical in the log, so their canonical bytes are the bytes that were logged.
    entry: entry ? toBase64(canonicalBytes(entry)) : null,
    proof: index === null ? null : (evidence.proofs.get(index) ?? null),
    replaced: replacements.get(claim.key) ?? null,
    rewordedOnPage,
  }
}

function milliseconds(time: string | null): number | null {
  return time === null ? null : Date.parse(time)
}

function countStatuses(views: readonly PromiseView[]): Record<PromiseStatus, number> {
  const counts = { kept: 0, broken: 0, unproven: 0 }
  for (const view of views) counts[view.status] += 1
  return counts
}

/** For each key now or once in force, the last claim it took the place of. */
export function replacementsOf(entries: readonly EvidenceEntry[]): Map<string, Replacement> {
  const sentences = new Map<string, string>()
  const replacements = new Map<string, Replacement>()
  for (const entry of entries) {
    if (entry.kind !== 'promise.declared' && entry.kind !== 'promise.changed') continue
    if (entry.kind === 'promise.changed') {
      const sentence = sentences.get(entry.previous) ?? ''
      const { direction, previous: key, at } = entry
      replacements.set(entry.promise.key, { direction, key, sentence, at: Date.parse(at) })
    }
    sentences.set(entry.promise.key, entry.promise.sentence)
  }
  return replacements
}
