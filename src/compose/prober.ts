import type { PromiseClaim, PromiseStanding } from '../verify/index.ts'
import type { EvidenceLog } from '../log/index.ts'
import type { Clock } from '../kernel/index.ts'
import { dueClaims, runProbe, type ProbeContext, type Measurement } from '../promises/index.ts'
import { lanesOf, runLanes } from './probe-lanes.ts'

/** Lanes of probes under way at once: most of a run is waiting, for the app and for the database. */
const LANES_AT_ONCE = 4

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
  /** Called as a probe goes on; several are under way at once. */
  readonly onProgress?: (progress: ProbeProgress) => void
  /** Called after each probe. */
  readonly onRun?: (run: ProbeRun) => void
}

/** How far a probe is, and how far all of them are together. */
export interface ProbeProgress {
  readonly key: string
  readonly done: number
  /** Null where it is not known. */
  readonly total: number | null
  readonly what: string
  /** Promises that have been measured, of all that are to be. */
  readonly measured: number
  readonly of: number
}

type ProbeLog = Pick<EvidenceLog, 'append' | 'entries' | 'standings' | 'flush'>
type MakeContext = (options: ProbeOptions, progress: ProbeContext['progress']) => Omit<ProbeContext, 'signal'>

/**
 * Measures promises in force, several at once but never two of one lane, and waits until the results are
 * published. The runs are in the order of the page.
 */
export async function probePromises(
  log: ProbeLog,
  clock: Clock,
  makeContext: MakeContext,
  options: ProbeOptions,
): Promise<ProbeRun[]> {
  const claims = await chosenClaims(log, clock, options)
  const runs = new Map<string, ProbeRun>()
  await runLanes(lanesOf(claims), LANES_AT_ONCE, async (claim) => {
    const { key, id } = claim
    const started = clock.monotonic()
    const context = makeContext(options, (done, total, what) =>
      options.onProgress?.({ key, done, total, what, measured: runs.size, of: claims.length }),
    )
    const measured = await runProbe(claim, context, log)
    const run = { ...measured, key, id, durationMs: Math.round(clock.monotonic() - started) }
    runs.set(key, run)
    options.onRun?.(run)
  })
  if (runs.size > 0) await log.flush()
  return claims.flatMap(({ key }) => runs.get(key) ?? [])
}

async function chosenClaims(
  log: ProbeLog,
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
