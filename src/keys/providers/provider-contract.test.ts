import { createHash, createSecretKey, type KeyObject } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createPseudonym } from '../../kernel/index.ts'
import { KeysError } from '../errors.ts'
import { gcmOpen, gcmSeal } from '../gcm.ts'
import type { KeyProvider, ProviderKey } from '../provider.ts'
import { keyProviderContract } from './provider-contract.ts'

/** A sound provider in memory, as its own parts, so that a test can put a bad one in place of any. */
function sound(): { keys: Map<string, Held>; provider: KeyProvider } {
  const keys = new Map<string, Held>()
  const held = (id: string): Held => {
    const key = keys.get(id)
    if (!key) throw new KeysError('ERR_KEYS_UNWRAP', 'there is no such key')
    if (key.state === 'destroyed') throw new KeysError('ERR_KEYS_DESTROYED', 'the key is destroyed')
    return key
  }
  const provider: KeyProvider = {
    name: 'memory',
    async create(label) {
      const id = createPseudonym()
      const key = createSecretKey(createHash('sha256').update(createPseudonym()).digest())
      keys.set(id, { id, label, createdAt: 1, state: 'live', key })
      return id
    },
    wrap: async (id, plaintext, context) => gcmSeal(held(id).key, context, plaintext),
    async unwrap(id, wrapped, context) {
      const plaintext = gcmOpen(held(id).key, context, wrapped)
      if (plaintext === null) throw new KeysError('ERR_KEYS_UNWRAP', 'it does not open')
      return plaintext
    },
    async destroy(id) {
      const key = held(id)
      keys.set(id, { ...key, state: 'destroyed' })
      return 'confirmed'
    },
    list: async () => [...keys.values()].map(({ key: _, ...described }) => described),
  }
  const { destroy } = provider
  provider.destroy = async (id) => (keys.get(id)?.state === 'destroyed' ? 'confirmed' : destroy(id))
  return { keys, provider }
}

interface Held extends ProviderKey {
  readonly key: KeyObject
}

const none = new Uint8Array()

/** Names of the cases that a provider breaks. */
async function broken(spoil: (own: ReturnType<typeof sound>) => Partial<KeyProvider>): Promise<string[]> {
  const open = async () => {
    const own = sound()
    const provider = Object.assign({ ...own.provider }, spoil(own))
    const down = { name: 'goes away', begin: async () => undefined, end: async () => undefined }
    return {
      provider,
      reopen: async () => provider,
      outages: [down],
      timeoutMs: 10,
      close: async () => undefined,
    }
  }
  const names: string[] = []
  for (const { name, run } of keyProviderContract(open, ['goes away']))
    await run().catch(() => names.push(name))
  // The memory never goes away, which this case always notices.
  return names.filter((name) => !name.includes('goes away'))
}

describe('the contract of key providers', () => {
  it('is passed by a sound provider, and counts its cases', async () => {
    expect(await broken(() => ({}))).toEqual([])
    const open = async (): Promise<never> => Promise.reject(new TypeError('never opened'))
    expect(keyProviderContract(open, ['a', 'b']).length).toBeGreaterThanOrEqual(14)
  })

  it.each<[string, Parameters<typeof broken>[0], string]>([
    [
      'forgets the context',
      ({ provider }) => ({
        wrap: (id, plaintext) => provider.wrap(id, plaintext, none),
        unwrap: (id, wrapped) => provider.unwrap(id, wrapped, none),
      }),
      'unwraps nothing under another context',
    ],
    ['stores what it is given', () => ({ wrap: async (_, plaintext) => plaintext }), 'never shows them'],
    ['destroys nothing', () => ({ destroy: async () => 'confirmed' }), 'destroys a key for good'],
    [
      'can be told to destroy only once',
      ({ keys, provider }) => ({
        destroy: (id) =>
          keys.get(id)?.state === 'destroyed' ? Promise.reject(new TypeError('gone')) : provider.destroy(id),
      }),
      'may be told so twice',
    ],
    [
      'makes one key per label',
      ({ keys, provider }) => ({
        create: async (label) =>
          [...keys.values()].find((key) => key.label === label)?.id ?? provider.create(label),
      }),
      'even one with the same label',
    ],
    [
      'lists destroyed keys as live',
      ({ provider }) => ({
        list: async () => (await provider.list()).map((key) => ({ ...key, state: 'live' as const })),
      }),
      'lists live keys as live and others never so',
    ],
    [
      'schedules without saying when',
      ({ provider }) => ({
        waitingMs: 5,
        destroy: async (id) => (await provider.destroy(id), 'scheduled'),
      }),
      'lists live keys as live and others never so',
    ],
    [
      'opens edited bytes',
      ({ provider }) => ({
        unwrap: (id, wrapped, context) => provider.unwrap(id, wrapped, context).catch(() => none),
      }),
      'unwraps nothing that was edited',
    ],
    [
      'gives keys away',
      ({ keys }) => ({ exportKey: (id: string) => keys.get(id)?.key.export() }) as Partial<KeyProvider>,
      'has no way to get a key out',
    ],
    [
      'refuses without a code',
      () => ({ unwrap: () => Promise.reject(new TypeError('no')) }),
      'refuses the ids of keys that it never made',
    ],
    [
      'answers one call at a time',
      ({ provider }) => {
        let busy = false
        return {
          async wrap(...values) {
            if (busy) throw new KeysError('ERR_KEYS_PROVIDER_UNAVAILABLE', 'busy')
            busy = true
            await new Promise((resolve) => setTimeout(resolve, 1))
            busy = false
            return provider.wrap(...values)
          },
        }
      },
      'takes calls at the same time',
    ],
  ])('notices a provider that %s', async (_, spoil, name) => {
    expect(await broken(spoil)).toContainEqual(expect.stringContaining(name))
  })

  it('notices a provider that hangs, and one that does not notice its outage', async () => {
    const hanging = async () => {
      let hangs = false
      const { provider } = sound()
      const wrap: KeyProvider['wrap'] = (...values) =>
        hangs ? new Promise(() => undefined) : provider.wrap(...values)
      const outage = { name: 'hangs', begin: async () => void (hangs = true), end: async () => undefined }
      return {
        provider: { ...provider, wrap },
        reopen: async () => provider,
        outages: [outage],
        timeoutMs: 10,
        close: async () => undefined,
      }
    }
    const survives = keyProviderContract(hanging, ['hangs']).find(({ name }) => name.includes('hangs'))
    await expect(survives!.run()).rejects.toThrow('wrap did not end in time')
  })
})
