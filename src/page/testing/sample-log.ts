import { createId, manualClock } from '../../kernel/index.ts'
import { deriveStandings } from '../../verify/index.ts'
import type { EvidenceBody, EvidenceEntry, Observed, ProbeResult, PromiseClaim } from '../../verify/index.ts'
import type { EvidenceSnapshot, WitnessView } from '../evidence.ts'

/** Evidence for tests of the page: entries at chosen times, standings derived as in earnest, no signatures. */
export class SampleLog {
  readonly clock = manualClock(Date.UTC(2026, 10, 22))
  readonly entries: EvidenceEntry[] = []
  #runs = 0

  append(body: EvidenceBody): this {
    this.entries.push({
      ...body,
      v: 1,
      id: createId(this.clock),
      at: new Date(this.clock.now()).toISOString(),
    })
    return this
  }

  declare(claim: PromiseClaim): this {
    return this.append({ kind: 'promise.declared', promise: claim })
  }

  /** Starts a probe and ends it at once. */
  probe(
    key: string,
    outcome: ProbeResult['outcome'],
    summary = `it was ${outcome}`,
    values: Observed['values'] = { rowsChecked: 1204, leaked: false },
  ): this {
    const run = `00000000-0000-4000-8000-${String(this.#runs++).padStart(12, '0')}`
    const deadline = new Date(this.clock.now() + 60_000).toISOString()
    this.append({ kind: 'probe.started', key, run, probe: 'p@1', deadline })
    return this.append({
      kind: 'probe.result',
      key,
      run,
      probe: 'p@1',
      outcome,
      observed: { summary, values },
    })
  }

  wait(ms: number): this {
    this.clock.advance(ms)
    return this
  }

  snapshot(witnesses: readonly WitnessView[] = []): EvidenceSnapshot {
    const standings = deriveStandings(this.entries, this.clock.now())
    const proven = standings.flatMap((standing) => standing.entryIndex ?? [])
    return {
      checkpoint: `sample/evidence\n${this.entries.length}\n`,
      size: this.entries.length,
      rootHash: 'cm9vdA==',
      witnesses,
      entries: this.entries,
      standings,
      proofs: new Map(proven.map((index) => [index, `proof of ${index}`])),
    }
  }
}

/** A measured claim that counts for an hour. */
export function claim(key: string, sentence: string, more: Partial<PromiseClaim> = {}): PromiseClaim {
  return {
    key,
    id: key.split('?')[0]!,
    params: {},
    sentence,
    evidence: 'measured',
    checkedBy: 'self',
    probe: 'p@1',
    cadenceSeconds: 3_600,
    cannotProve: ['run by the operator’s own system'],
    ...more,
  }
}
