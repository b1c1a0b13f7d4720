import { describe, expect, test } from 'vitest'
import { manualClock } from '../kernel/index.ts'
import type { SuretyConfig } from '../declare/index.ts'
import type { EvidenceBody } from '../verify/index.ts'
import { claimOf, runProbe, type ProbeContext } from './index.ts'

const config: SuretyConfig = {
  name: 'Codetime',
  origin: 'codetime.example',
  page: 'security.md',
  resources: {},
  roles: {},
}
const link = { key: 'disclosure.contact', id: 'disclosure.contact', params: {}, sentence: 'Write to us.' }

function contextAt(site: string | null): Omit<ProbeContext, 'signal'> {
  const unused = (): never => {
    throw new TypeError('this probe does not use it')
  }
  const clock = manualClock(Date.UTC(2026, 0, 1))
  return {
    config,
    clock,
    site,
    dataDir: '',
    canaries: null,
    database: unused as never,
    keys: unused as never,
    audit: unused as never,
    as: unused,
    system: unused,
    progress() {},
  }
}

describe('runProbe', () => {
  test('has the start in the log before anything runs, and the result of the same run after it', async () => {
    const log: EvidenceBody[] = []
    const append = (bodies: readonly EvidenceBody[]) => Promise.resolve(log.push(...bodies))
    const measured = await runProbe(claimOf(link, config), contextAt('http://127.0.0.1:9'), { append })
    expect(measured.outcome).toBe('undecided')
    expect(log.map(({ kind }) => kind)).toEqual(['probe.started', 'probe.result'])
    const [started, result] = log as { run?: string }[]
    expect(started!.run).toBe(result!.run)
    expect(log[0]).toMatchObject({ probe: 'disclosure.contact@1', deadline: '2026-01-01T00:05:00.000Z' })
  })

  test('runs nothing when the start cannot be logged', async () => {
    const append = (): Promise<never> => Promise.reject(new TypeError('disk full'))
    await expect(
      runProbe(claimOf(link, config), contextAt('http://127.0.0.1:9'), { append }),
    ).rejects.toThrow('disk full')
  })

  test('publishes the code of what went wrong, never its message', async () => {
    const log: EvidenceBody[] = []
    const append = (bodies: readonly EvidenceBody[]) => Promise.resolve(log.push(...bodies))
    await runProbe(claimOf(link, config), contextAt(null), { append })
    expect(log[1]).toMatchObject({
      outcome: 'undecided',
      observed: { summary: 'The probe could not run to its end (ERR_PROMISE_SITE).' },
    })
  })

  test('refuses a promise that nothing measures', async () => {
    const planned = claimOf({ ...link, key: 'sdlc.pentest', id: 'sdlc.pentest' }, config)
    const append = () => Promise.resolve()
    await expect(runProbe(planned, contextAt(null), { append })).rejects.toMatchObject({
      code: 'ERR_PROMISE_UNKNOWN',
    })
  })
})
