import { describe, expect, it } from 'vitest'
import { canonicalJson, fromBase64, fromUtf8 } from '../kernel/index.ts'
import { buildHistory, historyJson } from './history.ts'
import { buildPageModel } from './model.ts'
import type { PageModel } from './model.ts'
import { parseSecurityPage } from './parse-security-page.ts'
import { securityJson } from './security-json.ts'
import { claim, SampleLog } from './testing/sample-log.ts'

const SITE = { name: 'Codetime', origin: 'codetime.example', url: 'https://codetime.example', vkey: 'v' }
const HOUR = 3_600_000

const modelOf = (log: SampleLog, source: string): PageModel =>
  buildPageModel(parseSecurityPage(source), log.snapshot(), log.clock.now())

const PAGE = '[We encrypt](promise:encryption.rest).'
const declared = (): SampleLog => new SampleLog().declare(claim('encryption.rest', 'We encrypt'))

describe('a promise on the page', () => {
  it('is kept with entry and proof while its newest result is fresh', () => {
    const log = declared()
      .probe('encryption.rest', 'kept')
      .wait(HOUR - 1)
    const view = modelOf(log, PAGE).promises.get('encryption.rest')!
    expect(view).toMatchObject({ status: 'kept', kind: 'measured', entryIndex: 2, proof: 'proof of 2' })
    expect(fromUtf8(fromBase64(view.entry!)!)).toBe(canonicalJson(log.entries[2]))
    expect(view.validUntil! - view.checkedAt!).toBe(HOUR)
  })

  it('turns unproven past its cadence, and then shows no entry as proof', () => {
    const log = declared()
      .probe('encryption.rest', 'kept')
      .wait(HOUR + 1)
    const view = modelOf(log, PAGE).promises.get('encryption.rest')!
    expect(view).toMatchObject({ status: 'unproven', entry: null, proof: null, entryIndex: null })
    expect(view.observed?.summary).toBe('it was kept')
  })

  it('is broken with the entry that says so, also past its cadence', () => {
    const log = declared()
      .probe('encryption.rest', 'broken')
      .wait(5 * HOUR)
    expect(modelOf(log, PAGE).promises.get('encryption.rest')).toMatchObject({
      status: 'broken',
      entryIndex: 2,
    })
  })

  it('is unproven before its first check', () => {
    expect(modelOf(declared(), PAGE).promises.get('encryption.rest')).toMatchObject({
      status: 'unproven',
      observed: null,
      checkedAt: null,
    })
  })

  it('is unproven when the log does not have it, whatever else the log says', () => {
    const log = new SampleLog().declare(claim('other.thing', 'x')).probe('other.thing', 'kept')
    expect(modelOf(log, PAGE).promises.get('encryption.rest')).toMatchObject({
      status: 'unproven',
      kind: null,
    })
  })

  it('is unproven when the log has it with other parameters', () => {
    const log = new SampleLog()
      .declare(claim('erasure.production?within=48h', 'Within 48 hours'))
      .probe('erasure.production?within=48h', 'kept')
    const model = modelOf(log, '[Within 24 hours](promise:erasure.production?within=24h)')
    expect(model.promises.get('erasure.production?within=24h')).toMatchObject({
      status: 'unproven',
      kind: null,
    })
    expect(model.missing.map((view) => view.key)).toEqual(['erasure.production?within=48h'])
  })

  it('says so when the page words it differently from the log', () => {
    const log = new SampleLog().declare(claim('encryption.rest', 'We encrypt most things'))
    expect(modelOf(log, PAGE).promises.get('encryption.rest')?.rewordedOnPage).toBe(true)
  })

  it('shows what it replaced when it was weakened', () => {
    const log = new SampleLog().declare(claim('erasure.production?within=24h', 'Within 24 hours')).append({
      kind: 'promise.changed',
      promise: claim('erasure.production?within=48h', 'Within 48 hours'),
      previous: 'erasure.production?within=24h',
      direction: 'weakened',
    })
    const model = modelOf(log, '[Within 48 hours](promise:erasure.production?within=48h)')
    expect(model.promises.get('erasure.production?within=48h')?.replaced).toMatchObject({
      direction: 'weakened',
      sentence: 'Within 24 hours',
    })
    expect(model.withdrawn.map((standing) => standing.claim.key)).toEqual(['erasure.production?within=24h'])
  })
})

describe('the counts', () => {
  it('take every promise once, those the page leaves out included', () => {
    const log = declared()
      .declare(claim('a.b', 'b'))
      .declare(claim('a.c', 'c'))
      .probe('encryption.rest', 'kept')
      .probe('a.b', 'broken')
    expect(modelOf(log, `${PAGE} [x](promise:x.y)`).counts).toEqual({ kept: 1, broken: 1, unproven: 2 })
  })

  it('leave out withdrawn promises', () => {
    const log = declared().append({ kind: 'promise.withdrawn', key: 'encryption.rest' })
    const model = modelOf(log, '')
    expect(model.counts).toEqual({ kept: 0, broken: 0, unproven: 0 })
    expect(model.withdrawn).toHaveLength(1)
  })
})

describe('/security.json', () => {
  it('has exactly the members of format 1', () => {
    const log = declared().probe('encryption.rest', 'kept')
    const json = securityJson(modelOf(log, PAGE), SITE)
    expect(Object.keys(json)).toEqual([
      'schema',
      'name',
      'origin',
      'generatedAt',
      'checkpoint',
      'witnessed',
      'witnesses',
      'promises',
    ])
    expect(json.promises).toEqual([
      {
        key: 'encryption.rest',
        id: 'encryption.rest',
        sentence: 'We encrypt',
        params: {},
        kind: 'measured',
        checkedBy: 'self',
        status: 'kept',
        observed: { summary: 'it was kept', values: { rowsChecked: 1204, leaked: false } },
        checkedAt: '2026-11-22T00:00:00.000Z',
        validUntil: '2026-11-22T01:00:00.000Z',
        probe: 'p@1',
        cannotProve: ['run by the operator’s own system'],
        entry: expect.any(String),
        proof: 'proof of 2',
      },
    ])
  })

  it('lists promises in force that the page leaves out, and none that the log does not have', () => {
    const json = securityJson(modelOf(declared(), '[x](promise:x.y)'), SITE)
    expect(json.promises.map((promise) => promise.key)).toEqual(['encryption.rest'])
    expect(json.promises[0]?.observed.summary).not.toBe('')
  })

  it('is empty before anything is declared', () => {
    expect(securityJson(modelOf(new SampleLog(), ''), SITE).promises).toEqual([])
  })
})

describe('the history', () => {
  const log = new SampleLog()
    .declare(claim('erasure.production?within=24h', 'Within 24 hours'))
    .probe('erasure.production?within=24h', 'kept')
    .wait(HOUR * 3)
    .append({
      kind: 'promise.changed',
      promise: claim('erasure.production?within=48h', 'Within 48 hours'),
      previous: 'erasure.production?within=24h',
      direction: 'weakened',
    })
    .declare(claim('a.b', 'gone'))
    .append({ kind: 'promise.withdrawn', key: 'a.b' })

  it('keeps weakened and withdrawn promises, with what took their place', () => {
    const [old, gone, current] = [
      'erasure.production?within=24h',
      'a.b',
      'erasure.production?within=48h',
    ].map((key) => buildHistory(log.snapshot()).find((history) => history.key === key))
    expect(old).toMatchObject({
      status: null,
      changedTo: { direction: 'weakened', key: 'erasure.production?within=48h', sentence: 'Within 48 hours' },
    })
    expect(gone).toMatchObject({ status: null, changedTo: null, withdrawnAt: '2026-11-22T03:00:00.000Z' })
    expect(current).toMatchObject({ status: 'unproven', withdrawnAt: null })
  })

  it('keeps the stretch in which a result had lapsed', () => {
    const statuses = buildHistory(log.snapshot())[0]?.intervals.map((interval) => interval.status)
    expect(statuses).toContain('kept')
    expect(statuses?.[statuses.indexOf('kept') + 1]).toBe('unproven')
  })

  it('is the same as data', () => {
    const json = historyJson(log.snapshot(), SITE, log.clock.now())
    expect(json).toMatchObject({
      schema: 1,
      generatedAt: '2026-11-22T03:00:00.000Z',
      origin: 'codetime.example',
    })
    expect(json.promises).toEqual(buildHistory(log.snapshot()))
  })
})
