import type { PromiseClaim, PromiseStanding } from '../verify/index.ts'
import type { EvidenceLog } from '../log/index.ts'
import type { Clock } from '../kernel/index.ts'
import { dueClaims, runProbe, type ProbeContext, type Measurement } from '../promises/index.ts'

/** One measured promise. */
export interface ProbeRun extends Measurement {
  readonly key: string
  readonly id: string
  /** How long it took, in milliseconds. */
  readonly durationMs: number
}

export interface ProbeOptions {
  /** Address of the running app; null where none runs. */
  readonly site: string | null
  /** Keys or ids to measure; default all that have a probe. */
  readonly only?: readonly string[]
  /** True: only what is due by its cadence. Default false. */
  readonly due?: boolean
  /** Called as a probe goes on. */
  readonly onProgress?: (progress: { key: string; done: number; total: number | null; what: string }) => void
  /** Called after each probe. */
  readonly onRun?: (run: ProbeRun) => void
}

type MakeContext = (options: ProbeOptions, progress: ProbeContext['progress']) => Omit<ProbeContext, 'signal'>

/** Measures promises in force, one after the other, and waits until the results are published. */
export async function probePromises(
  log: EvidenceLog,
  clock: Clock,
  makeContext: MakeContext,
  options: ProbeOptions,
): Promise<ProbeRun[]> {
  const runs: ProbeRun[] = []
  for (const claim of await chosenClaims(log, clock, options)) {
    const started = clock.monotonic()
    const context = makeContext(options, (done, total, what) =>
      options.onProgress?.({ key: claim.key, done, total, what }),
    )
    const measured = await runProbe(claim, context, log)
    const run = {
      ...measured,
      key: claim.key,
      id: claim.id,
      durationMs: Math.round(clock.monotonic() - started),
    }
    runs.push(run)
    options.onRun?.(run)
  }
  if (runs.length > 0) await log.flush()
  return runs
}

async function chosenClaims(
  log: EvidenceLog,
  clock: Clock,
  { only, due }: ProbeOptions,
): Promise<PromiseClaim[]> {
  const claims = claimsInForce(await log.standings(clock.now())).filter(({ probe }) => probe !== null)
  const wanted = only ? claims.filter(({ key, id }) => only.includes(key) || only.includes(id)) : claims
  return due ? dueClaims(wanted, await log.entries(), clock) : wanted
}

/** Claims that are declared and not withdrawn. */
export function claimsInForce(standings: readonly PromiseStanding[]): PromiseClaim[] {
  return standings.filter(({ withdrawnAt }) => withdrawnAt === null).map(({ claim }) => claim)
}
