import { createSecretKey, randomBytes, type KeyObject } from 'node:crypto'
import { gcmOpen, gcmSeal } from '../gcm.ts'
import { startHttpDouble, type DoubleAnswer, type DoubleRequest, type HttpDouble } from './http-double.ts'

export interface VaultDouble extends HttpDouble {
  readonly settings: { disableUpsert: boolean; sealed: boolean; makesExportable: boolean }
}

interface TransitKey {
  readonly key: KeyObject
  readonly exportable: boolean
  deletionAllowed: boolean
}

type Body = Readonly<Record<string, unknown>>

/**
 * A protocol double of Vault's transit engine at `transit/`: the endpoints that the provider uses, as the
 * API documentation describes them, with the engine's habit of making missing keys on encryption.
 */
export async function startVaultDouble(token: string): Promise<VaultDouble> {
  const keys = new Map<string, TransitKey>()
  const settings = { disableUpsert: true, sealed: false, makesExportable: false }
  const handle = ({ method, path, headers, body }: DoubleRequest): DoubleAnswer => {
    if (settings.sealed) return { status: 503, body: { errors: ['Vault is sealed'] } }
    if (headers['x-vault-token'] !== token) return { status: 403, body: { errors: ['permission denied'] } }
    const sent = body === '' ? {} : (JSON.parse(body) as Body)
    const [, rest = ''] = /^\/v1\/transit\/(.*)$/.exec(path) ?? []
    return act(method, rest, sent, keys, settings)
  }
  return { ...(await startHttpDouble(handle)), settings }
}

const refused = (message: string): DoubleAnswer => ({ status: 400, body: { errors: [message] } })
const given = (data: unknown): DoubleAnswer => ({ status: 200, body: { data } })
const DONE: DoubleAnswer = { status: 204 }

function act(
  method: string,
  path: string,
  body: Body,
  keys: Map<string, TransitKey>,
  settings: VaultDouble['settings'],
): DoubleAnswer {
  const fresh = (exportable: boolean): TransitKey => ({
    key: createSecretKey(randomBytes(32)),
    exportable,
    deletionAllowed: false,
  })
  if (path === 'config/keys') return given({ disable_upsert: settings.disableUpsert })
  if (path === 'keys?list=true')
    return keys.size === 0 ? { status: 404, body: { errors: [] } } : given({ keys: [...keys.keys()] })
  const [verb = '', name = '', part] = path.split('/')
  const found = keys.get(name)
  switch (`${method} ${part ?? verb}`) {
    case 'POST keys':
      if (!found) keys.set(name, fresh(settings.makesExportable || body['exportable'] === true))
      return given(describe(keys.get(name)!))
    case 'GET keys':
      return found ? given(describe(found)) : { status: 404, body: { errors: [] } }
    case 'POST config':
      if (!found) return refused('no existing key named that could be found')
      found.deletionAllowed = body['deletion_allowed'] === true
      return DONE
    case 'DELETE keys':
      if (!found) return refused('could not delete key; not found')
      if (!found.deletionAllowed) return refused('deletion is not allowed for this key')
      keys.delete(name)
      return DONE
    case 'POST encrypt':
      if (!found && settings.disableUpsert) return refused('encryption key not found')
      if (!found) keys.set(name, fresh(false))
      return given({ ciphertext: encrypt(keys.get(name)!, body) })
    case 'POST decrypt':
      return found ? decrypt(found, body) : refused('encryption key not found')
    default:
      return { status: 405, body: { errors: ['unsupported operation'] } }
  }
}

function describe({ exportable, deletionAllowed }: TransitKey): unknown {
  return {
    type: 'aes256-gcm96',
    exportable,
    allow_plaintext_backup: false,
    deletion_allowed: deletionAllowed,
    keys: { 1: 1_700_000_000 },
  }
}

function bytes(value: unknown): Buffer {
  return Buffer.from(typeof value === 'string' ? value : '', 'base64')
}

function encrypt({ key }: TransitKey, body: Body): string {
  return `vault:v1:${gcmSeal(key, bytes(body['associated_data']), bytes(body['plaintext'])).toString('base64')}`
}

function decrypt({ key }: TransitKey, body: Body): DoubleAnswer {
  const [, sealed] = /^vault:v1:(.*)$/.exec(String(body['ciphertext'])) ?? []
  if (sealed === undefined) return refused('invalid ciphertext: no prefix')
  const plaintext = gcmOpen(key, bytes(body['associated_data']), Buffer.from(sealed, 'base64'))
  return plaintext === null
    ? refused('cipher: message authentication failed')
    : given({ plaintext: plaintext.toString('base64') })
}
