import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { PROVIDER_TIMEOUT_MS, type KeyProvider } from '../provider.ts'

/** A way in which a backend can fail, made to happen and undone. */
export interface ProviderOutage {
  /** `refuses connections`, `never answers`. */
  readonly name: string
  begin(): Promise<void>
  end(): Promise<void>
}

/** A provider over a backend of its own, opened for one case. */
export interface ProviderUnderTest {
  readonly provider: KeyProvider
  /** The same backend again, as after a restart of the process. */
  reopen(): Promise<KeyProvider>
  /** Ways to take the backend away. Each gets a case of its own. */
  readonly outages: readonly ProviderOutage[]
  /** Milliseconds one call may take: what the provider was opened with. Default 5,000. */
  readonly timeoutMs?: number
  /** Words that must not stand in any error, such as a PIN or a token. */
  readonly secrets?: readonly string[]
  close(): Promise<void>
}

/** One case of a contract, for any test runner. */
export interface ContractCase {
  readonly name: string
  /** Rejects with an `AssertionError` where the contract is broken. */
  run(): Promise<void>
}

/** Milliseconds beyond its declared time that a provider may take on a busy machine. */
const SLACK_MS = 3_000
const MEMBERS = ['name', 'waitingMs', 'create', 'wrap', 'unwrap', 'open', 'destroy', 'list', 'close']
const CONTEXTS = [Buffer.alloc(0), Buffer.from([0, 255, 10, 0]), randomBytes(300)]
const context = Buffer.from('surety contract')

/**
 * The cases that every key provider has to pass. `outages` names the ways to fail that `open` offers.
 *
 * @example
 * for (const { name, run } of keyProviderContract(openMine, ['refuses connections'])) test(name, run)
 */
export function keyProviderContract(
  open: () => Promise<ProviderUnderTest>,
  outages: readonly string[],
): readonly ContractCase[] {
  const on = (work: (subject: ProviderUnderTest) => Promise<void>) => async (): Promise<void> => {
    const subject = await open()
    try {
      await work(subject)
    } finally {
      await subject.close()
    }
  }
  const cases = Object.entries(CASES).map(([name, work]) => ({ name, run: on(work) }))
  const failing = outages.map((name) => ({
    name: `says within its time that it is unavailable, and recovers by itself, when the backend ${name}`,
    run: on((subject) => survivesOutage(subject, name)),
  }))
  return [...cases, ...failing]
}

type Case = (subject: ProviderUnderTest) => Promise<void>

const CASES: Readonly<Record<string, Case>> = {
  async 'gives back what it wrapped, of every size and under binary contexts'({ provider }) {
    const key = await provider.create('contract')
    for (const size of [1, 32, 1024]) {
      for (const each of CONTEXTS) {
        const plaintext = randomBytes(size)
        const wrapped = await provider.wrap(key, plaintext, each)
        assert.deepEqual(Buffer.from(await provider.unwrap(key, wrapped, each)), plaintext)
      }
    }
  },

  async 'keeps keys over a restart'({ provider, reopen }) {
    const key = await provider.create('contract')
    const wrapped = await provider.wrap(key, SECRET, context)
    const again = await reopen()
    try {
      assert.deepEqual(Buffer.from(await again.unwrap(key, wrapped, context)), SECRET)
      assert.equal(stateOf(await again.list(), key), 'live')
    } finally {
      await again.close?.()
    }
  },

  async 'unwraps nothing under another context'({ provider }) {
    const key = await provider.create('contract')
    const wrapped = await provider.wrap(key, SECRET, context)
    for (const other of [Buffer.alloc(0), Buffer.from('surety contracT'), Buffer.concat([context, context])])
      await refuses(provider.unwrap(key, wrapped, other), 'ERR_KEYS_UNWRAP')
  },

  async 'unwraps nothing under another key, even one with the same label'({ provider }) {
    const [key, other] = [await provider.create('contract'), await provider.create('contract')]
    assert.notEqual(key, other)
    const wrapped = await provider.wrap(key, SECRET, context)
    await refuses(provider.unwrap(other, wrapped, context), 'ERR_KEYS_UNWRAP')
  },

  async 'unwraps nothing that was edited, cut or made up'({ provider }) {
    const key = await provider.create('contract')
    const wrapped = Buffer.from(await provider.wrap(key, SECRET, context))
    const edits = [0, 1, wrapped.length >> 1, wrapped.length - 17, wrapped.length - 1].map((at) => {
      const edited = Buffer.from(wrapped)
      edited[at]! ^= 1
      return edited
    })
    const cuts = [
      wrapped.subarray(0, -1),
      wrapped.subarray(1),
      Buffer.alloc(0),
      Buffer.concat([wrapped, SECRET]),
    ]
    for (const bytes of [...edits, ...cuts, randomBytes(wrapped.length)])
      await refuses(provider.unwrap(key, bytes, context), 'ERR_KEYS_UNWRAP')
  },

  async 'wraps the same bytes differently each time, and never shows them'({ provider }) {
    const key = await provider.create('contract')
    const first = Buffer.from(await provider.wrap(key, SECRET, context))
    const second = Buffer.from(await provider.wrap(key, SECRET, context))
    assert.notDeepEqual(first, second)
    for (const encoding of ['latin1', 'hex', 'base64'] as const)
      assert.ok(!first.toString('latin1').includes(SECRET.toString(encoding)), 'the wrap shows its plaintext')
  },

  async 'destroys a key for good, for every opening of it, and may be told so twice'({ provider, reopen }) {
    const [key, kept] = [await provider.create('contract'), await provider.create('contract')]
    const wrapped = await provider.wrap(key, SECRET, context)
    const wrappedByKept = await provider.wrap(kept, SECRET, context)
    const again = await reopen()
    try {
      await again.unwrap(key, wrapped, context)
      assert.ok(['confirmed', 'attested', 'scheduled'].includes(await provider.destroy(key)))
      await provider.destroy(key)
      for (const each of [provider, again]) {
        await refuses(each.unwrap(key, wrapped, context), 'ERR_KEYS_DESTROYED')
        await refuses(each.wrap(key, SECRET, context), 'ERR_KEYS_DESTROYED')
        assert.deepEqual(Buffer.from(await each.unwrap(kept, wrappedByKept, context)), SECRET)
      }
    } finally {
      await again.close?.()
    }
  },

  async 'makes a fresh key after a destruction, not the old one again'({ provider }) {
    const key = await provider.create('contract')
    const wrapped = await provider.wrap(key, SECRET, context)
    await provider.destroy(key)
    const fresh = await provider.create('contract')
    assert.notEqual(fresh, key)
    await refuses(provider.unwrap(fresh, wrapped, context), 'ERR_KEYS_UNWRAP')
  },

  async 'lists live keys as live and others never so'({ provider }) {
    const [kept, gone] = [await provider.create('contract'), await provider.create('contract')]
    assert.equal(stateOf(await provider.list(), gone), 'live')
    const evidence = await provider.destroy(gone)
    const listed = await provider.list()
    assert.equal(stateOf(listed, kept), 'live')
    assert.equal(listed.find(({ id }) => id === kept)?.label, 'contract')
    assert.notEqual(stateOf(listed, gone), 'live')
    assert.ok(Number.isFinite(listed.find(({ id }) => id === kept)?.createdAt))
    const ending = listed.find(({ id }) => id === gone && evidence === 'scheduled')
    if (evidence !== 'scheduled') return
    assert.equal(ending?.state, 'ending')
    assert.ok(
      (ending.destroyedBy ?? 0) >= ending.createdAt + (provider.waitingMs ?? Number.NaN),
      'no end is told',
    )
  },

  async 'takes calls at the same time'({ provider }) {
    const keys = await Promise.all([1, 2, 3, 4].map((number) => provider.create(`contract-${number}.x`)))
    assert.equal(new Set(keys).size, keys.length)
    const work = Array.from({ length: 20 }, async (_, at) => {
      const plaintext = randomBytes(32)
      const wrapped = await provider.wrap(keys[at % 4]!, plaintext, context)
      assert.deepEqual(Buffer.from(await provider.unwrap(keys[at % 4]!, wrapped, context)), plaintext)
    })
    await Promise.all(work)
    await Promise.all(keys.map((key) => provider.destroy(key)))
  },

  async 'has no way to get a key out, and keeps none where it can be seen'({ provider }) {
    const key = await provider.create('contract')
    const wrapped = await provider.wrap(key, SECRET, context)
    await provider.unwrap(key, wrapped, context)
    const unknown = Object.keys(provider).filter((member) => !MEMBERS.includes(member))
    assert.deepEqual(unknown, [], 'the provider has members beyond the port')
    const shown = inspect([provider, await provider.list()], { depth: null, showHidden: true })
    for (const encoding of ['hex', 'base64', 'latin1'] as const)
      assert.ok(!shown.includes(SECRET.toString(encoding)), 'the provider shows what it unwrapped')
  },

  async 'opens a key for a batch, if it does at all, to the same wraps, and none that is destroyed'({
    provider,
  }) {
    if (provider.open === undefined) return
    const key = await provider.create('contract')
    const [one, other] = [await provider.open(key), await provider.open(await provider.create('contract'))]
    const wrapped = await one.wrap(SECRET, context)
    assert.deepEqual(Buffer.from(await provider.unwrap(key, wrapped, context)), SECRET)
    const single = await provider.wrap(key, SECRET, context)
    assert.deepEqual(Buffer.from(await one.unwrap(single, context)), SECRET)
    const refusal = { code: 'ERR_KEYS_UNWRAP' }
    await assert.rejects(async () => one.unwrap(single, Buffer.from('another context')), refusal)
    await assert.rejects(async () => other.unwrap(single, context), refusal)
    await provider.destroy(key)
    await assert.rejects(async () => provider.open?.(key), { code: 'ERR_KEYS_DESTROYED' })
  },

  async 'refuses the ids of keys that it never made, in coded words'({ provider, secrets = [] }) {
    for (const id of [
      '',
      'x',
      '../../etc/passwd',
      'a'.repeat(5000),
      '0190b4d0-0000-7000-8000-000000000000',
    ]) {
      for (const call of [
        () => provider.wrap(id, SECRET, context),
        () => provider.unwrap(id, SECRET, context),
      ])
        keepsSecrets(await refuses(call(), /^ERR_KEYS_/), secrets)
    }
  },
}

const SECRET = randomBytes(32)

async function survivesOutage(subject: ProviderUnderTest, name: string): Promise<void> {
  const { provider, outages, timeoutMs = PROVIDER_TIMEOUT_MS, secrets = [] } = subject
  const outage = outages.find((each) => each.name === name)
  assert.ok(outage, `the backend under test cannot fail as "${name}"`)
  const key = await provider.create('contract')
  const wrapped = await provider.wrap(key, SECRET, context)
  const calls = {
    wrap: () => provider.wrap(key, SECRET, context),
    unwrap: () => provider.unwrap(key, wrapped, context),
    create: () => provider.create('contract'),
    destroy: () => provider.destroy(key),
    list: () => provider.list(),
  }
  await outage.begin()
  try {
    const ends = async ([member, call]: readonly [string, () => Promise<unknown>]): Promise<void> => {
      const ended = inTime(call(), timeoutMs + SLACK_MS, member)
      keepsSecrets(await refuses(ended, 'ERR_KEYS_PROVIDER_UNAVAILABLE', member), secrets)
    }
    // Every member at once, as a system's requests come, and one more when the outage is known.
    for (const outcome of await Promise.allSettled(Object.entries(calls).map(ends)))
      if (outcome.status === 'rejected') throw outcome.reason
    await ends(['wrap', calls.wrap])
  } finally {
    await outage.end()
  }
  assert.deepEqual(Buffer.from(await provider.unwrap(key, wrapped, context)), SECRET)
  assert.equal(stateOf(await provider.list(), key), 'live')
}

/** A call that hangs for ever fails its case instead of hanging the run. */
async function inTime<T>(call: Promise<T>, limitMs: number, member: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const message = `${member} did not end in time`
    timer = setTimeout(() => reject(new assert.AssertionError({ message })), limitMs)
  })
  return Promise.race([call, late]).finally(() => clearTimeout(timer))
}

function stateOf(listed: Awaited<ReturnType<KeyProvider['list']>>, key: string): string | undefined {
  return listed.find(({ id }) => id === key)?.state
}

async function refuses(call: Promise<unknown>, code: string | RegExp, member = 'the call'): Promise<unknown> {
  const outcome = await call.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (outcome instanceof assert.AssertionError) throw outcome
  assert.ok(outcome, `${member} should have been refused with ${String(code)}`)
  const told = String((outcome as { code?: unknown }).code)
  const matches = typeof code === 'string' ? told === code : code.test(told)
  assert.ok(matches, `${member} was refused with ${told} (${inspect(outcome)}), not with ${String(code)}`)
  return outcome
}

/** Neither the message, the mend nor any cause may quote a secret or what was to be wrapped. */
function keepsSecrets(error: unknown, secrets: readonly string[]): void {
  const words = inspect(error, { depth: null })
  const all = [...secrets, SECRET.toString('hex'), SECRET.toString('base64')]
  assert.ok(!all.some((secret) => words.includes(secret)), 'an error quotes a secret')
}
