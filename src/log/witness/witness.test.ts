import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { manualClock, utf8 } from '../../kernel/index.ts'
import {
  createHashTree,
  formatCheckpoint,
  hashLeaf,
  makeConsistencyProof,
  parseNote,
  parseWitnessKey,
  readCosignatures,
  signNote,
} from '../../verify/index.ts'
import type { NoteSigner, WitnessSigner } from '../../verify/index.ts'
import { openLogSigner, openWitnessSigner } from '../signer.ts'
import { formatAddCheckpoint, parseAddCheckpoint } from './add-checkpoint.ts'
import { createWitness } from './witness.ts'
import type { Witness, WitnessAnswer, WitnessEvent } from './witness.ts'
import { witnessHandler } from './witness-http.ts'

const ORIGIN = 'shop.example/evidence'
const NOW = Date.parse('2026-11-22T00:00:00.000Z')

let base: string
let log: NoteSigner
let signer: WitnessSigner
let events: WitnessEvent[]
let witness: Witness
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'surety-witness-'))
  log = await openLogSigner(join(base, 'keys', 'log'), ORIGIN)
  signer = await openWitnessSigner(join(base, 'keys', 'witness'), 'witness.example/w1')
  events = []
  witness = open()
})
afterEach(() => rm(base, { recursive: true, force: true }))

function open(): Witness {
  const onEvent = (event: WitnessEvent): void => void events.push(event)
  return createWitness({
    folder: join(base, 'state'),
    signer,
    logs: [log.key],
    clock: manualClock(NOW),
    onEvent,
  })
}

/** A tree of `size` leaves; trees of one name begin alike. */
function treeOf(size: number, name = 'a') {
  const tree = createHashTree()
  for (let i = 0; i < size; i++) tree.append(hashLeaf(utf8(`${name} ${i}`)))
  return tree
}

interface Asked {
  readonly size: number
  readonly old?: number
  readonly name?: string
  readonly by?: NoteSigner
  readonly origin?: string
}

async function bodyOf({ size, old = 0, name = 'a', by = log, origin = ORIGIN }: Asked): Promise<Uint8Array> {
  const tree = treeOf(size, name)
  const note = await signNote(formatCheckpoint({ origin, size, rootHash: tree.root() }), by)
  const proof = old > 0 && old < size ? await makeConsistencyProof(old, size, tree.read) : []
  return formatAddCheckpoint({ oldSize: old, proof, checkpoint: utf8(note) })
}

const ask = async (asked: Asked, of = witness): Promise<WitnessAnswer> =>
  of.addCheckpoint(await bodyOf(asked))
const statusOf = async (asked: Asked): Promise<number> => (await ask(asked)).status

describe('a witness (C2SP tlog-witness)', () => {
  test('cosigns the first checkpoint it sees, and each that continues the one before', async () => {
    for (const [old, size] of [
      [0, 3],
      [3, 3],
      [3, 700],
      [700, 701],
    ] as const) {
      const body = await bodyOf({ old, size })
      const answer = await witness.addCheckpoint(body)
      expect(answer).toMatchObject({ status: 200, contentType: 'text/plain; charset=utf-8' })
      const { checkpoint } = parseAddCheckpoint(body)
      const cosigned = Buffer.concat([checkpoint, utf8(answer.body)])
      const key = parseWitnessKey(witness.vkey)
      expect(await readCosignatures(cosigned, [key])).toEqual([{ key, atMs: NOW }])
    }
    expect(events.map(({ kind }) => kind)).toEqual(['cosigned', 'cosigned', 'cosigned', 'cosigned'])
  })

  test('answers with the size it remembers when it is asked from another', async () => {
    await ask({ size: 5 })
    for (const old of [0, 4]) {
      expect(await ask({ old, size: 7 })).toEqual({
        status: 409,
        contentType: 'text/x.tlog.size',
        body: '5\n',
      })
    }
    expect(await statusOf({ old: 5, size: 7 })).toBe(200)
  })

  test('never cosigns two trees of one size: it keeps the proof and raises the alarm', async () => {
    await ask({ size: 5 })
    const answer = await ask({ old: 5, size: 5, name: 'b' })
    expect(answer).toMatchObject({ status: 409, contentType: 'text/plain; charset=utf-8' })
    expect(events.at(-1)).toMatchObject({ kind: 'conflict', origin: ORIGIN, size: 5 })
    const [name] = await readdir(join(base, 'state', 'conflicts'))
    const kept = parseAddCheckpoint(await readFile(join(base, 'state', 'conflicts', name!)))
    expect(parseNote(kept.checkpoint).text).toContain(ORIGIN)
  })

  test('never cosigns a tree that does not continue the one before', async () => {
    await ask({ size: 5 })
    expect(await statusOf({ old: 5, size: 8, name: 'b' })).toBe(422)
    expect(await statusOf({ old: 5, size: 8 })).toBe(200)
  })

  test('never goes back: not by a smaller tree, not across a restart', async () => {
    await ask({ size: 5 })
    await ask({ old: 5, size: 9 })
    witness = open()
    expect(await ask({ old: 5, size: 7 })).toMatchObject({ status: 409, body: '9\n' })
    expect(await ask({ old: 0, size: 3 })).toMatchObject({ status: 409, body: '9\n' })
    expect(await statusOf({ old: 9, size: 3 })).toBe(400)
  })

  test('cosigns nothing of an unknown log, an unknown key or a forged signature', async () => {
    const stranger = await openLogSigner(join(base, 'keys', 'stranger'), ORIGIN)
    const other = await openLogSigner(join(base, 'keys', 'other'), 'other.example/evidence')
    expect(await statusOf({ size: 5, by: other, origin: 'other.example/evidence' })).toBe(404)
    expect(await statusOf({ size: 5, by: stranger })).toBe(403)
    expect(await statusOf({ size: 5, by: { key: log.key, sign: stranger.sign } })).toBe(403)
    expect(await readdir(join(base, 'state')).catch(() => [])).toEqual([])
  })

  test('has recorded what it cosigns before the cosignature exists', async () => {
    const sign = async (): Promise<never> => {
      throw new TypeError('the process ends here')
    }
    signer = { key: signer.key, sign }
    await expect(ask({ size: 5 }, open())).rejects.toThrow('ends here')
    signer = await openWitnessSigner(join(base, 'keys', 'witness'), 'witness.example/w1')
    witness = open()
    expect(await statusOf({ old: 0, size: 5, name: 'b' })).toBe(409)
    expect(await statusOf({ old: 5, size: 5 })).toBe(200)
  })

  test('of two requests at once cosigns one tree, never both', async () => {
    const asked = Array.from({ length: 8 }, (_, i) => ask({ size: 5, name: i % 2 === 0 ? 'a' : 'b' }))
    const statuses = (await Promise.all(asked)).map(({ status }) => status)
    expect(statuses.filter((status) => status === 200)).toHaveLength(1)
  })

  test('signs nothing when its own state cannot be read', async () => {
    await ask({ size: 5 })
    const folder = join(base, 'state', 'logs')
    const [name] = await readdir(folder)
    for (const text of ['', '{', 'null', '{"schema":2}']) {
      await writeFile(join(folder, name!), text)
      await expect(ask({ size: 6 }, open())).rejects.toThrow(
        expect.objectContaining({ code: 'ERR_LOG_WITNESS_STATE' }),
      )
    }
  })

  test('of an empty log cosigns only the empty tree', async () => {
    expect(await statusOf({ size: 0 })).toBe(200)
    const note = await signNote(
      formatCheckpoint({ origin: ORIGIN, size: 0, rootHash: hashLeaf(utf8('x')) }),
      log,
    )
    const body = formatAddCheckpoint({ oldSize: 0, proof: [], checkpoint: utf8(note) })
    expect((await witness.addCheckpoint(body)).status).toBe(409)
  })
})

describe('the wire', () => {
  test('carries any request there and back', () => {
    const hash = fc.uint8Array({ minLength: 32, maxLength: 32 })
    const checkpoint = fc.uint8Array({ maxLength: 200 })
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.array(hash, { maxLength: 63 }), checkpoint, (oldSize, proof, note) => {
        const read = parseAddCheckpoint(formatAddCheckpoint({ oldSize, proof, checkpoint: note }))
        expect({ ...read, checkpoint: new Uint8Array(read.checkpoint) }).toEqual({
          oldSize,
          proof,
          checkpoint: note,
        })
      }),
    )
  })

  const hash = Buffer.alloc(32).toString('base64')
  test.each([
    '',
    'old 0',
    'old 0\n',
    'old 01\n\nx',
    'old -1\n\nx',
    'old 9007199254740993\n\nx',
    `new 0\n\nx`,
    'old 1\nAAAA\n\nx',
    `old 1\n${hash}\r\n\nx`,
    `old 1\n${`${hash}\n`.repeat(64)}\nx`,
    `old 1\n\n${'x'.repeat(200_000)}`,
    '\u00ff\n\nx',
  ])('refuses %j', async (text) => {
    expect((await witness.addCheckpoint(utf8(text))).status).toBe(400)
  })

  test('never throws, whatever bytes come', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        expect((await witness.addCheckpoint(bytes)).status).toBe(400)
      }),
    )
  })

  test('is one path, one method, and a body of limited length', async () => {
    const handle = witnessHandler(witness)
    const at = (path: string, init: RequestInit = {}) => handle(new Request(`http://localhost${path}`, init))
    expect((await at('/')).status).toBe(404)
    expect((await at('/add-checkpoint')).status).toBe(405)
    const long = { method: 'POST', body: new Uint8Array(200_000) }
    expect((await at('/add-checkpoint', long)).status).toBe(413)
    const good = await at('/add-checkpoint', {
      method: 'POST',
      body: new Uint8Array(await bodyOf({ size: 2 })),
    })
    expect([good.status, await good.text()]).toEqual([200, expect.stringMatching(/^— witness\.example\/w1 /)])
  })
})
