import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { EvidenceBody, EvidenceEntry, PromiseClaim } from './entry.ts'
import { createEvidence, deriveEvidence, deriveStandings } from './status.ts'
import type { PromiseStanding } from './status.ts'

const START = Date.parse('2026-11-22T00:00:00.000Z')
const HOUR = 3600
const iso = (seconds: number): string => new Date(START + seconds * 1000).toISOString()
const at = (seconds: number): number => START + seconds * 1000

function claim(change: Partial<PromiseClaim> = {}): PromiseClaim {
  return {
    key: 'a.promise',
    id: 'a.promise',
    params: {},
    sentence: 'We keep it.',
    evidence: 'measured',
    checkedBy: 'self',
    probe: 'a.promise@1',
    cadenceSeconds: HOUR,
    cannotProve: [],
    ...change,
  }
}

const entry = (seconds: number, body: EvidenceBody): EvidenceEntry =>
  ({ v: 1, id: crypto.randomUUID(), at: iso(seconds), ...body }) as EvidenceEntry
const declared = (seconds: number, change: Partial<PromiseClaim> = {}): EvidenceEntry =>
  entry(seconds, { kind: 'promise.declared', promise: claim(change) })
const changed = (
  seconds: number,
  change: Partial<PromiseClaim>,
  direction: 'weakened' | 'strengthened' | 'reworded' = 'weakened',
): EvidenceEntry =>
  entry(seconds, { kind: 'promise.changed', promise: claim(change), previous: 'a.promise', direction })
const withdrawn = (seconds: number): EvidenceEntry =>
  entry(seconds, { kind: 'promise.withdrawn', key: 'a.promise' })
const started = (
  seconds: number,
  run: string,
  deadline = seconds + 60,
  change: { key?: string; probe?: string } = {},
): EvidenceEntry =>
  entry(seconds, {
    kind: 'probe.started',
    key: 'a.promise',
    run,
    probe: 'a.promise@1',
    deadline: iso(deadline),
    ...change,
  })
const result = (
  seconds: number,
  run: string,
  outcome: 'kept' | 'broken' | 'undecided',
  change: { key?: string; probe?: string } = {},
): EvidenceEntry =>
  entry(seconds, {
    kind: 'probe.result',
    key: 'a.promise',
    run,
    probe: 'a.promise@1',
    outcome,
    observed: { summary: `${outcome} in ${run}`, values: {} },
    ...change,
  })

function standing(entries: EvidenceEntry[], seconds: number): PromiseStanding {
  return deriveStandings(entries, at(seconds))[0]!
}
const statusOf = (entries: EvidenceEntry[], seconds: number): string => standing(entries, seconds).status
const historyOf = (entries: EvidenceEntry[], seconds: number): [string, number, number | null][] =>
  standing(entries, seconds).history.map(({ status, from, until }) => [
    status,
    (Date.parse(from) - START) / 1000,
    until === null ? null : (Date.parse(until) - START) / 1000,
  ])

describe('a promise without a result', () => {
  test('is unproven from its declaration on', () => {
    const found = standing([declared(0)], 10)
    expect(found).toMatchObject({
      status: 'unproven',
      reason: 'not checked yet',
      declaredAt: iso(0),
      entryIndex: null,
    })
    expect(found.history).toEqual([
      { status: 'unproven', from: iso(0), until: null, reason: 'not checked yet' },
    ])
  })

  test('says so when no mechanism exists', () => {
    const found = standing([declared(0, { probe: null, cadenceSeconds: null })], 10)
    expect(found).toMatchObject({ status: 'unproven', reason: 'no mechanism checks this yet' })
  })
})

describe('a kept promise', () => {
  const kept = [declared(0), started(10, 'r1'), result(20, 'r1', 'kept')]

  test('rests on its result', () => {
    expect(standing(kept, 30)).toMatchObject({
      status: 'kept',
      observed: { summary: 'kept in r1' },
      checkedAt: iso(20),
      validUntil: iso(20 + HOUR),
      entryIndex: 2,
      withdrawnAt: null,
    })
  })

  test('is kept to the last moment of its cadence and unproven by itself after it', () => {
    expect(statusOf(kept, 20 + HOUR)).toBe('kept')
    const [expired] = deriveStandings(kept, at(20 + HOUR) + 1)
    expect(expired).toMatchObject({ status: 'unproven', entryIndex: null, checkedAt: iso(20) })
    expect(standing(kept, 20 + 3 * HOUR).reason).toBe('last checked 3 hours ago, its cadence is 1 hour')
  })

  test('shows an expiry between two results as a stretch of its own', () => {
    const again = [...kept, started(2 * HOUR, 'r2'), result(2 * HOUR + 5, 'r2', 'kept')]
    expect(historyOf(again, 2 * HOUR + 10)).toEqual([
      ['unproven', 0, 20],
      ['kept', 20, 20 + HOUR],
      ['unproven', 20 + HOUR, 2 * HOUR + 5],
      ['kept', 2 * HOUR + 5, null],
    ])
  })

  test('stays kept without a gap when it is checked in time', () => {
    const again = [...kept, started(HOUR, 'r2'), result(HOUR + 5, 'r2', 'kept')]
    expect(historyOf(again, 2 * HOUR)).toEqual([
      ['unproven', 0, 20],
      ['kept', 20, null],
    ])
  })
})

describe('a broken promise', () => {
  const broken = [declared(0), started(10, 'r1'), result(20, 'r1', 'broken')]

  test('stays broken past its cadence: a failure cannot be waited away', () => {
    expect(standing(broken, 1000 * HOUR)).toMatchObject({ status: 'broken', entryIndex: 2, validUntil: null })
  })

  test('stays broken when a later check does not decide or does not answer', () => {
    const undecided = [...broken, started(100, 'r2'), result(110, 'r2', 'undecided')]
    expect(standing(undecided, 120)).toMatchObject({
      status: 'broken',
      observed: { summary: 'broken in r1' },
      entryIndex: 2,
    })
    expect(standing([...broken, started(100, 'r2')], 1000)).toMatchObject({ status: 'broken', entryIndex: 2 })
  })

  test('is kept again only by a newer result that says so', () => {
    expect(statusOf([...broken, started(100, 'r2'), result(110, 'r2', 'kept')], 120)).toBe('kept')
  })
})

describe('a check without an answer', () => {
  const kept = [declared(0), started(10, 'r1'), result(20, 'r1', 'kept')]

  test('leaves the earlier standing until its deadline, and makes the promise unproven after it', () => {
    const open = [...kept, started(100, 'r2', 160)]
    expect(statusOf(open, 160)).toBe('kept')
    expect(statusOf(open, 161)).toBe('unproven')
    expect(historyOf(open, 200).at(-1)).toEqual(['unproven', 160, null])
  })

  test('cannot be covered by starting another one', () => {
    const hidden = [...kept, started(100, 'r2', 160), started(110, 'r3', 170), result(120, 'r3', 'kept')]
    expect(statusOf(hidden, 150)).toBe('kept')
    expect(statusOf(hidden, 161)).toBe('unproven')
  })

  test('counts when it answers late, and the gap stays in the history', () => {
    const late = [...kept, started(100, 'r2', 160), result(200, 'r2', 'kept')]
    expect(historyOf(late, 210).slice(-3)).toEqual([
      ['kept', 20, 160],
      ['unproven', 160, 200],
      ['kept', 200, null],
    ])
  })

  test('makes the promise unproven when it could not decide', () => {
    const undecided = [...kept, started(100, 'r2'), result(110, 'r2', 'undecided')]
    expect(standing(undecided, 120)).toMatchObject({
      status: 'unproven',
      entryIndex: null,
      checkedAt: iso(110),
    })
  })
})

describe('a changed or withdrawn promise', () => {
  const kept = [declared(0), started(10, 'r1'), result(20, 'r1', 'kept')]

  test('starts unproven under its new words, and the old key shows the weakening', () => {
    const [before, after] = deriveStandings([...kept, changed(100, { key: 'a.promise?within=2d' })], at(200))
    expect(before).toMatchObject({ status: 'unproven', withdrawnAt: iso(100), entryIndex: null })
    expect(before!.history.at(-1)).toMatchObject({
      from: iso(100),
      reason: 'weakened to a.promise?within=2d',
    })
    expect(after).toMatchObject({
      status: 'unproven',
      reason: 'not checked yet',
      declaredAt: iso(100),
      withdrawnAt: null,
    })
  })

  test('starts unproven when only its sentence changes', () => {
    const [only, ...others] = deriveStandings(
      [...kept, changed(100, { sentence: 'We always keep it.' }, 'reworded')],
      at(200),
    )
    expect(only).toMatchObject({
      status: 'unproven',
      claim: { sentence: 'We always keep it.' },
      declaredAt: iso(100),
    })
    expect(others).toEqual([])
  })

  test('a result of a run begun under the old words proves nothing for the new, and is nobody’s fault', () => {
    const overtaken = [
      declared(0),
      started(10, 'r1'),
      changed(15, { sentence: 'More.' }, 'reworded'),
      result(20, 'r1', 'kept'),
    ]
    const { standings, irregularities } = deriveEvidence(overtaken, at(30))
    expect(standings[0]!.status).toBe('unproven')
    expect(irregularities).toEqual([])
  })

  test('stays in the list after it is withdrawn, and comes back with its history', () => {
    expect(standing([...kept, withdrawn(100)], 200)).toMatchObject({
      status: 'unproven',
      reason: 'withdrawn',
      withdrawnAt: iso(100),
    })
    const back = [...kept, withdrawn(100), declared(300)]
    expect(historyOf(back, 400)).toEqual([
      ['unproven', 0, 20],
      ['kept', 20, 100],
      ['unproven', 100, 300],
      ['unproven', 300, null],
    ])
  })
})

describe('what an honest system does not write', () => {
  const base = [declared(0), started(10, 'r1')]
  const cases: [string, EvidenceEntry[]][] = [
    ['a result without a start', [declared(0), result(20, 'r9', 'kept')]],
    ['a result for an undeclared promise', [...base, result(20, 'r1', 'kept', { key: 'b.promise' })]],
    [
      'a result of another probe than the one started',
      [...base, result(20, 'r1', 'kept', { probe: 'a.easier@1' })],
    ],
    [
      'a start with a probe that the promise does not name',
      [declared(0), started(10, 'r1', 60, { probe: 'a.easier@1' })],
    ],
    ['a start for an undeclared promise', [declared(0), started(10, 'r1', 60, { key: 'b.promise' })]],
    ['a second declaration', [declared(0), declared(5, { cadenceSeconds: 99 * HOUR })]],
    ['a withdrawal of nothing', [declared(0), entry(5, { kind: 'promise.withdrawn', key: 'b.promise' })]],
  ]

  test.each(cases)('%s is listed and proves nothing', (_, entries) => {
    const { standings, irregularities } = deriveEvidence(entries, at(30))
    expect(irregularities).toHaveLength(1)
    expect(standings[0]).toMatchObject({
      status: 'unproven',
      entryIndex: null,
      claim: { cadenceSeconds: HOUR },
    })
  })

  test('a second result for a run does not replace the first', () => {
    const twice = [...base, result(20, 'r1', 'broken'), result(30, 'r1', 'kept')]
    const { standings, irregularities } = deriveEvidence(twice, at(40))
    expect(standings[0]!.status).toBe('broken')
    expect(irregularities).toEqual([{ index: 3, message: 'a check has a second result' }])
  })

  test('a run id used twice does not count twice', () => {
    const twice = [...base, result(20, 'r1', 'kept'), started(30, 'r1'), result(40, 'r1', 'broken')]
    expect(deriveEvidence(twice, at(50)).irregularities).toHaveLength(2)
  })
})

test('whatever the log says, histories have no holes, end open, and kept never outlives its cadence', () => {
  const step = fc.record({
    gap: fc.integer({ min: 0, max: 2 * HOUR }),
    what: fc.constantFrom('start', 'kept', 'broken', 'undecided', 'change', 'withdraw', 'declare'),
    run: fc.integer({ min: 0, max: 5 }),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), fc.integer({ min: 0, max: 3 * HOUR }), (steps, rest) => {
      let now = 0
      const entries = [declared(0)]
      for (const { gap, what, run } of steps) {
        now += gap
        if (what === 'start') entries.push(started(now, `r${run}`, now + 600))
        else if (what === 'change') entries.push(changed(now, { sentence: `${now}` }, 'reworded'))
        else if (what === 'withdraw') entries.push(withdrawn(now))
        else if (what === 'declare') entries.push(declared(now))
        else entries.push(result(now, `r${run}`, what))
      }
      now += rest
      const found = standing(entries, now)
      expect(found.history.at(-1)).toMatchObject({ status: found.status, until: null })
      for (const [i, interval] of found.history.slice(0, -1).entries()) {
        expect(interval.until).toBe(found.history[i + 1]!.from)
        expect(interval.from <= interval.until!).toBe(true)
      }
      if (found.status === 'kept') expect(Date.parse(found.validUntil!)).toBeGreaterThanOrEqual(at(now))
      expect(found.entryIndex === null).toBe(found.status === 'unproven')

      // Read in two parts, and asked for other moments between: the same.
      const evidence = createEvidence()
      const middle = Math.floor(entries.length / 2)
      const irregular = evidence.read(entries.slice(0, middle))
      evidence.standingsAt(at(now + HOUR))
      irregular.push(...evidence.read(entries.slice(middle)))
      evidence.standingsAt(at(now + 2 * HOUR))
      expect(evidence.standingsAt(at(now))[0]).toEqual(found)
      expect(irregular).toEqual(deriveEvidence(entries, at(now)).irregularities)
    }),
    { numRuns: 300 },
  )
})

test('whatever else the log says, broken ends only by a kept result of a check begun after it', () => {
  const step = fc.record({
    what: fc.constantFrom('start', 'kept', 'broken', 'undecided', 'change', 'withdraw', 'declare', 'wait'),
    run: fc.integer({ min: 0, max: 9 }),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const entries = [declared(0)]
      let failed: number | null = null
      for (const [i, { what, run }] of steps.entries()) {
        const now = (i + 1) * HOUR
        if (what === 'start') entries.push(started(now, `r${run}`, now + 600))
        else if (what === 'change') entries.push(changed(now, { sentence: `${now}` }, 'reworded'))
        else if (what === 'withdraw') entries.push(withdrawn(now))
        else if (what === 'declare') entries.push(declared(now))
        else if (what !== 'wait') entries.push(result(now, `r${run}`, what))
        const found = standing(entries, now)
        if (found.withdrawnAt !== null) continue
        if (failed !== null && found.status !== 'broken') {
          const answer = entries.at(-1)!
          expect(answer).toMatchObject({ kind: 'probe.result', outcome: 'kept' })
          const begun = entries.findIndex(
            (other) => other.kind === 'probe.started' && other.run === `r${run}`,
          )
          expect(begun).toBeGreaterThan(failed)
        }
        failed = found.status === 'broken' ? found.entryIndex : null
      }
    }),
    { numRuns: 500 },
  )
})
