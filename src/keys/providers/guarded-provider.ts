import { setTimeout as wait } from 'node:timers/promises'
import type { Clock } from '../../kernel/index.ts'
import { KeysError } from '../errors.ts'
import { PROVIDER_TIMEOUT_MS, type KeyProvider } from '../provider.ts'

export interface GuardOptions {
  readonly clock: Clock
  /** Milliseconds after which a call counts as not answered. Default 5,000. */
  readonly timeoutMs?: number
  /** Milliseconds for which opened keys may be used after the provider's last answer. Default one hour. */
  readonly outageMs?: number
}

export interface GuardedProvider extends KeyProvider {
  /**
   * Asked before each use of keys that are already open. Nothing while the provider answered of late;
   * in the declared time it lets them be used and asks the provider in the background; past that time
   * it rejects with `ERR_KEYS_PROVIDER_UNAVAILABLE` until the provider answers again.
   */
  permit(): Promise<void> | undefined
}

const OUTAGE_MS = 3_600_000
/** The provider is asked at least this often while keys are in use, so that its silence is noticed. */
const MOST_SILENCE_MS = 60_000
/** And, while it is away, no more often than this. */
const PAUSE_MS = 1_000
/** How long a call waits for another one that finds out whether the provider is back. */
const JOIN_MS = 200

/**
 * A provider whose outage is bounded: every call ends within `timeoutMs`; while the last one failed, one
 * call at a time tries again and the others are refused soon, so that a provider that hangs does not
 * hold every connection; and opened keys are used only for a declared time without it. It recovers with
 * the first answer.
 */
export function guardProvider(provider: KeyProvider, options: GuardOptions): GuardedProvider {
  const { clock, timeoutMs = PROVIDER_TIMEOUT_MS, outageMs = OUTAGE_MS } = options
  const { run, isDown, silenceMs } = createLine(provider.name, clock, timeoutMs)
  let askedAt = Number.NEGATIVE_INFINITY
  let asking: Promise<void> | null = null
  let ask = async (): Promise<unknown> => provider.list()

  /** Opens once more what it opened last: the only question whose answer shows that keys can be had. */
  const remember = (keyId: string, wrapped: Uint8Array, context: Uint8Array): void => {
    ask = async () => (await provider.unwrap(keyId, wrapped, context)).fill(0)
  }
  const startAsking = (): void => {
    if (asking || clock.monotonic() - askedAt < PAUSE_MS) return
    askedAt = clock.monotonic()
    asking = run(ask).then(
      () => void (asking = null),
      () => void (asking = null),
    )
  }
  const overdue = async (): Promise<void> => {
    // Without a failed call the silence means that nobody asked: then its answer is worth waiting for.
    if (!isDown()) await asking
    if (silenceMs() < outageMs) return
    throw unavailable(`the key provider ${provider.name} has not answered for longer than keys.outage allows`)
  }
  return {
    name: provider.name,
    ...(provider.waitingMs === undefined ? {} : { waitingMs: provider.waitingMs }),
    create: (label) => run(() => provider.create(label)),
    async wrap(keyId, plaintext, context) {
      const wrapped = await run(() => provider.wrap(keyId, plaintext, context))
      remember(keyId, wrapped, context)
      return wrapped
    },
    async unwrap(keyId, wrapped, context) {
      const plaintext = await run(() => provider.unwrap(keyId, wrapped, context))
      remember(keyId, wrapped, context)
      return plaintext
    },
    destroy: (keyId) => run(() => provider.destroy(keyId)),
    list: () => run(() => provider.list()),
    ...(provider.close ? { close: async () => provider.close?.() } : {}),
    permit() {
      if (silenceMs() < Math.min(MOST_SILENCE_MS, outageMs / 4)) return undefined
      startAsking()
      return silenceMs() < outageMs ? undefined : overdue()
    },
  }
}

interface Line {
  /** Makes a call, or refuses it while another one is finding out whether the provider is back. */
  run<T>(work: () => Promise<T>): Promise<T>
  /** True after a call that was not answered. */
  isDown(): boolean
  silenceMs(): number
}

function createLine(name: string, clock: Clock, timeoutMs: number): Line {
  let answeredAt = clock.monotonic()
  let isDown = false
  let trial: Promise<void> | null = null
  const over = (): void => void (trial = null)
  const answered = (): void => {
    answeredAt = clock.monotonic()
    isDown = false
  }
  const attempt = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      const value = await within(timeoutMs, name, work)
      answered()
      return value
    } catch (error) {
      if (!isOutage(error)) {
        answered()
        throw error
      }
      isDown = true
      throw error instanceof KeysError ? error : unavailable(`the key provider ${name} failed`, error)
    }
  }
  return {
    isDown: () => isDown,
    silenceMs: () => clock.monotonic() - answeredAt,
    async run(work) {
      // Those who come while a trial is under way share its outcome, if it comes soon.
      if (trial) await Promise.race([trial, wait(JOIN_MS, undefined, { ref: false })])
      if (trial) throw unavailable(`the key provider ${name} does not answer`)
      if (!isDown) return attempt(work)
      const outcome = attempt(work)
      trial = outcome.then(over, over)
      return outcome
    },
  }
}

/** Codes that are an answer of the provider about the key or the bytes, not a failure to answer. */
const ANSWERS = ['ERR_KEYS_DESTROYED', 'ERR_KEYS_DESTROY_PENDING', 'ERR_KEYS_UNWRAP', 'ERR_KEYS_FORMAT']

function isOutage(error: unknown): boolean {
  return !(error instanceof KeysError && ANSWERS.includes(error.code))
}

async function within<T>(timeoutMs: number, name: string, work: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(unavailable(`the key provider ${name} did not answer within ${timeoutMs} ms`)),
      timeoutMs,
    )
  })
  try {
    return await Promise.race([work(), late])
  } finally {
    clearTimeout(timer)
  }
}

function unavailable(message: string, cause?: unknown): InstanceType<typeof KeysError> {
  return new KeysError('ERR_KEYS_PROVIDER_UNAVAILABLE', message, { cause })
}
