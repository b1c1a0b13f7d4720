import type { PromiseStanding, PromiseStatus } from './status.ts'
import type { VerifierState } from './state.ts'
import type { WitnessReport } from './witnesses.ts'

/** The steps of a verification, in order, each with the clause it follows. */
export const STEPS = {
  key: { title: 'Read the verifier key', clause: 'C2SP signed-note, "Verifier keys"' },
  checkpoint: {
    title: 'Check signature and origin of the checkpoint',
    clause: 'C2SP signed-note, "Signatures"; C2SP tlog-checkpoint, "Note text"',
  },
  rollback: { title: 'Compare with the checkpoint seen last', clause: 'C2SP tlog-checkpoint, "Signatures"' },
  entries: {
    title: 'Read every entry and rebuild the root',
    clause: 'C2SP tlog-tiles, "Log entries"; RFC 9162 §2.1.1',
  },
  consistency: { title: 'Check that the log only grew', clause: 'RFC 9162 §2.1.4' },
  meaning: { title: 'Read what the entries say', clause: 'RFC 8785 §3.2; evidence entry format 1' },
  witness: {
    title: 'Hold the log against what witnesses have cosigned',
    clause: 'C2SP tlog-cosignature, "Format"',
  },
  status: { title: 'Derive the status of every promise', clause: 'evidence entry format 1' },
  audit: {
    title: 'Hold the audit log against what was recorded of it',
    clause: 'RFC 9162 §2.1.4; C2SP tlog-tiles, "Merkle Tree"',
  },
  page: { title: 'Hold the page against the log', clause: 'C2SP tlog-proof, "Verifying a tlog proof"' },
} as const

export type StepId = keyof typeof STEPS

export interface StepReport {
  readonly id: StepId
  readonly title: string
  readonly clause: string
  readonly outcome: 'passed' | 'failed' | 'skipped'
  /** What was looked at, for a person. */
  readonly detail: string
}

/** Something found wrong. `invalid` refutes the evidence; `irregular` counts for nothing and does not. */
export interface Problem {
  readonly severity: 'invalid' | 'irregular'
  readonly code: string
  readonly message: string
  readonly mend: string
}

/** What a verification found out; plain data. */
export interface VerificationReport {
  readonly schema: 1
  readonly url: string
  readonly origin: string | null
  readonly vkey: string | null
  /** Where the key came from: only `pinned` and `remembered` keys are independent of the site. */
  readonly keySource: 'pinned' | 'remembered' | 'served' | null
  /** The whole verification ran and nothing refutes the evidence. */
  readonly valid: boolean
  readonly problems: readonly Problem[]
  /** Problems beyond those listed. */
  readonly furtherProblems: number
  /** Worth knowing, refuting nothing. */
  readonly notes: readonly string[]
  /** Why the verification could not run to its end; null when it did. */
  readonly failure: { readonly code: string; readonly message: string; readonly mend: string } | null
  readonly steps: readonly StepReport[]
  readonly checkpoint: { readonly size: number; readonly rootHash: string; readonly note: string } | null
  /** The witnesses that were asked for and have cosigned this log. */
  readonly witnesses: readonly WitnessReport[]
  /** No state was given: nothing could be compared with an earlier visit. */
  readonly firstSeen: boolean
  readonly standings: readonly PromiseStanding[]
  /** Promises in force, by status. */
  readonly counts: Readonly<Record<PromiseStatus, number>>
  /** What to remember for the next time: the new state of a valid log, else the one that was given. */
  readonly state: VerifierState | null
}

/**
 * Exit code: 3 the evidence is invalid, 2 could not run, 1 something is broken (with `strict`: or
 * unproven), 0 otherwise. The first that fits.
 */
export function exitCodeOf(report: VerificationReport, options: { strict?: boolean } = {}): 0 | 1 | 2 | 3 {
  if (report.problems.some((problem) => problem.severity === 'invalid')) return 3
  if (report.failure !== null) return 2
  const { broken, unproven } = report.counts
  return broken > 0 || (options.strict === true && unproven > 0) ? 1 : 0
}

/** Counts the promises in force by status. */
export function countStandings(standings: readonly PromiseStanding[]): Record<PromiseStatus, number> {
  const counts = { kept: 0, broken: 0, unproven: 0 }
  for (const { status, withdrawnAt } of standings) {
    if (withdrawnAt === null) counts[status] += 1
  }
  return counts
}
