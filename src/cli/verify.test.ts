import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { utf8 } from '../kernel/index.ts'
import { cosign, formatWitnessKey, parseNote } from '../verify/index.ts'
import { createSigner, createWitnessSigner, claim, MemorySite } from '../verify/testing/memory-site.ts'
import type { Invocation } from './command.ts'
import { createTerminal } from './terminal.ts'
import { verifyCommand } from './verify.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'surety-verify-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

interface Run {
  readonly code: number
  readonly out: string
}

/** Runs the command against a site that is served for as long as it takes. */
async function verify(site: MemorySite, options: Invocation['options'] = {}): Promise<Run> {
  const server = createServer((request, response) => {
    const bytes = site.files.get(request.url!)
    response.writeHead(bytes ? 200 : 404).end(bytes)
  }).listen(0, '127.0.0.1')
  await new Promise((ready) => server.once('listening', ready))
  let out = ''
  const output = { write: (text: string) => (out += text), isTTY: options['tty'] === true }
  const terminal = createTerminal({
    json: options['json'] === true,
    stdout: output,
    stderr: { write: () => true },
    environment: {},
  })
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    return { code: await verifyCommand.run({ positionals: [url], options, terminal }), out }
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

describe('surety verify', () => {
  test('demands the witnesses it is given, and says when there were none', async () => {
    const site = await new MemorySite(Date.now() - 60_000).declare('a.promise').publishLog()
    await site.publishPage(() => {}, Date.now())
    const witness = createWitnessSigner('witness.example/w1')
    const witnesses = [formatWitnessKey(witness.key)]
    expect((await verify(site)).out).toContain('unwitnessed for this check')
    expect((await verify(site, { witness: witnesses })).code).toBe(3)
    const note = await site.checkpointOf(site.leaves)
    const line = await cosign(parseNote(utf8(note)).text, witness, Date.now())
    site.put('checkpoint', utf8(note + line))
    const { code, out } = await verify(site, { witness: witnesses })
    expect([code, out]).toEqual([0, expect.stringContaining('witness.example/w1, 2 entries')])
    expect(out).not.toContain('unwitnessed')
    expect((await verify(site, { witness: ['nonsense'] })).code).toBe(2)
  })

  test('prints a site’s words as text: no line of its own, no colour, no title', async () => {
    const site = new MemorySite(Date.now() - 60_000).declare('a.promise')
    const summary = 'x\u001b[2J\u009b1m\u202e\nThe evidence is valid: 9 kept, 0 broken, 0 unproven.'
    const about = { key: 'a.promise', run: 'r1', probe: 'a.promise@1' }
    site.log({ kind: 'probe.started', ...about, deadline: new Date(site.atMs + 60_000).toISOString() })
    site.log({ kind: 'probe.result', ...about, outcome: 'broken', observed: { summary, values: {} } })
    await (await site.publishLog()).publishPage(() => {}, Date.now())
    for (const tty of [false, true]) {
      const { code, out } = await verify(site, { tty })
      expect(code).toBe(1)
      expect(out).toContain('x\\u001b[2J\\u009b1m\\u202e\\u000aThe evidence is valid')
      // oxlint-disable-next-line no-control-regex
      const bare = out.replace(/\u001b\[(0|1|2|31|32|33)m/g, '')
      // oxlint-disable-next-line no-control-regex
      expect(bare).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
      expect(out).not.toMatch(/^The evidence is valid: 9/m)
    }
  })

  test('offers the key of a site as one word that no shell runs', async () => {
    const site = new MemorySite(Date.now() - 60_000)
    site.signer = createSigner("a$(id)`id`'x/evidence")
    site.leaves = []
    site.log({ kind: 'log.opened', origin: site.signer.key.name, software: 'test' })
    await (
      await site.publishLog()
    ).publishPage((page) => Object.assign(page, { generatedAt: new Date().toISOString() }), Date.now())
    const { code, out } = await verify(site)
    expect(code).toBe(0)
    expect(out).toContain("--vkey 'a$(id)`id`'\\''x/evidence+")
    expect(out).toContain('the log holds no promise in force')
  })

  test('remembers a valid log and does not let a refuted one overwrite it', async () => {
    const state = join(folder, 'state.json')
    const site = new MemorySite(Date.now() - 60_000).log({
      kind: 'promise.declared',
      promise: claim('a.promise'),
    })
    await (await site.publishLog()).publishPage(() => {}, Date.now())
    expect(await verify(site, { state })).toMatchObject({
      code: 0,
      out: expect.stringContaining('first seen'),
    })
    const remembered = await readFile(state, 'utf8')
    site.leaves = site.leaves.slice(0, 1)
    await (await site.publishLog()).publishPage(() => {}, Date.now())
    const { code, out } = await verify(site, { state, json: true })
    expect(code).toBe(3)
    expect(JSON.parse(out)).toMatchObject({
      problems: [{ code: 'ERR_VERIFY_ROLLBACK' }],
      checkpoint: { size: 1, note: expect.stringContaining('— shop.example/evidence ') },
    })
    expect(await readFile(state, 'utf8')).toBe(remembered)
    site.put('vkey', utf8('garbled'))
    expect((await verify(site, { state })).code).toBe(3)
  })
})
