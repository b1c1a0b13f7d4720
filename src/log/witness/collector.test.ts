import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { inTransaction, silentLogger } from '../../database/index.ts'
import { startTestDatabase, type TestDatabase } from '../../database/testing.ts'
import { fromUtf8, systemClock, utf8 } from '../../kernel/index.ts'
import {
  cosign,
  formatCheckpoint,
  hashLeaf,
  openCheckpoint,
  parseCheckpoint,
  parseNote,
  readCosignatures,
  signNote,
  witnessedPath,
  type NoteSigner,
  type WitnessSigner,
} from '../../verify/index.ts'
import { openEvidenceLog, type EvidenceLog } from '../evidence-log.ts'
import { logMigrations } from '../migrations.ts'
import { openLogSigner, openWitnessSigner } from '../signer.ts'
import { parseAddCheckpoint } from './add-checkpoint.ts'
import { collectCosignatures, type CosignatureCollector, type WitnessStanding } from './collector.ts'
import { createWitness } from './witness.ts'
import { witnessHandler } from './witness-http.ts'

const ORIGIN = 'shop.example/evidence'

type Answer = (body: Uint8Array, response: ServerResponse) => void | Promise<void>

/** What answers as a witness may: `answer` is changed by the tests. */
class Door {
  answer: Answer = () => {}
  asked = 0
  server: Server = createServer((request, response) => void this.#take(request, response))

  async open(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/`
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.asked += 1
    const body = Buffer.concat(await request.toArray())
    await this.answer(body, response)
  }
}

let database: TestDatabase
let base: string
let logSigner: NoteSigner
let signer: WitnessSigner
let log: EvidenceLog
let door: Door
let url: string

beforeAll(async () => {
  database = await startTestDatabase({ migrations: [logMigrations] })
})
afterAll(() => database.close())
beforeEach(async () => {
  await database.owner.query('truncate surety.log_queue, surety.log_state')
  base = await mkdtemp(join(tmpdir(), 'surety-collector-'))
  logSigner = await openLogSigner(join(base, 'keys', 'log'), ORIGIN)
  signer = await openWitnessSigner(join(base, 'keys', 'witness'), 'witness.example/w1')
  log = await openEvidenceLog({
    ...{ origin: ORIGIN, folder: join(base, 'log'), clock: systemClock, logger: silentLogger },
    transaction: (work) => inTransaction(database.owner, work),
    access: { mode: 'sequence', signer: logSigner },
  })
  door = new Door()
  url = await door.open()
  return async () => {
    await log.close()
    door.server.closeAllConnections()
    door.server.close()
    await rm(base, { recursive: true, force: true })
  }
})

async function grow(count = 1): Promise<number> {
  await log.append(Array.from({ length: count }, (_, i) => ({ kind: 'promise.withdrawn', key: `a.b${i}` })))
  await log.flush()
  return (await log.checkpoint())!.size
}

/** Collects while `work` runs. */
async function collecting<Result>(
  work: (collector: CosignatureCollector) => Promise<Result>,
  timeoutMs = 500,
): Promise<Result> {
  const collector = await collectCosignatures({
    ...{ folder: join(base, 'log'), key: logSigner.key, clock: systemClock, logger: silentLogger, timeoutMs },
    witnesses: [{ url, key: signer.key }],
  })
  try {
    return await work(collector)
  } finally {
    await collector.close()
  }
}

async function until(
  collector: CosignatureCollector,
  holds: (standing: WitnessStanding) => boolean,
): Promise<WitnessStanding> {
  const found = (): WitnessStanding | undefined => collector.standings().find(holds)
  await expect.poll(found, { interval: 25 }).toBeDefined()
  return found()!
}

/** The answers of a true witness. */
function honest(): Answer {
  const handle = witnessHandler(
    createWitness({ folder: join(base, 'witness'), signer, logs: [logSigner.key], clock: systemClock }),
  )
  return async (body, response) => {
    const answer = await handle(
      new Request(`${url}add-checkpoint`, { method: 'POST', body: new Uint8Array(body) }),
    )
    response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text())
  }
}

async function servedWitnesses(): Promise<number> {
  return (await readCosignatures((await log.read('checkpoint'))!, [signer.key])).length
}

describe('with a true witness', () => {
  test('every checkpoint gets its cosignature, across full tiles, restarts of both, and lost memory', async () => {
    door.answer = honest()
    for (const count of [1, 300, 1]) {
      const size = await grow(count)
      await collecting((collector) => until(collector, (standing) => standing.size === size))
      expect(await servedWitnesses()).toBe(1)
    }
    await rm(join(base, 'log', 'witnessed'), { recursive: true })
    const size = await grow(5)
    const standing = await collecting((collector) => until(collector, (each) => each.size === size))
    expect(standing).toMatchObject({ name: 'witness.example/w1', problem: null })
    expect(await openCheckpoint((await log.read('checkpoint'))!, logSigner.key)).toMatchObject({ size })
    expect(await log.proof(3)).toContain('— witness.example/w1 ')
  })

  test('the newest checkpoint is served at once, and the one cosigned before beside it', async () => {
    door.answer = honest()
    const before = await grow()
    await collecting((collector) => until(collector, ({ size }) => size === before))
    door.answer = () => {}
    const size = await grow(2)
    expect(await openCheckpoint((await log.read('checkpoint'))!, logSigner.key)).toMatchObject({ size })
    expect(await servedWitnesses()).toBe(0)
    const earlier = parseCheckpoint(parseNote((await log.read(witnessedPath(signer.key)))!).text)
    expect(earlier.size).toBe(before)
  })

  test('a fork is not cosigned, and the standing says that another log was seen', async () => {
    door.answer = honest()
    const size = await grow(3)
    await collecting((collector) => until(collector, (standing) => standing.size === size))
    const fork = formatCheckpoint({ origin: ORIGIN, size, rootHash: hashLeaf(utf8('x')) })
    await writeFile(join(base, 'log', 'checkpoint'), await signNote(fork, logSigner))
    await collecting((collector) => until(collector, ({ problem }) => problem === 'conflict'))
  })

  test('a log that went back is not cosigned either', async () => {
    door.answer = honest()
    await grow(3)
    const earlier = await readFile(join(base, 'log', 'checkpoint'))
    const size = await grow(3)
    await collecting((collector) => until(collector, (standing) => standing.size === size))
    await writeFile(join(base, 'log', 'checkpoint'), earlier)
    await collecting((collector) => until(collector, ({ problem }) => problem === 'conflict'))
  })
})

describe('a witness that hangs, lies or talks nonsense', () => {
  const reply =
    (status: number, body: string, type = 'text/plain'): Answer =>
    (_, response) =>
      void response.writeHead(status, { 'content-type': type }).end(body)
  const signing =
    (by: () => WitnessSigner, atMs = Date.now()): Answer =>
    async (body, response) => {
      const { text } = parseNote(parseAddCheckpoint(body).checkpoint)
      response.end(await cosign(text, by(), atMs))
    }
  const posing = (): WitnessSigner => ({ key: signer.key, sign: logSigner.sign })

  const liars: [string, () => Answer, WitnessStanding['problem']][] = [
    ['never answers', () => () => {}, 'silent'],
    ['hangs up', () => (_, response) => void response.destroy(), 'silent'],
    ['sends its answer for ever', () => (_, response) => void response.write('— '), 'silent'],
    ['answers with nothing', () => reply(200, ''), 'refused'],
    ['answers with a page', () => reply(200, '<html>\n'), 'refused'],
    ['answers without end of line', () => reply(200, '— w AAAA'), 'refused'],
    ['answers at great length', () => reply(200, 'x'.repeat(100_000)), 'refused'],
    ['signs with another key', () => signing(posing), 'refused'],
    ['dates its cosignature in the future', () => signing(() => signer, Date.now() + 3_600_000), 'refused'],
    ['knows no such log', () => reply(404, 'no'), 'refused'],
    ['fails', () => reply(500, 'no'), 'refused'],
    ['remembers a size that is none', () => reply(409, 'many\n', 'text/x.tlog.size'), 'refused'],
    ['remembers more than was ever published', () => reply(409, '999\n', 'text/x.tlog.size'), 'conflict'],
    ['remembers another size each time', () => reply(409, '1\n', 'text/x.tlog.size'), 'refused'],
    ['says that it saw another tree', () => reply(409, 'no'), 'conflict'],
    ['says that the log does not continue', () => reply(422, 'no'), 'conflict'],
  ]
  test.each(liars)('that %s gets nothing published, and holds up nothing', async (_, answer, problem) => {
    door.answer = answer()
    await grow(2)
    await collecting(async (collector) => {
      await until(collector, (standing) => standing.problem !== null)
      const size = await grow(2)
      expect(await openCheckpoint((await log.read('checkpoint'))!, logSigner.key)).toMatchObject({ size })
      expect(collector.standings()).toMatchObject([{ problem, size: null, cosignedAt: null }])
    })
    expect(await servedWitnesses()).toBe(0)
    expect(await log.read(witnessedPath(signer.key))).toBeNull()
  })

  test('is asked less and less often, and believed again as soon as it is true', async () => {
    door.answer = reply(500, 'no')
    const size = await grow()
    await collecting(async (collector) => {
      await sleep(2_000)
      expect(door.asked).toBeLessThan(4)
      door.answer = honest()
      expect(await until(collector, (standing) => standing.size === size)).toMatchObject({ problem: null })
    })
  })

  test('redirects are not followed: another address would answer for the one that was configured', async () => {
    door.answer = (_, response) => void response.writeHead(307, { location: `${url}elsewhere` }).end()
    await grow()
    await collecting((collector) => until(collector, ({ problem }) => problem !== null))
    expect(door.asked).toBe(1)
  })

  test('ends at once when the system closes, whatever hangs', async () => {
    await grow()
    await collecting(() => expect.poll(() => door.asked).toBe(1), 600_000)
  })
})

test('what is served below witnessed/ is a cosigned checkpoint and nothing else', async () => {
  await writeFile(join(base, 'log', 'secret'), 'secret')
  for (const path of ['witnessed/', 'witnessed/../secret', 'witnessed/0000000g', 'witnessed/00000000/x']) {
    expect(await log.read(path)).toBeNull()
  }
  expect(fromUtf8((await log.read('vkey'))!)).toContain(ORIGIN)
})
