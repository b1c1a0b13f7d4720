import { createId, isId, timeOfId, type Clock } from '../../kernel/index.ts'
import { KeysError } from '../errors.ts'
import { callService, member, unavailable, type HttpAnswer } from './http-call.ts'
import { PROVIDER_TIMEOUT_MS, type KeyProvider, type ProviderKey } from '../provider.ts'

export interface VaultProviderOptions {
  /** Such as `https://vault.example:8200`. */
  readonly address: string
  /** Where the transit engine is mounted. Default `transit`. */
  readonly mount?: string
  readonly namespace?: string
  /** Read at each call, so it may be renewed. */
  readonly token: () => Promise<string>
  /** Keys are named `<prefix>-<label>-<uuid>`; only those are listed. Default `surety`. */
  readonly prefix?: string
  readonly clock: Clock
  /** Milliseconds that one call may take. Default 5,000. */
  readonly timeoutMs?: number
}

/**
 * Epoch keys in Vault's transit engine: `aes256-gcm96`, neither exportable nor in plaintext backups.
 * The context is the associated data. A wrap is Vault's own text, `vault:v1:…`.
 *
 * The engine must not make keys on encryption (`disable_upsert`), or a wrap under a destroyed key would
 * bring a key of the same name to life: another mount is refused.
 *
 * Destruction is `confirmed` when the key was seen before and not after, else `attested`. Snapshots of
 * Vault's storage are not seen.
 *
 * @throws KeysError `ERR_KEYS_PROVIDER_CONFIG`, `ERR_KEYS_PROVIDER_UNAVAILABLE`
 */
export async function openVaultProvider(options: VaultProviderOptions): Promise<KeyProvider> {
  const { clock, prefix = 'surety' } = options
  const call = createCall(options)
  const parse = (name: unknown): ProviderKey | null => {
    const [, label, uuid] = new RegExp(`^${prefix}-([a-z0-9.-]{1,80})-(.{36})$`).exec(String(name)) ?? []
    if (label === undefined || !isId(uuid)) return null
    return { id: String(name), label, createdAt: timeOfId(uuid), state: 'live' }
  }
  const named = (keyId: string): string => {
    if (parse(keyId) === null) throw new KeysError('ERR_KEYS_UNWRAP', 'the provider key id is malformed')
    return keyId
  }
  await refuseUpsert(call)
  return {
    name: 'vault',
    async create(label) {
      const id = named(`${prefix}-${label}-${createId(clock)}`)
      const wanted = {
        type: 'aes256-gcm96',
        derived: false,
        exportable: false,
        allow_plaintext_backup: false,
      }
      await call('POST', `keys/${id}`, wanted)
      await refuseOpenKey(call, id)
      return id
    },
    async wrap(keyId, plaintext, context) {
      const body = { plaintext: base64(plaintext), associated_data: base64(context) }
      const data = await call('POST', `encrypt/${named(keyId)}`, body)
      return Buffer.from(member(data, 'ciphertext', 'string'), 'utf8')
    },
    async unwrap(keyId, wrapped, context) {
      const name = named(keyId)
      const ciphertext = Buffer.from(wrapped).toString('latin1')
      const body = { ciphertext, associated_data: base64(context) }
      if (!CIPHERTEXT.test(ciphertext)) {
        // Whether the key still is comes first, as with every other wrap.
        if ((await readKey(call, name)) === null) throw destroyed()
        throw new KeysError('ERR_KEYS_UNWRAP', 'what the key wrapped does not open')
      }
      return Buffer.from(member(await call('POST', `decrypt/${name}`, body), 'plaintext', 'string'), 'base64')
    },
    async destroy(keyId) {
      const name = named(keyId)
      if ((await readKey(call, name)) === null) return 'attested'
      await call('POST', `keys/${name}/config`, { deletion_allowed: true })
      await call('DELETE', `keys/${name}`)
      if ((await readKey(call, name)) !== null) throw unavailable('Vault still holds a key that it deleted')
      return 'confirmed'
    },
    async list() {
      const data = await call('GET', 'keys?list=true', undefined, [404])
      const names = (data as { keys?: unknown } | null)?.keys
      return (Array.isArray(names) ? names : []).flatMap((name) => parse(name) ?? [])
    },
  }
}

const CIPHERTEXT = /^vault:v[0-9]{1,9}:[A-Za-z0-9+/]+={0,2}$/

type Call = (method: string, path: string, body?: object, absent?: readonly number[]) => Promise<unknown>

/** Calls the engine and gives back `data`; null where the status is one of `absent`. */
function createCall(options: VaultProviderOptions): Call {
  const { namespace, mount = 'transit', timeoutMs = PROVIDER_TIMEOUT_MS } = options
  const base = `${options.address.replace(/\/+$/, '')}/v1/${mount}`
  return async (method, path, body, absent = []) => {
    const answer = await callService({
      service: 'Vault',
      timeoutMs,
      repeatable: true,
      prepare: async () => ({
        method,
        url: `${base}/${path}`,
        headers: {
          'X-Vault-Token': await options.token(),
          'X-Vault-Request': 'true',
          ...(namespace === undefined ? {} : { 'X-Vault-Namespace': namespace }),
          ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    })
    if (answer.status === 204 || absent.includes(answer.status)) return null
    if (answer.status === 200) return (answer.body as { data?: unknown } | null)?.data ?? null
    throw refuse(path, answer)
  }
}

function refuse(path: string, { status, body }: HttpAnswer): InstanceType<typeof KeysError> {
  const errors: unknown = (body as { errors?: unknown } | null)?.errors
  const said = Array.isArray(errors) ? errors.join(' ') : ''
  const isUse = /^(?:en|de)crypt\//.test(path)
  if (isUse && (status === 404 || /key not found|disabled upsert|upsert.*disabled/i.test(said)))
    return destroyed()
  if (path.startsWith('decrypt/') && status === 400)
    return new KeysError('ERR_KEYS_UNWRAP', 'what the key wrapped does not open')
  return unavailable(
    `Vault refused with status ${status}`,
    'check the token, its policy, and that Vault is unsealed',
  )
}

function destroyed(): InstanceType<typeof KeysError> {
  return new KeysError('ERR_KEYS_DESTROYED', 'Vault does not hold the key any more')
}

function readKey(call: Call, name: string): Promise<unknown> {
  return call('GET', `keys/${name}`, undefined, [404])
}

async function refuseUpsert(call: Call): Promise<void> {
  const settings = await call('GET', 'config/keys')
  if (member(settings, 'disable_upsert', 'boolean')) return
  throw new KeysError('ERR_KEYS_PROVIDER_CONFIG', 'the transit engine makes keys on encryption', {
    mend: 'run vault write <mount>/config/keys disable_upsert=true',
  })
}

async function refuseOpenKey(call: Call, name: string): Promise<void> {
  const key = await readKey(call, name)
  const closed =
    member(key, 'type', 'string') === 'aes256-gcm96' &&
    !member(key, 'exportable', 'boolean') &&
    !member(key, 'allow_plaintext_backup', 'boolean')
  if (!closed) throw new KeysError('ERR_KEYS_PROVIDER_CONFIG', 'Vault made a key that could be exported')
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}
