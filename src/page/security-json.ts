import type { EvidenceKind, Observed, PromiseStatus } from '../verify/index.ts'
import type { Site } from './evidence.ts'
import type { PageModel, PromiseView } from './model.ts'

/** One promise in `/security.json`. */
export interface PromiseJson {
  readonly key: string
  readonly id: string
  readonly sentence: string
  readonly params: Readonly<Record<string, string>>
  readonly kind: EvidenceKind
  readonly checkedBy: 'self' | 'outside'
  readonly status: PromiseStatus
  readonly observed: Observed
  readonly checkedAt: string | null
  readonly validUntil: string | null
  readonly probe: string | null
  readonly cannotProve: readonly string[]
  readonly entry: string | null
  readonly proof: string | null
}

/** `/security.json`, format 1. */
export interface SecurityJson {
  readonly schema: 1
  readonly name: string
  readonly origin: string
  readonly generatedAt: string
  /** The signed checkpoint that entries and proofs belong to, as its text; null before the first one. */
  readonly checkpoint: string | null
  /** True when at least one of the configured witnesses has cosigned the checkpoint. */
  readonly witnessed: boolean
  /** Those that have. */
  readonly witnesses: readonly { readonly name: string; readonly vkey: string; readonly cosignedAt: string }[]
  readonly promises: readonly PromiseJson[]
}

/**
 * The machine-readable page. It lists the promises in force in the log; a sentence that the log does
 * not have yet has no kind and is left to the page for people.
 */
export function securityJson(model: PageModel, site: Site): SecurityJson {
  const witnesses = model.evidence.witnesses.flatMap(({ name, vkey, cosignedAt }) =>
    cosignedAt === null ? [] : [{ name, vkey, cosignedAt: new Date(cosignedAt).toISOString() }],
  )
  return {
    schema: 1,
    name: site.name,
    origin: site.origin,
    generatedAt: new Date(model.generatedAt).toISOString(),
    checkpoint: model.evidence.checkpoint,
    witnessed: witnesses.length > 0,
    witnesses,
    promises: [...model.promises.values()].flatMap((view) =>
      view.kind === null ? [] : [promiseJson(view, view.kind)],
    ),
  }
}

function promiseJson(view: PromiseView, kind: EvidenceKind): PromiseJson {
  return {
    key: view.key,
    id: view.id,
    sentence: view.sentence,
    params: view.params,
    kind,
    checkedBy: view.checkedBy,
    status: view.status,
    observed: view.observed ?? { summary: view.reason, values: {} },
    checkedAt: time(view.checkedAt),
    validUntil: time(view.validUntil),
    probe: view.probe,
    cannotProve: view.cannotProve,
    entry: view.entry,
    proof: view.proof,
  }
}

function time(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString()
}
