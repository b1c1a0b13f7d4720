import { randomBytes, type KeyObject } from 'node:crypto'
import { mkdir, realpath, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { isWithin } from '../../database/index.ts'
import { createId, type Clock } from '../../kernel/index.ts'
import { KeysError } from '../errors.ts'
import { frame } from '../frame.ts'
import { gcmOpen, gcmSeal, KEY_BYTES, takeKey } from '../gcm.ts'
import {
  finishInterrupted,
  isDestroyed,
  listKeyFiles,
  readKeyFile,
  wipeKeyFile,
  writeKeyFile,
} from './key-folder.ts'
import type { KeyProvider } from '../provider.ts'

export interface FileProviderOptions {
  /** The keys' own folder; made with mode 0700 when missing. Keep it out of every backup. */
  readonly folder: string
  /** Folders the keys must not lie in: the database's, the backups'. */
  readonly outside: readonly string[]
  readonly clock: Clock
}

const WRAP_LABEL = 'surety/file-provider/1'

/**
 * Epoch keys in a folder: one file per key, mode 0600.
 *
 * Destroying a key writes a tombstone, overwrites the file, removes it, each made durable before
 * the next; from the tombstone on nothing is unwrapped, and opening the folder finishes what a
 * crash interrupted. Evidence is `attested` at best: a file system may keep old blocks, and a copy
 * somebody made is not seen.
 *
 * @throws KeysError `ERR_KEYS_FOLDER` when the folder is readable by others or lies where it must not
 */
export async function openFileProvider(options: FileProviderOptions): Promise<KeyProvider> {
  const folder = await claimKeyFolder(options)
  await finishInterrupted(folder)
  const openKey = async (id: string): Promise<KeyObject> =>
    takeKey(Buffer.from((await readKeyFile(folder, id)).key, 'base64'))
  return {
    name: 'file',
    async create(label) {
      const id = createId(options.clock)
      const key = randomBytes(KEY_BYTES)
      const content = { id, label, createdAt: options.clock.now(), key: key.toString('base64') }
      await reachable(writeKeyFile(folder, 'key', { schema: 1, ...content }))
      key.fill(0)
      return id
    },
    async wrap(keyId, plaintext, context) {
      return gcmSeal(await openKey(keyId), frame(WRAP_LABEL, keyId, context), plaintext)
    },
    async unwrap(keyId, wrapped, context) {
      return unwrapWith(await openKey(keyId), keyId, wrapped, context)
    },
    async open(keyId) {
      const key = await openKey(keyId)
      return {
        wrap: (plaintext, context) => gcmSeal(key, frame(WRAP_LABEL, keyId, context), plaintext),
        unwrap: (wrapped, context) => unwrapWith(key, keyId, wrapped, context),
      }
    },
    async destroy(keyId) {
      if (!(await isDestroyed(folder, keyId))) {
        const { id, label, createdAt } = await readKeyFile(folder, keyId)
        const content = { id, label, createdAt, destroyedAt: options.clock.now() }
        await reachable(writeKeyFile(folder, 'destroyed', { schema: 1, ...content }))
      }
      await reachable(wipeKeyFile(folder, keyId))
      return 'attested'
    },
    list: () => reachable(listKeyFiles(folder)),
  }
}

function unwrapWith(key: KeyObject, keyId: string, wrapped: Uint8Array, context: Uint8Array): Buffer {
  const plaintext = gcmOpen(key, frame(WRAP_LABEL, keyId, context), wrapped)
  if (plaintext === null) throw new KeysError('ERR_KEYS_UNWRAP', `what key ${keyId} wrapped does not open`)
  return plaintext
}

/** A folder that is gone, full or read-only is a provider that cannot be reached. */
async function reachable<T>(work: Promise<T>): Promise<T> {
  return work.catch((cause: unknown) => {
    if (cause instanceof KeysError) throw cause
    throw new KeysError('ERR_KEYS_PROVIDER_UNAVAILABLE', 'the key folder cannot be used', { cause })
  })
}

/**
 * Makes the folder for keys where it is missing, and gives its real path.
 *
 * @throws KeysError `ERR_KEYS_FOLDER` when it is readable by others or lies where it must not
 */
export async function claimKeyFolder({
  folder,
  outside,
}: Pick<FileProviderOptions, 'folder' | 'outside'>): Promise<string> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const real = await realpath(folder)
    const { mode, uid } = await stat(real)
    if (process.platform !== 'win32') {
      if ((mode & 0o077) !== 0)
        throw new KeysError('ERR_KEYS_FOLDER', `others can enter the key folder ${folder}`)
      if (uid !== process.getuid?.())
        throw new KeysError('ERR_KEYS_FOLDER', `the key folder ${folder} belongs to another user`)
    }
    for (const forbidden of outside) {
      if (isWithin(await realpath(forbidden).catch(() => resolve(forbidden)), real)) {
        throw new KeysError('ERR_KEYS_FOLDER', `the key folder ${folder} lies inside ${forbidden}`)
      }
    }
    return real
  } catch (cause) {
    if (cause instanceof KeysError) throw cause
    throw new KeysError('ERR_KEYS_FOLDER', `the key folder ${folder} cannot be used`, { cause })
  }
}
