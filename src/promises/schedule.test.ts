import { describe, expect, test } from 'vitest'
import { createId, manualClock } from '../kernel/index.ts'
import type { EvidenceBody, EvidenceEntry, PromiseClaim } from '../verify/index.ts'
import { dueClaims } from './index.ts'

const START = Date.UTC(2026, 0, 1)
const claim: PromiseClaim = {
  key: 'guard.headers',
  id: 'guard.headers',
  params: {},
  sentence: 'Headers.',
  evidence: 'measured',
  checkedBy: 'self',
  probe: 'guard.headers@1',
  cadenceSeconds: 3_600,
  cannotProve: [],
}
const about = { key: claim.key, run: 'b7c1d5f0-0000-4000-8000-000000000000', probe: 'guard.headers@1' }
const declared: EvidenceBody = { kind: 'promise.declared', promise: claim }
const started: EvidenceBody = {
  kind: 'probe.started',
  ...about,
  deadline: new Date(START + 60_000).toISOString(),
}
const result = (outcome: 'kept' | 'broken' | 'undecided'): EvidenceBody => ({
  kind: 'probe.result',
  ...about,
  outcome,
  observed: { summary: '', values: {} },
})

function isDue(bodies: readonly EvidenceBody[], afterMs: number, claims = [claim]): boolean {
  const clock = manualClock(START)
  const entries = bodies.map((body): EvidenceEntry => ({
    v: 1,
    id: createId(clock),
    at: new Date(START).toISOString(),
    ...body,
  }))
  clock.advance(afterMs)
  return dueClaims(claims, entries, clock).length > 0
}

describe('dueClaims', () => {
  test('measures at once what was never measured', () => {
    expect(isDue([declared], 0)).toBe(true)
  })

  test('measures again at half the cadence, kept or broken', () => {
    for (const outcome of ['kept', 'broken'] as const) {
      expect(isDue([declared, started, result(outcome)], 1_800_000 - 1)).toBe(false)
      expect(isDue([declared, started, result(outcome)], 1_800_000)).toBe(true)
    }
  })

  test('tries again a minute after a run that could not answer or never did', () => {
    for (const entries of [
      [declared, started],
      [declared, started, result('undecided')],
    ]) {
      expect(isDue(entries, 59_999)).toBe(false)
      expect(isDue(entries, 60_000)).toBe(true)
    }
  })

  test('measures at once when the clock was set back behind the last answer', () => {
    expect(isDue([declared, started, result('kept')], -60_000)).toBe(false)
    expect(isDue([declared, started, result('kept')], -60_001)).toBe(true)
  })

  test('measures a changed claim at once', () => {
    const changed: EvidenceBody = {
      kind: 'promise.changed',
      promise: claim,
      previous: claim.key,
      direction: 'reworded',
    }
    expect(isDue([declared, started, result('kept'), changed], 0)).toBe(true)
  })

  test('never measures what has no probe', () => {
    expect(isDue([declared], 1e12, [{ ...claim, probe: null, cadenceSeconds: null }])).toBe(false)
  })
})
