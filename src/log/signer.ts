import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { chmod, link, mkdir, readFile, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { writeSynced } from '../database/index.ts'
import { createVerifierKey, createWitnessKey } from '../verify/index.ts'
import type { NoteSigner, WitnessSigner } from '../verify/index.ts'
import { LogError } from './errors.ts'
import { VKEY_FILE } from './published.ts'

/** Format version of the key file. */
const FORMAT = 1

/**
 * The Ed25519 signer of a log (RFC 8032 §5.1), from its key file; the file is created at the first call, readable by
 * its owner only, in a folder that only its owner enters. The key is named after the log's origin.
 *
 * @param file path of the key file, outside the log's folder and the database
 * @param logFolder the log's folder: where it holds a log already, a missing key is not replaced
 * @throws LogError `ERR_LOG_KEY_FILE` for a file that others can read, that does not parse or is missing,
 *   `ERR_LOG_ORIGIN` for the key of another log
 */
export async function openLogSigner(file: string, origin: string, logFolder?: string): Promise<NoteSigner> {
  const begun = logFolder !== undefined && (await holdsLog(logFolder))
  if (begun && (await readKeyFile(file)) === null) {
    throw new LogError('ERR_LOG_KEY_FILE', `the key file ${file} of a log that was begun is missing`)
  }
  const { publicKey, sign: signBytes } = await openKey(file, origin)
  return { key: createVerifierKey(origin, publicKey), sign: signBytes }
}

function holdsLog(folder: string): Promise<boolean> {
  return stat(join(folder, VKEY_FILE)).then(
    () => true,
    () => false,
  )
}

/**
 * The signer of a witness, from its key file; made at the first call like that of a log. A witness's key
 * must not be a log's: the two sign different things.
 *
 * @throws LogError as {@link openLogSigner}
 */
export async function openWitnessSigner(file: string, name: string): Promise<WitnessSigner> {
  const { publicKey, sign: signBytes } = await openKey(file, name)
  return { key: createWitnessKey(name, publicKey), sign: signBytes }
}

/** The name in a key file; null where there is no file yet. @throws LogError `ERR_LOG_KEY_FILE` */
export async function nameOfKey(file: string): Promise<string | null> {
  return (await readKeyFile(file))?.origin ?? null
}

async function openKey(file: string, name: string): Promise<{ publicKey: Buffer; sign: NoteSigner['sign'] }> {
  const privateKey = (await readKey(file, name)) ?? (await createKey(file, name))
  const jwk = createPublicKey(privateKey).export({ format: 'jwk' })
  const publicKey = Buffer.from(String(jwk.x), 'base64url')
  return { publicKey, sign: async (bytes) => sign(null, bytes, privateKey) }
}

async function readKeyFile(file: string): Promise<StoredKey | null> {
  const info = await stat(file).catch(() => null)
  if (!info) return null
  if (process.platform !== 'win32' && (info.mode & 0o077) !== 0) {
    throw new LogError('ERR_LOG_KEY_FILE', 'the log’s key file is open to others than its owner')
  }
  return parseKeyFile(await readFile(file, 'utf8'))
}

async function readKey(file: string, origin: string): Promise<KeyObject | null> {
  const stored = await readKeyFile(file)
  if (!stored) return null
  if (stored.origin !== origin) {
    throw new LogError('ERR_LOG_ORIGIN', `the key file is of ${stored.origin}, not of ${origin}`)
  }
  return stored.privateKey
}

interface StoredKey {
  readonly origin: string
  readonly privateKey: KeyObject
}

function parseKeyFile(text: string): StoredKey {
  try {
    const { format, origin, privateKey } = Object(JSON.parse(text)) as Record<string, unknown>
    if (format === FORMAT && typeof origin === 'string' && typeof privateKey === 'string') {
      const key = createPrivateKey({ key: Buffer.from(privateKey, 'base64'), format: 'der', type: 'pkcs8' })
      if (key.asymmetricKeyType === 'ed25519') return { origin, privateKey: key }
    }
  } catch {
    // The cause would quote the file, which holds a secret.
  }
  throw new LogError('ERR_LOG_KEY_FILE', 'the log’s key file cannot be read')
}

async function createKey(file: string, origin: string): Promise<KeyObject> {
  const { privateKey } = generateKeyPairSync('ed25519')
  const der = privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64')
  const text = `${JSON.stringify({ format: FORMAT, origin, algorithm: 'Ed25519', privateKey: der })}\n`
  const folder = dirname(file)
  if ((await mkdir(folder, { recursive: true, mode: 0o700 })) !== undefined) await chmod(folder, 0o700)
  const temporary = join(folder, `.tmp-${randomBytes(8).toString('hex')}`)
  try {
    await writeSynced(temporary, text, { flag: 'wx', mode: 0o600 })
    // Of two processes that create the key at once, one wins; both use the winner's.
    await link(temporary, file).catch((error: unknown) => {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    })
  } catch (cause) {
    throw new LogError('ERR_LOG_KEY_FILE', 'the log’s key file cannot be written', { cause })
  } finally {
    await rm(temporary, { force: true })
  }
  return (await readKey(file, origin)) ?? privateKey
}
