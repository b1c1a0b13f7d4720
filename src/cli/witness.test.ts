import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemFolder } from '../compose/system-folder.ts'
import { silentLogger } from '../database/index.ts'
import { startTestDatabase, type TestDatabase } from '../database/testing.ts'
import { defineSurety, field, resource } from '../declare/index.ts'
import { serveNode, type RunningServer, type SuretyEnv } from '../http/index.ts'
import { utf8 } from '../kernel/index.ts'
import { openLogSigner } from '../log/index.ts'
import type { SecurityJson } from '../page/index.ts'
import { openSurety, type AnySurety } from '../surety.ts'
import {
  createVerifierKey,
  formatCheckpoint,
  formatVerifierKey,
  hashLeaf,
  parseCheckpoint,
  parseNote,
  signNote,
  verifySite,
  type NoteSigner,
} from '../verify/index.ts'

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url))
const ORIGIN = 'notes.example/evidence'
const KEY = formatVerifierKey(createVerifierKey(ORIGIN, new Uint8Array(32)))

interface Running {
  readonly url: string
  readonly vkey: string
  /** Events so far, in order. */
  readonly events: { event: string; message?: string; code?: string }[]
  end(signal?: NodeJS.Signals): Promise<number | null>
}

/** `surety witness` as a process of its own. */
async function startWitness(...args: readonly string[]): Promise<Running> {
  const child = spawnWitness(args)
  const events: Running['events'] = []
  let rest = ''
  const listening = new Promise<{ url: string; vkey: string }>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      const lines = (rest + part).split('\n')
      rest = lines.pop()!
      for (const line of lines) {
        const event = JSON.parse(line) as Running['events'][number] & { url: string; vkey: string }
        events.push(event)
        if (event.event === 'listening') resolve(event)
      }
    })
    child.once('exit', (code) => reject(new TypeError(`the witness ended with ${code}`)))
  })
  const { url, vkey } = await listening
  return {
    ...{ url, vkey, events },
    async end(signal = 'SIGTERM') {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
      const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
      child.kill(signal)
      return ended
    },
  }
}

function spawnWitness(args: readonly string[]): ChildProcessByStdio<null, Readable, Readable> {
  return spawn(process.execPath, ['--conditions=surety-source', MAIN, 'witness', '--json', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

async function refusal(...args: readonly string[]): Promise<{ code: number | null; output: string }> {
  const child = spawnWitness(args)
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (part) => (output += part))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, output }
}

async function until<Value>(read: () => Promise<Value>, holds: (value: Value) => boolean): Promise<Value> {
  for (let tries = 0; tries < 1_000; tries++) {
    const value = await read()
    if (holds(value)) return value
    await sleep(50)
  }
  throw new TypeError('it did not come to hold')
}

const notes = resource({
  name: 'notes',
  subject: 'personId',
  purpose: 'to test',
  basis: 'contract',
  retention: 'account',
  undeclared: 'drop',
  fields: { personId: field.id(), title: field.text('a title', { max: 200 }) },
})

describe('a system and its witness, each a process of its own', () => {
  let base: string
  let signer: NoteSigner
  let database: TestDatabase
  let witness: Running
  /** Has a key, and no process any more. */
  let silent: Running
  let surety: Pick<AnySurety, 'protect' | 'routes' | 'probe' | 'published' | 'close'>
  let server: RunningServer
  /** Answers nothing, ever. */
  let hanging: RunningServer
  const witnessArgs = (): string[] => [
    ...['--data', join(base, 'witness'), '--log', formatVerifierKey(signer.key)],
    ...['--name', 'witness.example/w1', '--listen', '127.0.0.1:0'],
  ]

  beforeAll(async () => {
    base = await mkdtemp(join(tmpdir(), 'surety-witnessed-'))
    database = await startTestDatabase({ bare: true })
    signer = await openLogSigner(systemFolder(join(base, 'data')).signingKey, ORIGIN)
    witness = await startWitness(...witnessArgs())
    hanging = await serveNode({ port: 0, fetch: () => new Promise<Response>(() => {}) })
    silent = await startWitness(
      '--data',
      join(base, 'silent'),
      '--log',
      formatVerifierKey(signer.key),
      '--listen',
      '127.0.0.1:0',
    )
    await silent.end()
    await writeFile(
      join(base, 'security.md'),
      '# Security\n\n[We are reachable](promise:disclosure.contact).\n',
    )
    const config = defineSurety({
      ...{ name: 'Notes', origin: 'notes.example', page: join(base, 'security.md'), resources: { notes } },
      roles: { member: ['notes:*:own'] },
      witnesses: [
        { url: witness.url, vkey: witness.vkey },
        { url: hanging.url, vkey: silent.vkey },
      ],
    })
    surety = await openSurety(config, {
      ...{
        dataDir: join(base, 'data'),
        name: database.databaseName,
        server: database.server,
        logger: silentLogger,
      },
    })
    const app = new Hono<SuretyEnv>()
    app.use(surety.protect())
    app.route('/', surety.routes())
    server = await serveNode({ fetch: app.fetch, port: 0 })
  }, 120_000)

  afterAll(async () => {
    await server?.close(0)
    await hanging?.close(0)
    await surety?.close()
    await witness?.end().catch(() => null)
    await database?.close()
    await rm(base, { recursive: true, force: true })
  })

  const verify = (more: object = {}) =>
    verifySite({ fetch, url: server.url, now: Date.now(), witnesses: [witness.vkey], ...more })
  const page = async (): Promise<SecurityJson> =>
    (await (await fetch(`${server.url}/security.json`)).json()) as SecurityJson
  const checkpointFile = (): string => join(systemFolder(join(base, 'data')).evidence, 'checkpoint')

  test('the page says who has witnessed it, and a verifier that demands the witness agrees', async () => {
    const shown = await until(page, ({ witnessed }) => witnessed)
    expect(shown.witnesses).toEqual([
      { name: 'witness.example/w1', vkey: witness.vkey, cosignedAt: expect.stringMatching(/Z$/) },
    ])
    expect(parseNote(utf8(shown.checkpoint!)).signatures.map(({ name }) => name)).toEqual([
      ORIGIN,
      'witness.example/w1',
    ])
    const report = await verify()
    expect(report).toMatchObject({ valid: true, witnesses: [{ name: 'witness.example/w1' }] })
    const html = await (await fetch(`${server.url}/security`)).text()
    expect(html).toContain('has seen this same log')
  })

  test('every later checkpoint is cosigned, though another witness hangs; none waits to be published', async () => {
    const before = (await verify()).checkpoint!.size
    for (let i = 0; i < 3; i++) await surety.probe({ site: server.url, only: ['disclosure.contact'] })
    const size = await surety.published()
    expect(size).toBe(before + 6)
    await until(verify, ({ witnesses }) => witnesses[0]?.size === size)
    expect(await verify({ witnesses: [] })).toMatchObject({ valid: true })
  })

  test('the witness that hangs is not named as one that has signed, and demanding it is refused', async () => {
    expect((await page()).witnesses.map(({ vkey }) => vkey)).toEqual([witness.vkey])
    const report = await verify({ witnesses: [silent.vkey] })
    expect(report.problems.map(({ code }) => code)).toEqual(['ERR_VERIFY_UNWITNESSED'])
  })

  test('a proof that is taken away carries the cosignature', async () => {
    await until(page, ({ witnessed }) => witnessed)
    const proof = await (await fetch(`${server.url}/security/proofs/0`)).text()
    expect(proof).toContain('— witness.example/w1 ')
  })

  test('a witness that was killed goes on where it was, with its key and its memory', async () => {
    const { vkey } = witness
    await witness.end('SIGKILL')
    const [, port] = /:(\d+)$/.exec(witness.url)!
    witness = await startWitness(...witnessArgs().slice(0, -1), `127.0.0.1:${port}`)
    expect(witness.vkey).toBe(vkey)
    await surety.probe({ site: server.url, only: ['disclosure.contact'] })
    const size = await surety.published()
    await until(verify, ({ witnesses }) => witnesses[0]?.size === size)
  })

  test('a second process on its folder is refused, and so is another name for its key', async () => {
    const second = await refusal(...witnessArgs())
    expect(second.code).toBe(2)
    expect(second.output).toContain('ERR_DATABASE_LOCKED')
    const renamed = await refusal(
      '--data',
      join(base, 'silent'),
      '--log',
      formatVerifierKey(signer.key),
      '--name',
      'else',
    )
    expect([renamed.code, renamed.output]).toEqual([2, expect.stringContaining('ERR_LOG_ORIGIN')])
  })

  test.each([
    ['no folder', ['--log', 'x']],
    ['no log', ['--data', tmpdir()]],
    ['a folder that cannot be made', ['--data', join(MAIN, 'inside'), '--log', KEY]],
    ['an unreadable key', ['--data', tmpdir(), '--log', 'nonsense']],
    [
      'a name with a space',
      ['--data', join(tmpdir(), `surety-unnamed-${process.pid}`), '--log', KEY, '--name', 'a b'],
    ],
    ['an address without port', ['--data', tmpdir(), '--listen', 'localhost']],
  ])('%s is refused with a mend', async (_, args) => {
    const { code, output } = await refusal(...args)
    expect([code, output]).toEqual([2, expect.stringContaining('ERR_CLI_USAGE')])
  })

  test('a fork shown to one visitor: the witness refuses it and raises the alarm, so does who remembers', async () => {
    const { state } = await until(
      () => verify(),
      ({ valid, checkpoint, witnesses }) => valid && witnesses[0]?.size === checkpoint?.size,
    )
    const honest = await readFile(checkpointFile())
    const { origin, size } = parseCheckpoint(parseNote(honest).text)
    const forked = await signNote(
      formatCheckpoint({ origin, size, rootHash: hashLeaf(utf8('fork')) }),
      signer,
    )
    await writeFile(checkpointFile(), forked)
    await until(
      async () => witness.events,
      (events) => events.some(({ event }) => event === 'conflict'),
    )
    const remembering = await verify({ state, witnesses: [] })
    expect(remembering.problems.map(({ code }) => code)).toContain('ERR_VERIFY_FORK')
    await writeFile(checkpointFile(), honest)
    await surety.probe({ site: server.url, only: ['disclosure.contact'] })
    const grown = await surety.published()
    await until(verify, ({ witnesses }) => witnesses[0]?.size === grown)
  })

  test('a graceful end leaves with 0', async () => {
    expect(await witness.end('SIGTERM')).toBe(0)
  })
})
