import type { Clock } from '../../kernel/index.ts'
import type { AttemptStore, Counts, KeptCount, Sighting } from './attempt-store.ts'
import { ATTACK, type Count, type Seen } from './limits.ts'

/** Sends one command, as `client.sendCommand` of node-redis does; resolves with the plain reply. */
export type RedisCommand = (command: readonly string[]) => Promise<unknown>

export interface RedisAttemptsOptions {
  readonly send: RedisCommand
  readonly clock: Clock
  /** Name of the system: several may share one Redis. */
  readonly system: string
}

/**
 * Over a Redis 6 or newer, or what speaks its protocol. Keys expire by themselves. Counts live as long as
 * Redis keeps them: one that forgets at a restart, or evicts, gives guesses back.
 */
export function createRedisAttempts(options: RedisAttemptsOptions): AttemptStore {
  return new RedisAttempts(options)
}

/** Each round somebody's change is kept, so that this many who race for one key all come through. */
const MOST_ROUNDS = 200

/** Keeps new texts if the old ones stand as they were read. */
const REPLACE = `
for i, key in ipairs(KEYS) do
  if (redis.call('GET', key) or '') ~= ARGV[i] then return 0 end
end
for i, key in ipairs(KEYS) do
  local at = #KEYS + 2 * i - 1
  if ARGV[at] ~= '' then redis.call('SET', key, ARGV[at], 'PX', ARGV[at + 1]) end
end
return 1`

/** Adds an account to those that failed (odd keys) or succeeded (even ones), and counts both. */
const SEE = `
local counts = {}
for i, key in ipairs(KEYS) do
  if i % 2 == tonumber(ARGV[1]) then
    redis.call('ZADD', key, ARGV[3], ARGV[2])
    redis.call('PEXPIRE', key, ARGV[5])
  end
  redis.call('ZREMRANGEBYSCORE', key, '-inf', '(' .. ARGV[4])
  counts[i] = redis.call('ZCARD', key)
end
return counts`

class RedisAttempts implements AttemptStore {
  readonly #send: RedisCommand
  readonly #clock: Clock
  readonly #prefix: string

  constructor({ send, clock, system }: RedisAttemptsOptions) {
    this.#send = send
    this.#clock = clock
    // In braces: all keys of a system lie on one node of a cluster, since scripts touch several.
    this.#prefix = `{surety:${system}:sign-in}:`
  }

  async read(keys: readonly string[]): Promise<Counts> {
    return toCounts(keys, await this.#texts(keys))
  }

  async change(
    keys: readonly string[],
    step: (counts: Counts) => ReadonlyMap<string, KeptCount>,
  ): Promise<void> {
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const before = await this.#texts(keys)
      const after = step(toCounts(keys, before))
      if (after.size === 0 || (await this.#replace(keys, before, after))) return
    }
    throw new TypeError('Redis kept no change of the counts')
  }

  async see({ scopes, account, succeeded, at }: Sighting, since: number): Promise<ReadonlyMap<string, Seen>> {
    const keys = scopes.flatMap((scope) => [`failed:${scope}`, `succeeded:${scope}`])
    const given = [succeeded ? '0' : '1', account, String(at), String(since), String(ATTACK.windowMs)]
    const counts = await this.#run(SEE, keys, given)
    if (!Array.isArray(counts)) throw new TypeError('Redis answered with no list')
    return new Map(
      scopes.map((scope, i) => [
        scope,
        { failed: Number(counts[2 * i]), succeeded: Number(counts[2 * i + 1]) },
      ]),
    )
  }

  async forget(): Promise<void> {}

  async #replace(
    keys: readonly string[],
    before: readonly string[],
    after: ReadonlyMap<string, KeptCount>,
  ): Promise<boolean> {
    const now = this.#clock.now()
    const texts = keys.flatMap((key) => {
      const count = after.get(key)
      if (!count) return ['', '']
      const { level, at, until, forgottenAt } = count
      return [JSON.stringify([level, at, until]), String(Math.max(1, Math.ceil(forgottenAt - now)))]
    })
    return Number(await this.#run(REPLACE, keys, [...before, ...texts])) === 1
  }

  async #texts(keys: readonly string[]): Promise<string[]> {
    const reply = await this.#send(['MGET', ...keys.map((key) => this.#prefix + key)])
    if (!Array.isArray(reply) || reply.length !== keys.length)
      throw new TypeError('Redis answered with no list')
    return reply.map((text: unknown) => (typeof text === 'string' ? text : ''))
  }

  #run(script: string, keys: readonly string[], given: readonly string[]): Promise<unknown> {
    const named = keys.map((key) => this.#prefix + key)
    return this.#send(['EVAL', script, String(named.length), ...named, ...given])
  }
}

function toCounts(keys: readonly string[], texts: readonly string[]): Counts {
  const counts = new Map<string, Count>()
  for (const [i, key] of keys.entries()) {
    const text = texts[i]
    if (!text) continue
    const [level, at, until] = (JSON.parse(text) as unknown[]).map(Number)
    if (level !== undefined && at !== undefined && until !== undefined) counts.set(key, { level, at, until })
  }
  return counts
}
