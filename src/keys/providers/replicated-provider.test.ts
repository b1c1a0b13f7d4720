import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { manualClock } from '../../kernel/index.ts'
import { failingLine, LINE_OUTAGES, outagesOf, type FailingLine } from '../testing/failing-line.ts'
import { openFileProvider } from './file-provider.ts'
import type { KeyProvider } from '../provider.ts'
import { keyProviderContract, type ProviderUnderTest } from './provider-contract.ts'
import { createReplicatedProvider, type ReplicatedProvider } from './replicated-provider.ts'

const clock = manualClock(Date.UTC(2026, 10, 1))
const TIMEOUT_MS = 4_000
const secret = Buffer.alloc(32, 7)
const context = Buffer.from('bucket 1')

let base: string
let lines: [FailingLine, FailingLine]
let pair: ReplicatedProvider
let id: string
let wrapped: Uint8Array

async function openPair(through: readonly [FailingLine, FailingLine]): Promise<ReplicatedProvider> {
  const at = async (number: 0 | 1): Promise<KeyProvider> => {
    const files = await openFileProvider({ folder: join(base, String(number)), outside: [], clock })
    return { ...through[number].to(files), name: `replica-${number}` }
  }
  return createReplicatedProvider({ replicas: [await at(0), await at(1)], clock, timeoutMs: TIMEOUT_MS })
}

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'surety-replicas-'))
  lines = [failingLine(), failingLine()]
  pair = await openPair(lines)
  id = await pair.create('live-1')
  wrapped = await pair.wrap(id, secret, context)
  return () => rm(base, { recursive: true, force: true })
})

async function openSubject(): Promise<ProviderUnderTest> {
  const { through: _, ...provider } = await openPair(lines)
  return {
    provider,
    reopen: () => openPair([failingLine(), failingLine()]),
    timeoutMs: TIMEOUT_MS,
    outages: outagesOf(...lines),
    close: async () => undefined,
  }
}

describe('the replicated provider', () => {
  for (const { name, run } of keyProviderContract(openSubject, LINE_OUTAGES)) it(name, run, 90_000)

  it.each([0, 1] as const)('opens everything with replica %i alone', async (at) => {
    expect(Buffer.from(await pair.through(at).unwrap(id, wrapped, context))).toEqual(secret)
  })

  it('refuses a wrap whose halves come from two different wraps', async () => {
    const other = Buffer.from(await pair.wrap(id, Buffer.alloc(32, 8), context))
    const half = 3 + other.readUInt16BE(1)
    const mixed = Buffer.concat([Buffer.from(wrapped).subarray(0, half), other.subarray(half)])
    await expect(pair.unwrap(id, mixed, context)).rejects.toMatchObject({ code: 'ERR_KEYS_UNWRAP' })
    lines[0].state = 'refuses'
    await expect(pair.unwrap(id, mixed, context)).rejects.toMatchObject({ code: 'ERR_KEYS_UNWRAP' })
  })
})

describe.each([
  [0, 'hangs'],
  [1, 'hangs'],
  [0, 'refuses'],
  [1, 'refuses'],
] as const)('while replica %i %s', (at, state) => {
  beforeEach(() => {
    lines[at].state = state
  })

  it('what is wrapped opens, also after a restart, and keys are listed', async () => {
    expect(Buffer.from(await pair.unwrap(id, wrapped, context))).toEqual(secret)
    const again = await openPair(lines)
    expect(Buffer.from(await again.unwrap(id, wrapped, context))).toEqual(secret)
    expect(await again.list()).toEqual([{ id, label: 'live-1', createdAt: clock.now(), state: 'live' }])
  })

  it('nothing is made or wrapped, and no half of a key stays', async () => {
    for (const call of [() => pair.create('live-2'), () => pair.wrap(id, secret, context)])
      await expect(call()).rejects.toMatchObject({ code: 'ERR_KEYS_PROVIDER_UNAVAILABLE' })
    lines[at].state = 'works'
    const live = (await (await openPair(lines)).list()).filter((key) => key.state === 'live')
    expect(live.map((key) => key.id)).toEqual([id])
  })

  it('a destruction is pending and says where, still opens there, and ends when it is tried again', async () => {
    await expect(pair.destroy(id)).rejects.toMatchObject({
      code: 'ERR_KEYS_DESTROY_PENDING',
      message: expect.stringContaining(`replica-${at}`) as string,
    })
    lines[at].state = 'works'
    expect(await pair.list()).toMatchObject([{ id, state: 'ending' }])
    expect(Buffer.from(await pair.unwrap(id, wrapped, context))).toEqual(secret)
    expect(await pair.destroy(id)).toBe('attested')
    expect(await pair.list()).toMatchObject([{ id, state: 'destroyed' }])
    await expect(pair.unwrap(id, wrapped, context)).rejects.toMatchObject({ code: 'ERR_KEYS_DESTROYED' })
  })
})

it('a replica that lost its keys is no loss: the other opens', async () => {
  await rm(join(base, '0'), { recursive: true })
  const again = await openPair(lines)
  expect(Buffer.from(await again.unwrap(id, wrapped, context))).toEqual(secret)
})

it('tells the weaker evidence and the longer waiting time', async () => {
  const slow: KeyProvider = { ...(await openFileProvider({ folder: join(base, '0'), outside: [], clock })) }
  const quick: KeyProvider = { ...(await openFileProvider({ folder: join(base, '1'), outside: [], clock })) }
  const replicas = [
    {
      ...slow,
      waitingMs: 5,
      destroy: async (key: string) => (await slow.destroy(key), 'scheduled' as const),
    },
    { ...quick, destroy: async (key: string) => (await quick.destroy(key), 'confirmed' as const) },
  ] as const
  const both = createReplicatedProvider({ replicas: [replicas[0], replicas[1]], clock })
  expect(both.waitingMs).toBe(5)
  expect(await both.destroy(id)).toBe('scheduled')
})
