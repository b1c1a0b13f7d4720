import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../src/kernel/index.ts'
import { searchFolder, textNeedles } from '../../src/promises/index.ts'
import { verifySite, type VerifierState } from '../../src/verify/index.ts'
import { startLoad } from './load.ts'
import { childrenOf, killPid, postmasterOf, run, startServer, type Running } from './processes.ts'
import { createRandom, seedOfRun } from './random.ts'
import type { Ready } from './server.ts'

const KILLS = Number(process.env['FAULTS_KILLS'] ?? 100)
/** A stranger looks again after so many kills. */
const LOOK_EVERY = 10
/** Longest wait before the next kill, in milliseconds. */
const LONGEST_MS = 400

type Victim = 'publisher' | 'backend' | 'server' | 'postmaster'
/** How often each is hit: those whose death costs no restart of the others more often. */
const VICTIMS: readonly Victim[] = [
  ...Array<Victim>(7).fill('publisher'),
  ...Array<Victim>(8).fill('backend'),
  ...Array<Victim>(3).fill('server'),
  ...Array<Victim>(2).fill('postmaster'),
]

const seed = seedOfRun()
const random = createRandom(seed)
const marker = `marker-${Math.floor(random() * 1e9)}-of-a-person`
const heard = new Set<string>()
const killed: Record<Victim, number> = { publisher: 0, backend: 0, server: 0, postmaster: 0 }

let dataDir: string
let server: (Running & Ready) | null = null
let publisher: Running | null = null
let published: Promise<void>
let state: VerifierState | null = null

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'surety-kills-'))
  if (process.getuid?.() === 0) await chmod(dataDir, 0o755)
})
afterAll(async () => {
  await publisher?.kill()
  await server?.kill()
  // The database server ends by itself after the process that started it.
  await sleep(1_500)
  const folders = [dataDir, ...(server ? [dirname(server.databaseDir)] : [])]
  for (const folder of folders) await rm(folder, { recursive: true, force: true, maxRetries: 5 })
})

/** {@link published} resolves when it has published something, or has ended before. */
function startPublisher(): void {
  const { promise, resolve } = Promise.withResolvers<void>()
  published = promise
  publisher = run('./publisher.ts', dataDir, (line) => {
    if (line.startsWith('ack ')) heard.add(line.slice(4))
    resolve()
  })
  publisher.child.once('exit', () => resolve())
}

/** What a supervisor does, and nothing else: starts again what has ended. */
async function supervise(): Promise<Running & Ready> {
  if (server === null || server.child.exitCode !== null || server.child.signalCode !== null)
    server = await startServer(dataDir)
  if (publisher === null || publisher.child.exitCode !== null || publisher.child.signalCode !== null)
    startPublisher()
  return server
}

async function kill(victim: Victim): Promise<void> {
  const running = await supervise()
  if (victim === 'publisher') await published
  await sleep(random() * LONGEST_MS)
  if (victim === 'publisher') await publisher!.kill()
  if (victim === 'server') await running.kill()
  if (victim === 'backend') killOneOf(childrenOf(await postmasterOf(running.databaseDir)))
  if (victim === 'postmaster') {
    killPid(await postmasterOf(running.databaseDir))
    // The library does not restart a database that died under it: whoever runs it sees that it is not well.
    await untilUnwell(running.url)
    await running.kill()
  }
  killed[victim] += 1
}

function killOneOf(pids: readonly number[]): void {
  const pid = pids[Math.floor(random() * pids.length)]
  if (pid !== undefined) killPid(pid)
}

async function untilUnwell(url: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const healthy = await fetch(`${url}/healthz`).then((response) => response.ok)
    if (!healthy) return
    await sleep(50)
  }
  throw new Error('the server says that it is well without its database')
}

/** A stranger who remembers what the log showed before. */
async function look(url: string): Promise<void> {
  const report = await verifySite({
    fetch: (address, init) => fetch(address, init),
    ...{ url, state, now: systemClock.now() },
  })
  expect(report.failure).toBeNull()
  expect(report.problems.filter(({ severity }) => severity === 'invalid')).toEqual([])
  expect(report.valid).toBe(true)
  state = report.state
}

async function untilWell(url: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (await fetch(`${url}/healthz`).then((response) => response.ok)) return
    await sleep(50)
  }
  throw new Error('the server does not get well')
}

test(`${KILLS} kills at random instants under load lose nothing that was acknowledged, fork nothing, show nothing`, async () => {
  process.stdout.write(`FAULTS_SEED=${seed}\n`)
  await supervise()
  const load = startLoad(marker, () => (server?.child.exitCode === null ? server.url : null))
  const done = (): number => Object.values(killed).reduce((sum, count) => sum + count, 0)
  try {
    while (done() < KILLS) {
      await kill(VICTIMS[Math.floor(random() * VICTIMS.length)]!)
      if (done() % LOOK_EVERY !== 0) continue
      const running = await supervise()
      await untilWell(running.url)
      await look(running.url)
      process.stdout.write(
        `  ${done()} of ${KILLS} kills, ${load.acknowledged.size} writes, ${heard.size} entries\n`,
      )
    }
  } finally {
    await load.stop()
  }
  await publisher!.kill()
  const { url } = await supervise()
  await publisher!.kill()
  await untilWell(url)

  const rows = (await (await fetch(`${url}/notes`)).json()) as { number: number; text: string }[]
  const stored = new Map(rows.map(({ number, text }) => [number, text]))
  expect(stored.size, 'no write happened twice').toBe(rows.length)
  expect(load.acknowledged.size).toBeGreaterThan(KILLS)
  for (const [number, text] of load.acknowledged) expect(stored.get(number), `write ${number}`).toBe(text)
  for (const [number, text] of stored) expect([`${marker} ${number}`, number]).toEqual([text, number])

  // Every entry that a killed process was told is in, once, in the log that a stranger accepts.
  await look(url)
  const ids = await entryIds(url)
  expect(new Set(ids).size).toBe(ids.length)
  expect(heard.size).toBeGreaterThan(KILLS / 5)
  expect([...heard].filter((id) => !ids.includes(id))).toEqual([])
  // EVENTS: the audit log's acknowledged events are checked here, as the evidence log's are above.

  await expectNowhere(server!.databaseDir)
  expect(Object.values(killed).every((count) => count > 0)).toBe(true)
}, 900_000)

async function entryIds(url: string): Promise<string[]> {
  const ids: string[] = []
  await verifySite({
    url,
    now: systemClock.now(),
    state: null,
    async fetch(address, init) {
      const response = await fetch(address, init)
      if (!new URL(address).pathname.includes('/tile/entries/')) return response
      const bytes = Buffer.from(await response.arrayBuffer())
      for (let at = 0; at < bytes.length;) {
        const end = at + 2 + bytes.readUInt16BE(at)
        ids.push((JSON.parse(bytes.toString('utf8', at + 2, end)) as { id: string }).id)
        at = end
      }
      return new Response(bytes, { status: response.status })
    },
  })
  return ids
}

/** The marker that every row held lies in no file, while a text that is known to lie there is found. */
async function expectNowhere(databaseDir: string): Promise<void> {
  const needles = [...textNeedles('a row', marker), ...textNeedles('control', 'We said 1.')]
  const labels = new Set<string>()
  for (const folder of new Set([dataDir, dirname(databaseDir)])) {
    const { hits, files } = await searchFolder(folder, needles)
    expect(files).toBeGreaterThan(10)
    for (const { label } of hits) labels.add(label)
  }
  expect([...labels]).toEqual(['control'])
}
