import { toBase64 } from '../kernel/index.ts'
import type { SuretyError } from '../kernel/index.ts'
import { VerifyError } from './errors.ts'
import { LIMITS } from './limits.ts'
import { formatVerifierKey } from './note.ts'
import type { VerifierKey } from './note.ts'
import type { SignedCheckpoint } from './read-log.ts'
import { countStandings, STEPS } from './report.ts'
import type { Problem, StepId, StepReport, VerificationReport } from './report.ts'
import type { VerifierState } from './state.ts'
import type { PromiseStanding } from './status.ts'
import type { WitnessReport } from './witnesses.ts'

/** Gathers a {@link VerificationReport} while the steps run. */
export interface Reporter {
  begin(step: StepId): void
  /** Ends the step under way. */
  pass(detail: string): void
  /** Ends the step under way as not needed. */
  skip(detail: string): void
  /** Ends the verification: the evidence is invalid, or the verification could not run on. */
  fail(error: SuretyError): void
  invalid(error: SuretyError): void
  irregular(message: string): void
  note(message: string): void
  useKey(key: VerifierKey, from: NonNullable<VerificationReport['keySource']>): void
  see(checkpoint: SignedCheckpoint): void
  witnessedBy(witnesses: readonly WitnessReport[]): void
  stand(standings: readonly PromiseStanding[]): void
  remember(state: VerifierState | null): void
  hasInvalid(): boolean
  report(): VerificationReport
}

export function createReporter(url: string): Reporter {
  return new ReportBuilder(url)
}

class ReportBuilder implements Reporter {
  readonly #url: string
  readonly #steps = new Map<StepId, StepReport>()
  readonly #problems: Problem[] = []
  readonly #notes: string[] = []
  #step: StepId = 'key'
  #failure: VerificationReport['failure'] = null
  #key: VerifierKey | null = null
  #keySource: VerificationReport['keySource'] = null
  #checkpoint: SignedCheckpoint | null = null
  #witnesses: readonly WitnessReport[] = []
  #standings: readonly PromiseStanding[] = []
  #state: VerifierState | null = null
  #firstSeen = true

  constructor(url: string) {
    this.#url = url
  }

  begin(step: StepId): void {
    this.#step = step
  }

  pass(detail: string): void {
    this.#end('passed', detail)
  }

  skip(detail: string): void {
    this.#end('skipped', detail)
  }

  fail(error: SuretyError): void {
    const refutes: boolean = error instanceof VerifyError
    if (refutes) return this.invalid(error)
    this.#failure = error.toJSON()
    this.#end('failed', error.message)
  }

  invalid(error: SuretyError): void {
    this.#problems.push({ severity: 'invalid', ...error.toJSON() })
    this.#end('failed', error.message)
  }

  irregular(message: string): void {
    const error = new VerifyError('ERR_VERIFY_IRREGULAR', message)
    this.#problems.push({ severity: 'irregular', ...error.toJSON() })
  }

  note(message: string): void {
    this.#notes.push(message)
  }

  useKey(key: VerifierKey, from: NonNullable<VerificationReport['keySource']>): void {
    this.#key = key
    this.#keySource = from
    this.#end('passed', `${key.name}, ${from}`)
  }

  see(checkpoint: SignedCheckpoint): void {
    this.#checkpoint = checkpoint
  }

  witnessedBy(witnesses: readonly WitnessReport[]): void {
    this.#witnesses = witnesses
  }

  stand(standings: readonly PromiseStanding[]): void {
    this.#standings = standings
  }

  remember(state: VerifierState | null): void {
    if (this.#step === 'key') this.#firstSeen = state === null
    this.#state = state
  }

  hasInvalid(): boolean {
    return this.#problems.some((problem) => problem.severity === 'invalid')
  }

  report(): VerificationReport {
    const bySeverity = this.#problems.toSorted(
      (a, b) => Number(a.severity > b.severity) - Number(a.severity < b.severity),
    )
    const checkpoint = this.#checkpoint
    return {
      schema: 1,
      url: this.#url,
      origin: this.#key?.name ?? null,
      vkey: this.#key && formatVerifierKey(this.#key),
      keySource: this.#keySource,
      valid: this.#failure === null && !this.hasInvalid(),
      problems: bySeverity.slice(0, LIMITS.maxProblems),
      furtherProblems: Math.max(0, bySeverity.length - LIMITS.maxProblems),
      notes: listed(this.#notes),
      failure: this.#failure,
      steps: (Object.keys(STEPS) as StepId[]).map((id) => this.#steps.get(id) ?? skipped(id)),
      checkpoint: checkpoint && {
        size: checkpoint.size,
        rootHash: toBase64(checkpoint.rootHash),
        note: checkpoint.note,
      },
      witnesses: this.#witnesses,
      firstSeen: this.#firstSeen,
      standings: this.#standings,
      counts: countStandings(this.#standings),
      state: this.#state,
    }
  }

  #end(outcome: StepReport['outcome'], detail: string): void {
    const step = this.#steps.get(this.#step)
    if (step?.outcome === 'failed') return
    this.#steps.set(this.#step, { id: this.#step, ...STEPS[this.#step], outcome, detail })
  }
}

function listed(notes: readonly string[]): string[] {
  if (notes.length <= LIMITS.maxNotes) return [...notes]
  return [...notes.slice(0, LIMITS.maxNotes - 1), `… and ${notes.length - LIMITS.maxNotes + 1} more`]
}

function skipped(id: StepId): StepReport {
  return { id, ...STEPS[id], outcome: 'skipped', detail: 'not reached' }
}
