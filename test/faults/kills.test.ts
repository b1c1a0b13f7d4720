import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../src/kernel/index.ts'
import { searchFolder, textNeedles } from '../../src/promises/index.ts'
import { verifySite, type VerifierState } from '../../src/verify/index.ts'
import type { PublishedCheckpoint } from '../../src/log/published.ts'
import { openAudit } from './audit.ts'
import { startLoad, type Acknowledged, type Load } from './load.ts'
import {
  childrenOf,
  killPid,
  postmasterOf,
  run,
  startServer,
  type Running,
  type Starting,
} from './processes.ts'
import { createRandom, seedOfRun } from './random.ts'
import type { Ready } from './server.ts'

type Victim = 'publisher' | 'backend' | 'server' | 'postmaster'
/** Kills of one round. The server and the postmaster cost a restart, the others wait for nobody. */
const ROUND = { publisher: 4, backend: 4, restarts: 2 }
const ROUNDS = Number(process.env['FAULTS_ROUNDS'] ?? 10)
const KILLS = ROUNDS * (ROUND.publisher + ROUND.backend + ROUND.restarts)
/** In every third round it is the postmaster that ends under load, and not the server. */
const POSTMASTER_EVERY = 3
/** Longest wait before the next kill, in milliseconds. */
const LONGEST_MS = 250
/** Longest wait before a server is killed that is starting; quiet machines need about twice as long to start one. */
const LONGEST_START_MS = 1_000

const seed = seedOfRun()
const random = createRandom(seed)
const marker = `marker-${Math.floor(random() * 1e9)}-of-a-person`
const heard = new Set<string>()
const killed: Record<Victim, number> = { publisher: 0, backend: 0, server: 0, postmaster: 0 }
const audited: PublishedCheckpoint[] = []

let dataDir: string
let starting: Starting | null = null
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
  await starting?.kill()
  // The database server ends by itself after the process that started it.
  await sleep(1_500)
  const folders = [dataDir, ...(server ? [dirname(server.databaseDir)] : [])]
  for (const folder of folders) await rm(folder, { recursive: true, force: true, maxRetries: 5 })
})

/** What a supervisor does, and nothing else: starts again what has ended. */
async function supervise(): Promise<Running & Ready> {
  if (starting === null || !starting.isAlive()) {
    starting = startServer(dataDir)
    server = { ...starting, ...(await starting.ready) }
  }
  return server!
}

/** {@link published} resolves when it has published something, or has ended before. */
function startPublisher(): Running {
  const { promise, resolve } = Promise.withResolvers<void>()
  published = promise
  const started = run('./publisher.ts', dataDir, (line) => {
    if (line.startsWith('ack ')) heard.add(line.slice(4))
    resolve()
  })
  started.child.once('exit', () => resolve())
  return (publisher = started)
}

/** Kills it once it has published something; it ends by itself where it finds no database when it starts. */
async function killPublisher(): Promise<void> {
  let running = publisher?.isAlive() ? publisher : startPublisher()
  for (await published; !running.isAlive(); await published) {
    await sleep(50)
    running = startPublisher()
  }
  await sleep(random() * LONGEST_MS)
  await running.kill()
  killed.publisher += 1
  startPublisher()
}

/** Any process of the database server: the server ends all others with it, and starts them again. */
async function killBackend(): Promise<void> {
  const { url, databaseDir } = await supervise()
  await untilWell(url)
  await sleep(random() * LONGEST_MS)
  const pids = childrenOf(await postmasterOf(databaseDir))
  if (killPid(pids[Math.floor(random() * pids.length)]!)) killed.backend += 1
  else await killBackend()
}

async function killServer(): Promise<void> {
  const running = await supervise()
  await sleep(random() * LONGEST_MS)
  await running.kill()
  killed.server += 1
}

/** The library does not restart a database that died under it: whoever runs it sees that it is not well. */
async function killPostmaster(): Promise<void> {
  const running = await supervise()
  await untilWell(running.url)
  await sleep(random() * LONGEST_MS)
  killPid(await postmasterOf(running.databaseDir))
  killed.postmaster += 1
  await until('is well without its database', async () => !(await isWell(running.url)))
  await running.kill()
}

async function killStartingServer(): Promise<void> {
  starting = startServer(dataDir)
  await sleep(random() * LONGEST_START_MS)
  await starting.kill()
  killed.server += 1
}

async function round(index: number): Promise<void> {
  const times = async (count: number, kill: () => Promise<void>): Promise<void> => {
    for (let i = 0; i < count; i++) await kill()
  }
  await Promise.all([times(ROUND.backend, killBackend), times(ROUND.publisher, killPublisher)])
  await (index % POSTMASTER_EVERY === 1 ? killPostmaster() : killServer())
  await killStartingServer()
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

const isWell = (url: string): Promise<boolean> => fetch(`${url}/healthz`).then(({ ok }) => ok)
const untilWell = (url: string): Promise<void> => until('does not get well', () => isWell(url))

async function until(complaint: string, holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 1_000; tries++) {
    if (await holds()) return
    await sleep(50)
  }
  throw new Error(`the server ${complaint}`)
}

/** A stranger looks, and the audit log's holder notes where it is. */
async function lookAround(): Promise<void> {
  const { url } = await supervise()
  await untilWell(url)
  await look(url)
  const audit = await openAudit(dataDir)
  audited.push(await audit.checkpoint())
  await audit.close()
}

test(`${KILLS} kills at random instants under load lose nothing that was acknowledged, fork nothing, show nothing`, async () => {
  process.stdout.write(`FAULTS_SEED=${seed}\n`)
  await supervise()
  startPublisher()
  const load = startLoad(marker, () => (starting?.isAlive() ? (server?.url ?? null) : null))
  const done = (): number => Object.values(killed).reduce((sum, count) => sum + count, 0)
  try {
    for (let index = 0; index < ROUNDS; index++) {
      await round(index)
      await lookAround()
      process.stdout.write(
        `  ${done()} of ${KILLS} kills, ${load.acknowledged.size} writes, ${heard.size} entries\n`,
      )
    }
  } finally {
    await load.stop()
  }
  await publisher!.kill()
  const { url, databaseDir } = await supervise()
  await untilWell(url)
  expect(done()).toBe(KILLS)

  const stored = (await (await fetch(`${url}/notes`)).json()) as Stored[]
  expectAllStored(stored, load.acknowledged)
  await expectAllLogged(url)
  await expectAllAudited(stored.map(({ id }) => id))
  await expectNowhere(databaseDir)
}, 1_800_000)

interface Stored extends Acknowledged {
  readonly number: number
}

/** Every row opens; each that was acknowledged is there, none twice, none that nobody wrote. */
function expectAllStored(stored: readonly Stored[], acknowledged: Load['acknowledged']): void {
  const byNumber = new Map(stored.map(({ number, text, id }) => [number, { text, id }]))
  expect(byNumber.size, 'no write happened twice').toBe(stored.length)
  expect(acknowledged.size).toBeGreaterThan(KILLS)
  for (const [number, row] of acknowledged) expect(byNumber.get(number), `write ${number}`).toEqual(row)
  for (const { number, text } of stored) expect(text).toBe(`${marker} ${number}`)
}

/** Every entry that a killed process was told is in, once, in the log that a stranger accepts. */
async function expectAllLogged(url: string): Promise<void> {
  await look(url)
  const ids = await entryIds(url)
  expect(new Set(ids).size).toBe(ids.length)
  expect(heard.size).toBeGreaterThan(KILLS / 5)
  expect([...heard].filter((id) => !ids.includes(id))).toEqual([])
}

/** Every row that is stored has its event, once, in an audit log that holds together and never forked. */
async function expectAllAudited(rows: readonly string[]): Promise<void> {
  const audit = await openAudit(dataDir)
  const { inserted, leaves, extendsAll } = await audit.readWhole()
  await audit.close()
  expect(inserted.toSorted()).toEqual(rows.toSorted())
  expect(new Set(leaves).size).toBe(leaves.length)
  expect(audited.length).toBe(ROUNDS)
  expect(await extendsAll(audited)).toBe(true)
}

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
