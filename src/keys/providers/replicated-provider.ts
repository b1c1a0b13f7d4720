import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { createId, isId, type Clock } from '../../kernel/index.ts'
import { KeysError } from '../errors.ts'
import { guardProvider } from './guarded-provider.ts'
import {
  PROVIDER_TIMEOUT_MS,
  type DestructionEvidence,
  type KeyProvider,
  type ProviderKey,
} from '../provider.ts'

export interface ReplicatedProviderOptions {
  /** Two providers that do not fail together. The first is asked first. */
  readonly replicas: readonly [KeyProvider, KeyProvider]
  readonly clock: Clock
  /** Milliseconds that one call may take; each replica gets half of it. Default 5,000. */
  readonly timeoutMs?: number
}

/** A provider over two others. */
export interface ReplicatedProvider extends KeyProvider {
  /** The same keys through one replica alone: what a drill restores with. */
  through(replica: 0 | 1): Pick<KeyProvider, 'name' | 'unwrap'>
}

const FORMAT = 0x01
const MAC_BYTES = 32

/**
 * Each key twice, once at each replica; a key's id is the UUID that both replicas' labels end with.
 *
 * `wrap` needs both, so that either can open it later; `unwrap` takes the first that can, so one replica
 * may be away or have lost its keys. `create` needs both. `destroy` asks both and is done when both are:
 * else it rejects with `ERR_KEYS_DESTROY_PENDING` and is to be called again; until then the key still
 * opens at the replica that was away. The evidence is the weaker one, the waiting time the longer one.
 *
 * Wrap, format 1: `0x01 ‖ length of A (uint16, big-endian) ‖ A ‖ B ‖ HMAC-SHA-256`, where A and B are the
 * replicas' wraps of `key of the HMAC ‖ plaintext`: neither half can be edited or exchanged.
 */
export function createReplicatedProvider(options: ReplicatedProviderOptions): ReplicatedProvider {
  const { clock, timeoutMs = PROVIDER_TIMEOUT_MS } = options
  const replicas = options.replicas.map((replica) =>
    createReplica(guardProvider(replica, { clock, timeoutMs: timeoutMs / 2 })),
  )
  const both = async <T>(work: (replica: Replica) => Promise<T>): Promise<T[]> =>
    everyone(await Promise.allSettled(replicas.map(work)))
  return {
    name: options.replicas.map(({ name }) => name).join(' + '),
    waitingMs: Math.max(...options.replicas.map(({ waitingMs = 0 }) => waitingMs)),
    async create(label) {
      const pair = createId(clock)
      const made = await Promise.allSettled(replicas.map((replica) => replica.create(pair, label)))
      if (made.some(({ status }) => status === 'rejected')) await forget(replicas, pair)
      everyone(made)
      return pair
    },
    async wrap(pair, plaintext, context) {
      const macKey = randomBytes(MAC_BYTES)
      const inner = Buffer.concat([macKey, plaintext])
      const [a, b] = await both((replica) => replica.wrap(pair, inner, context))
      inner.fill(0)
      return sealHalves(macKey, Buffer.from(a!), Buffer.from(b!))
    },
    async unwrap(pair, wrapped, context) {
      try {
        return await openHalf(replicas, 0, pair, wrapped, context)
      } catch (error) {
        if (hasCode(error, 'ERR_KEYS_UNWRAP')) throw error
        return openHalf(replicas, 1, pair, wrapped, context).catch((second: unknown) => {
          // Gone here and away there is not gone: the replica that is away may still open this.
          throw hasCode(second, 'ERR_KEYS_DESTROYED') ? error : second
        })
      }
    },
    async destroy(pair) {
      const ended = await Promise.allSettled(replicas.map((replica) => replica.destroy(pair)))
      const evidence = ended.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
      if (evidence.length === 1) throw pending(replicas[ended[0]!.status === 'rejected' ? 0 : 1]!)
      everyone(ended)
      return weakest(evidence)
    },
    async list() {
      const listed = await Promise.allSettled(replicas.map((replica) => replica.list()))
      const answered = listed.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
      if (answered.length === 0) everyone(listed)
      return merge(answered)
    },
    through: (at) => ({
      name: replicas[at]!.provider.name,
      unwrap: (pair, wrapped, context) => openHalf(replicas, at, pair, wrapped, context),
    }),
    async close() {
      for (const replica of options.replicas) await replica.close?.()
    },
  }
}

/** One replica, whose keys go by the pair's UUID. */
interface Replica {
  readonly provider: KeyProvider
  create(pair: string, label: string): Promise<void>
  wrap(pair: string, plaintext: Uint8Array, context: Uint8Array): Promise<Uint8Array>
  unwrap(pair: string, wrapped: Uint8Array, context: Uint8Array): Promise<Uint8Array>
  destroy(pair: string): Promise<DestructionEvidence>
  /** The replica's keys that belong to a pair, under the pair's UUID. */
  list(): Promise<ProviderKey[]>
}

function createReplica(provider: KeyProvider): Replica {
  const known = new Map<string, string>()
  const list = async (): Promise<ProviderKey[]> => {
    const keys = await provider.list()
    return keys.flatMap((key) => {
      const pair = key.label.slice(-36)
      if (!isId(pair)) return []
      known.set(pair, key.id)
      return [{ ...key, id: pair, label: key.label.slice(0, -37) }]
    })
  }
  const idOf = async (pair: string): Promise<string | undefined> => {
    if (!isId(pair)) throw new KeysError('ERR_KEYS_UNWRAP', 'the provider key id is malformed')
    if (!known.has(pair)) await list()
    return known.get(pair)
  }
  const heldId = async (pair: string): Promise<string> => {
    const id = await idOf(pair)
    if (id !== undefined) return id
    throw new KeysError(
      'ERR_KEYS_DESTROYED',
      `the replica ${provider.name} does not hold key ${pair} any more`,
    )
  }
  return {
    provider,
    list,
    create: async (pair, label) => void known.set(pair, await provider.create(`${label}.${pair}`)),
    wrap: async (pair, ...rest) => provider.wrap(await heldId(pair), ...rest),
    unwrap: async (pair, ...rest) => provider.unwrap(await heldId(pair), ...rest),
    async destroy(pair) {
      const id = await idOf(pair)
      // Not there when asked, and not seen to go.
      return id === undefined ? 'attested' : provider.destroy(id)
    },
  }
}

/** Every value, or the first refusal. */
function everyone<T>(outcomes: readonly PromiseSettledResult<T>[]): T[] {
  return outcomes.map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason
    return outcome.value
  })
}

/** Half a pair wraps nothing: what remains of it is removed where that can be done now. */
async function forget(replicas: readonly Replica[], pair: string): Promise<void> {
  await Promise.allSettled(replicas.map((replica) => replica.destroy(pair)))
}

function pending({ provider }: Replica): InstanceType<typeof KeysError> {
  const message = `the key is destroyed at one replica and not yet at the other, ${provider.name}`
  return new KeysError('ERR_KEYS_DESTROY_PENDING', message)
}

const STRENGTH: readonly DestructionEvidence[] = ['scheduled', 'attested', 'confirmed']

function weakest(evidence: readonly DestructionEvidence[]): DestructionEvidence {
  return STRENGTH.find((each) => evidence.includes(each)) ?? 'attested'
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof KeysError && error.code === code
}

function sealHalves(macKey: Buffer, a: Buffer, b: Buffer): Buffer {
  const header = Buffer.alloc(3)
  header.writeUInt8(FORMAT)
  header.writeUInt16BE(a.length, 1)
  const halves = Buffer.concat([header, a, b])
  return Buffer.concat([halves, macOf(macKey, halves)])
}

async function openHalf(
  replicas: readonly Replica[],
  at: 0 | 1,
  pair: string,
  wrapped: Uint8Array,
  context: Uint8Array,
): Promise<Uint8Array> {
  const bytes = Buffer.from(wrapped)
  const halves = bytes.subarray(0, Math.max(bytes.length - MAC_BYTES, 0))
  const split = halves.length >= 3 && halves[0] === FORMAT ? 3 + halves.readUInt16BE(1) : Number.NaN
  // Malformed bytes are asked about all the same: that the key is destroyed is to be said first.
  const half = at === 0 ? halves.subarray(3, split || 3) : halves.subarray(split || halves.length)
  const inner = Buffer.from(await replicas[at]!.unwrap(pair, half, context))
  const expected = macOf(inner.subarray(0, MAC_BYTES), halves)
  if (inner.length <= MAC_BYTES || !timingSafeEqual(expected, bytes.subarray(halves.length)))
    throw new KeysError('ERR_KEYS_UNWRAP', 'what the key wrapped does not open')
  return inner.subarray(MAC_BYTES)
}

function macOf(key: Buffer, halves: Buffer): Buffer {
  return createHmac('sha256', key).update('surety/replicated/1').update(halves).digest()
}

/** One entry per pair: live while no replica says otherwise, ending while one of them still holds it. */
function merge(lists: readonly (readonly ProviderKey[])[]): ProviderKey[] {
  const pairs = new Map<string, ProviderKey[]>()
  for (const key of lists.flat()) pairs.set(key.id, [...(pairs.get(key.id) ?? []), key])
  return [...pairs.values()].map((keys) => {
    const [first] = keys as [ProviderKey]
    const states = new Set(keys.map(({ state }) => state))
    if (states.size === 1 && first.state !== 'ending') return first
    const destroyedBy = Math.max(...keys.map((key) => key.destroyedBy ?? 0))
    const { id, createdAt, label } = first
    return { id, createdAt, label, state: 'ending', ...(destroyedBy > 0 ? { destroyedBy } : {}) }
  })
}
