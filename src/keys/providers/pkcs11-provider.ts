import { createId, timeOfId, type Clock } from '../../kernel/index.ts'
import { KeysError } from '../errors.ts'
import { PROVIDER_TIMEOUT_MS, type KeyProvider, type ProviderKey } from '../provider.ts'
import { HsmFailure, type HsmRequest } from './pkcs11/protocol.ts'
import { moduleEnvironment, type Environment } from './pkcs11/environment.ts'
import { startHsmProcess, type HsmProcess } from './pkcs11/supervise.ts'

export interface Pkcs11ProviderOptions {
  /** Path of the module, such as `/usr/lib/softhsm/libsofthsm2.so`. */
  readonly module: string
  /** Label of the token. */
  readonly token: string
  /** The user's PIN. Read at each new session, so it may change. */
  readonly pin: () => Promise<string>
  /** Names of further environment variables that the module reads. Default none. */
  readonly environment?: readonly string[]
  /** Where they are read, at each new session. Default the process's own environment. */
  readonly env?: Environment
  readonly clock: Clock
  /** Milliseconds that one call may take. Default 5,000. */
  readonly timeoutMs?: number
}

/**
 * Epoch keys in an HSM, by PKCS#11: AES-256, made on the token, never extractable; wraps are AES-GCM
 * under the token's key: `0x01 ‖ nonce ‖ ciphertext ‖ tag`, bound to the key's UUID and the context.
 * Needs the optional package `koffi`; Linux and macOS.
 *
 * The module runs in a process of its own, which is ended when a call takes too long and started again
 * with the next: a lost session, a pulled device, a hang and a crash are all mended so. Of the app's
 * environment it gets what is named and no more. A refused PIN is never tried again, since that would
 * lock the token.
 *
 * Destruction is `confirmed`: the token was asked afterwards and does not hold the key. It says nothing
 * about backups of the token.
 *
 * @throws KeysError `ERR_KEYS_PROVIDER_CONFIG`, `ERR_KEYS_PROVIDER_UNAVAILABLE`
 */
export async function openPkcs11Provider(options: Pkcs11ProviderOptions): Promise<KeyProvider> {
  if (process.platform === 'win32')
    throw new KeysError('ERR_KEYS_PROVIDER_CONFIG', 'the PKCS#11 provider does not run on Windows')
  const ask = createAsk(options)
  await ask({ call: 'list' })
  return {
    name: 'pkcs11',
    async create(label) {
      const uuid = createId(options.clock)
      const { serial } = (await ask({ call: 'create', uuid, label: label.slice(0, 100) })) as {
        serial: string
      }
      return `${serial}/${uuid}`
    },
    wrap: async (key, bytes, context) => (await ask({ call: 'wrap', key, bytes, context })) as Uint8Array,
    unwrap: async (key, bytes, context) => (await ask({ call: 'unwrap', key, bytes, context })) as Uint8Array,
    async destroy(key) {
      await ask({ call: 'destroy', key })
      return 'confirmed'
    },
    async list() {
      const keys = (await ask({ call: 'list' })) as { id: string; label: string }[]
      return keys.map(({ id, label }): ProviderKey => {
        return { id, label, createdAt: timeOfId(id.slice(-36)), state: 'live' }
      })
    },
    close: async () => ask.close(),
  }
}

type Ask = ((request: HsmRequest) => Promise<unknown>) & { close(): void }

/** Asks the process; starts it when there is none, and once more when the session was lost. */
function createAsk(options: Pkcs11ProviderOptions): Ask {
  const { clock, environment = [], env = process.env, timeoutMs = PROVIDER_TIMEOUT_MS } = options
  let current: Promise<HsmProcess> | null = null
  let refusedPin: string | null = null
  const start = async (limitMs: number): Promise<HsmProcess> => {
    const pin = await options.pin()
    if (pin === refusedPin) throw new HsmFailure('pin', 'the token refused this PIN before')
    const running = startHsmProcess(moduleEnvironment(environment, env))
    try {
      await running.ask({ call: 'open', module: options.module, token: options.token, pin }, limitMs)
      return running
    } catch (error) {
      running.end()
      if (error instanceof HsmFailure && error.kind === 'pin') refusedPin = pin
      throw error
    }
  }
  const attempt = async (request: HsmRequest, limitMs: () => number): Promise<unknown> => {
    const last = current
    const isOver = (await last?.catch(() => null))?.isOver() ?? true
    // Whoever notices first starts the next one; the others join it.
    if (isOver && current === last) current = start(limitMs())
    const running = await current!
    try {
      return await running.ask(request, limitMs())
    } catch (error) {
      if (error instanceof HsmFailure && error.kind === 'lost') running.end()
      throw error
    }
  }
  const ask = async (request: HsmRequest): Promise<unknown> => {
    const until = clock.monotonic() + timeoutMs
    const limitMs = (): number => until - clock.monotonic()
    try {
      return await attempt(request, limitMs).catch((error: unknown) => {
        const lost = error instanceof HsmFailure && error.kind === 'lost'
        if (!lost || limitMs() <= 0) throw error
        return attempt(request, limitMs)
      })
    } catch (error) {
      if (error instanceof HsmFailure) throw coded(error)
      throw error
    }
  }
  const close = (): void => void current?.then((running) => running.end()).catch(() => undefined)
  return Object.assign(ask, { close })
}

function coded({ kind, message }: HsmFailure): InstanceType<typeof KeysError> {
  switch (kind) {
    case 'unwrap':
      return new KeysError('ERR_KEYS_UNWRAP', message)
    case 'gone':
      return new KeysError('ERR_KEYS_DESTROYED', message)
    case 'koffi':
      return new KeysError('ERR_KEYS_PROVIDER_CONFIG', message, { mend: 'run npm install koffi' })
    case 'config':
      return new KeysError('ERR_KEYS_PROVIDER_CONFIG', message)
    case 'pin':
      return new KeysError('ERR_KEYS_PROVIDER_CONFIG', message, {
        mend: 'set the right PIN and start again; it is not tried twice, so that the token is not locked',
      })
    case 'elsewhere':
    case 'lost':
      return new KeysError('ERR_KEYS_PROVIDER_UNAVAILABLE', message)
  }
}
