import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { manualClock, type ManualClock } from '../../kernel/index.ts'
import { failingLine, LINE_OUTAGES, outagesOf, type FailingLine } from '../testing/failing-line.ts'
import { openFileProvider } from './file-provider.ts'
import { guardProvider, type GuardedProvider } from './guarded-provider.ts'
import { keyProviderContract, type ProviderUnderTest } from './provider-contract.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
// A file is brought to the disk in each call, which can take a second on a busy one.
const TIMEOUT_MS = 4_000
const UNAVAILABLE = { code: 'ERR_KEYS_PROVIDER_UNAVAILABLE' }
const secret = Buffer.alloc(32, 7)
const context = Buffer.from('bucket 1')

let base: string
let clock: ManualClock
let line: FailingLine
let guarded: GuardedProvider
let id: string
let wrapped: Uint8Array

async function openGuarded(through: FailingLine): Promise<GuardedProvider> {
  const files = await openFileProvider({ folder: join(base, 'keys'), outside: [], clock })
  return guardProvider(through.to(files), { clock, timeoutMs: TIMEOUT_MS, outageMs: HOUR_MS })
}

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'surety-guard-'))
  clock = manualClock(Date.UTC(2026, 10, 1))
  line = failingLine()
  guarded = await openGuarded(line)
  id = await guarded.create('live-1')
  wrapped = await guarded.wrap(id, secret, context)
  return () => rm(base, { recursive: true, force: true })
})

async function openSubject(): Promise<ProviderUnderTest> {
  const own = failingLine()
  return {
    provider: without(await openGuarded(own)),
    reopen: () => openGuarded(failingLine()),
    timeoutMs: TIMEOUT_MS,
    outages: outagesOf(own),
    close: async () => undefined,
  }
}

/** The port's own members: what the contract looks at. */
function without({ permit: _, ...provider }: GuardedProvider): Omit<GuardedProvider, 'permit'> {
  return provider
}

/** Lets what runs in the background come to its end. */
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, TIMEOUT_MS + 100))

describe('the guarded provider', () => {
  for (const { name, run } of keyProviderContract(openSubject, LINE_OUTAGES)) it(name, run, 90_000)

  it('gives up on a provider that hangs, and then refuses soon while one call still tries', async () => {
    line.state = 'hangs'
    await expect(guarded.unwrap(id, wrapped, context)).rejects.toMatchObject(UNAVAILABLE)
    const before = line.calls
    const calls = Array.from({ length: 50 }, () => guarded.unwrap(id, wrapped, context))
    await expect(Promise.any(calls)).rejects.toBeInstanceOf(AggregateError)
    expect(line.calls).toBe(before + 1)
  })

  it('serves calls side by side from the first one on when the provider is back', async () => {
    line.state = 'refuses'
    await expect(guarded.unwrap(id, wrapped, context)).rejects.toMatchObject(UNAVAILABLE)
    line.state = 'works'
    await Promise.all([1, 2, 3].map(() => guarded.unwrap(id, wrapped, context)))
  })

  it('takes what a provider says about a key for an answer', async () => {
    await guarded.destroy(id)
    await expect(guarded.unwrap(id, wrapped, context)).rejects.toMatchObject({ code: 'ERR_KEYS_DESTROYED' })
    expect(guarded.permit()).toBeUndefined()
  })
})

describe('opened keys', () => {
  it('may be used without asking while the provider answered of late', async () => {
    const before = line.calls
    clock.advance(MINUTE_MS - 1)
    expect(guarded.permit()).toBeUndefined()
    expect(line.calls).toBe(before)
  })

  it('may be used for the declared time without the provider, and not a moment longer', async () => {
    line.state = 'refuses'
    clock.advance(HOUR_MS - 1)
    expect(guarded.permit()).toBeUndefined()
    clock.advance(1)
    await expect(guarded.permit()).rejects.toMatchObject(UNAVAILABLE)
  })

  it('are refused at once, not after the time limit, by a provider known to hang', async () => {
    line.state = 'hangs'
    clock.advance(HOUR_MS)
    await expect(guarded.permit()).rejects.toMatchObject(UNAVAILABLE)
    clock.advance(5_000)
    const waited = await Promise.race([
      guarded.permit()!.catch(() => 'refused'),
      settle().then(() => 'waited'),
    ])
    expect(waited).toBe('refused')
  })

  it('serve on after a long silence that was nobody’s fault', async () => {
    clock.advance(10 * HOUR_MS)
    await guarded.permit()
    expect(guarded.permit()).toBeUndefined()
  })

  it('are served again, by themselves, once the provider answers', async () => {
    line.state = 'refuses'
    clock.advance(HOUR_MS)
    await expect(guarded.permit()).rejects.toMatchObject(UNAVAILABLE)
    line.state = 'works'
    clock.advance(1_000)
    await guarded.permit()!.catch(() => undefined)
    await settle()
    expect(guarded.permit()).toBeUndefined()
  })

  it('ask an absent provider once a second at most, however often they are used', async () => {
    line.state = 'refuses'
    clock.advance(HOUR_MS)
    const before = line.calls
    for (let use = 0; use < 100; use++) await guarded.permit()!.catch(() => undefined)
    expect(line.calls).toBe(before + 1)
  })
})
