import { trace } from '@opentelemetry/api'
import { createPseudonym, parseDuration, SuretyError } from '../kernel/index.ts'
import type { EvidenceBody, PromiseClaim } from '../verify/index.ts'
import { parseParameters } from './claims.ts'
import { catalogue } from './catalogue.ts'
import type { Measurement, PromiseDefinition } from './definition.ts'
import { PromiseError } from './errors.ts'
import type { ProbeContext } from './probe-context.ts'

const tracer = trace.getTracer('surety.promises')
const DEFAULT_DEADLINE = '5m'

/** Where starts and results go; each resolves once the entry cannot be lost. */
export interface EvidenceSink {
  append(bodies: readonly EvidenceBody[]): Promise<unknown>
}

/**
 * Measures one promise: the start is in the log before anything runs, so that a run whose result is
 * held back shows. A probe that throws or overruns its deadline gives `undecided`, never nothing.
 */
export async function runProbe(
  claim: PromiseClaim,
  context: Omit<ProbeContext, 'signal'>,
  log: EvidenceSink,
): Promise<Measurement> {
  const definition = catalogue.get(claim.id)
  if (!definition || !claim.probe) {
    throw new PromiseError('ERR_PROMISE_UNKNOWN', `nothing measures ${claim.key} yet`)
  }
  const deadlineMs = parseDuration(definition.deadline ?? DEFAULT_DEADLINE)
  const deadline = new Date(context.clock.now() + deadlineMs).toISOString()
  const about = { key: claim.key, run: createPseudonym(), probe: claim.probe }
  await log.append([{ kind: 'probe.started', ...about, deadline }])
  const { outcome, summary, values } = await tracer.startActiveSpan('promise.probe', async (span) => {
    const measured = await measure(definition, claim, context, deadlineMs)
    span.setAttributes({ 'surety.promise': claim.id, 'surety.outcome': measured.outcome }).end()
    return measured
  })
  await log.append([{ kind: 'probe.result', ...about, outcome, observed: { summary, values } }])
  return { outcome, summary, values }
}

async function measure(
  definition: PromiseDefinition,
  claim: PromiseClaim,
  context: Omit<ProbeContext, 'signal'>,
  deadlineMs: number,
): Promise<Measurement> {
  const stop = new AbortController()
  const overrun = Promise.withResolvers<Measurement>()
  const timer = setTimeout(() => {
    stop.abort()
    overrun.resolve(undecided(`The probe did not answer within ${deadlineMs / 1_000} seconds.`))
  }, deadlineMs)
  try {
    const params = parseParameters(definition, claim)
    return await Promise.race([
      definition.probe({ ...context, signal: stop.signal }, params),
      overrun.promise,
    ])
  } catch (error) {
    // Only a code is published: a message of another library could hold a person's data.
    return undecided(
      `The probe could not run to its end (${error instanceof SuretyError ? error.code : 'an unexpected error'}).`,
    )
  } finally {
    clearTimeout(timer)
  }
}

function undecided(summary: string): Measurement {
  return { outcome: 'undecided', summary, values: {} }
}
