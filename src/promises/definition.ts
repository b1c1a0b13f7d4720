import type { z } from 'zod'
import type { SuretyConfig } from '../declare/index.ts'
import type { Duration } from '../kernel/index.ts'
import type { EvidenceKind, Observed } from '../verify/index.ts'
import type { ProbeContext } from './probe-context.ts'

/** What a probe saw. */
export interface Measurement extends Observed {
  readonly outcome: 'kept' | 'broken' | 'undecided'
}

/** Something in the configuration that cannot keep the promise. */
export interface StaticFinding {
  /** The key of the configuration, such as `disclosure.contact`. */
  readonly key: string
  readonly problem: string
  readonly mend: string
}

/** How changed parameters compare with the ones before, from the visitor's side. */
export type Direction = 'weakened' | 'strengthened' | 'reworded'

/** Something that probes cannot use at the same time. */
export interface Lane {
  /** Probes that name the same lane never overlap. */
  readonly name: string
  /** What one of them would do to another. */
  readonly because: string
}

/** One promise of the catalogue. One file each: what it takes, needs, measures and cannot show. */
export interface PromiseDefinition<Params = unknown> {
  /** The id that `security.md` links to. */
  readonly id: string
  readonly evidence: EvidenceKind
  /** `outside`: `surety verify`, run by a stranger, checks the same again. */
  readonly checkedBy: 'self' | 'outside'
  /** Version of the probe: raised when it measures something else. */
  readonly version: number
  /** How long a result counts; it is measured again at half of it. */
  readonly cadence: Duration
  /** Most time one run may take before it counts as unanswered. Default `"5m"`. */
  readonly deadline?: Duration
  /**
   * Left out: whatever other probes do meanwhile does not change what this one finds, nor the reverse.
   * No probe overlaps with itself in any case.
   */
  readonly lane?: Lane
  /** About how long a run takes on a small system: the longest begin first. Default `"1s"`. */
  readonly takes?: Duration
  /** Parameters of the link, all texts; defaults included. */
  readonly parameters: z.ZodType<Params>
  /** Only where parameters can differ in strength. Default: `reworded`. */
  compare?(before: Params, after: Params): Direction
  /** What the configuration must show, without running anything. */
  check(config: SuretyConfig, params: Params): StaticFinding[]
  /** What this probe cannot show, for the visitor, as it stands. */
  cannotProve(config: SuretyConfig, params: Params): string[]
  /** Tries to break or to measure the outcome. Throwing counts as `undecided`. */
  probe(context: ProbeContext, params: Params): Promise<Measurement>
}

/** Fixes the parameter type of one definition. */
export function definePromise<Params>(definition: PromiseDefinition<Params>): PromiseDefinition<Params> {
  return Object.freeze(definition)
}

/** Said beside every promise, whatever its probe. */
export const RUN_BY_OPERATOR = "The probe is run by the operator's own system."
