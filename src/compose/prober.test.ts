import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createMemoryEvidence } from '../http/testing/memory-evidence.ts'
import { manualClock } from '../kernel/index.ts'
import { claimOf, type ProbeContext } from '../promises/index.ts'
import type { EvidenceEntry } from '../verify/index.ts'
import { probePromises, type ProbeProgress } from './prober.ts'

const config = { name: 'A', origin: 'a.example', page: 'security.md', resources: {}, roles: {} }
const HANGING = 'disclosure.contact'
const SOUND = 'privacy.lawful-basis'
const FAILING = 'data.inventory'

const unanswered: ServerResponse[] = []
const server = createServer((_, response) => unanswered.push(response))
let site = ''
beforeAll(async () => {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  site = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => new Promise((done) => server.close(done)))

async function openLog() {
  const clock = manualClock(Date.UTC(2026, 0, 1))
  const evidence = await createMemoryEvidence('a.example', clock)
  for (const id of [HANGING, FAILING, SOUND])
    await evidence.append({
      kind: 'promise.declared',
      promise: claimOf({ id, key: id, params: {}, sentence: 'It holds.' }, config),
    })
  const log = {
    ...evidence,
    append: async (bodies: Parameters<typeof evidence.append>) => {
      await evidence.append(...bodies)
      return []
    },
    standings: async (now: number) => [...(await evidence.standings(now))],
    flush: async () => {},
  }
  return { clock, log }
}

/** As much as these three probes look at; the one that fails has no site. */
const contextFor = (progress: ProbeContext['progress']) =>
  ({
    config,
    clock: manualClock(Date.UTC(2026, 0, 1)),
    get site() {
      progress(1, 2, 'looks')
      return site
    },
    database: { tables: async () => [] },
    progress,
  }) as unknown as Omit<ProbeContext, 'signal'>

const about = (entries: readonly EvidenceEntry[], id: string): string[] =>
  entries.flatMap((entry) => ('key' in entry && entry.key === id ? [entry.kind] : []))

test('a probe that hangs holds up no other: each has its start and its result in the log', async () => {
  const { clock, log } = await openLog()
  const told: ProbeProgress[] = []
  const measuring = probePromises(log, clock, (_, progress) => contextFor(progress), {
    site,
    only: [HANGING, SOUND],
    onProgress: (progress) => told.push(progress),
  })
  await expect.poll(async () => about(await log.entries(), SOUND)).toEqual(['probe.started', 'probe.result'])
  await expect.poll(() => unanswered.length).toBe(1)
  expect(about(await log.entries(), HANGING)).toEqual(['probe.started'])
  unanswered.pop()!.writeHead(404).end()
  const runs = await measuring
  expect(runs.map(({ key, outcome }) => [key, outcome])).toEqual([
    [HANGING, 'broken'],
    [SOUND, 'kept'],
  ])
  expect(about(await log.entries(), HANGING)).toEqual(['probe.started', 'probe.result'])
  expect(told[0]).toMatchObject({ key: HANGING, done: 1, total: 2, what: 'looks', of: 2 })
})

test('a probe that throws gives an answer of its own, and the others theirs', async () => {
  const { clock, log } = await openLog()
  const measuring = probePromises(
    log,
    clock,
    (_, progress) => Object.defineProperty(contextFor(progress), 'site', { value: null }),
    { site: null },
  )
  expect((await measuring).map(({ key, outcome }) => [key, outcome])).toEqual([
    [HANGING, 'undecided'],
    [FAILING, 'undecided'],
    [SOUND, 'kept'],
  ])
})
