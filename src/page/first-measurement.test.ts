import { describe, expect, test } from 'vitest'
import { renderMarkup } from '../ui/index.ts'
import { firstMeasurement, firstMeasurementNotice } from './first-measurement.ts'
import { buildPageModel, type PageModel } from './model.ts'
import { parseSecurityPage } from './parse-security-page.ts'
import { claim, SampleLog } from './testing/sample-log.ts'

const MINUTE = 60_000
const KEYS = ['a.one', 'a.two', 'a.three']

const declared = (): SampleLog => {
  const log = new SampleLog().declare(claim('a.prose', 'Prose', { probe: null, cadenceSeconds: null }))
  for (const key of KEYS) log.declare(claim(key, key))
  return log
}
const started = (log: SampleLog, key: string, run: number): SampleLog =>
  log.append({
    kind: 'probe.started',
    ...{ key, run: `10000000-0000-4000-8000-00000000000${run}`, probe: 'p@1' },
    deadline: new Date(log.clock.now() + MINUTE).toISOString(),
  })
const modelOf = (log: SampleLog): PageModel =>
  buildPageModel(
    parseSecurityPage(KEYS.map((key) => `- [${key}](promise:${key})`).join('\n')),
    log.snapshot(),
    log.clock.now(),
  )
const words = (log: SampleLog): string => {
  const shown = firstMeasurementNotice(modelOf(log))
  return shown === null ? '' : renderMarkup(shown as Parameters<typeof renderMarkup>[0])
}

describe('the first measurement of a page', () => {
  test('is told with what is done and what is under way', () => {
    const log = started(started(declared().probe('a.one', 'undecided'), 'a.two', 1), 'a.two', 2)
    expect(firstMeasurement(modelOf(log))).toEqual({ measured: 1, of: 3, underWay: 1 })
    expect(words(log)).toContain('Being measured for the first time: 1 of 3 done')
    expect(words(log)).toContain('1 promise under way at this moment')
  })

  test('is not called under way where nothing measures, or where it should have ended', () => {
    expect(words(declared())).toContain('0 of 3 promises that have a probe were measured so far')
    const overdue = started(declared(), 'a.one', 1).wait(2 * MINUTE)
    expect(firstMeasurement(modelOf(overdue))).toEqual({ measured: 0, of: 3, underWay: 0 })
  })

  test('is over when each promise was measured once, whatever came of it and however long ago', () => {
    const log = declared().probe('a.one', 'kept').probe('a.two', 'broken').probe('a.three', 'undecided')
    expect(words(log)).toBe('')
    expect(words(log.wait(600 * MINUTE))).toBe('')
  })
})
