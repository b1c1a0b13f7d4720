import { randomBytes } from 'node:crypto'
import { readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { syncFolder, writeSynced } from '../../database/index.ts'
import { isId } from '../../kernel/index.ts'
import { KeysError } from '../errors.ts'
import { KEY_BYTES } from '../gcm.ts'
import type { ProviderKey } from '../provider.ts'

export interface KeyFile {
  readonly schema: 1
  readonly id: string
  readonly label: string
  readonly createdAt: number
  /** 32 bytes, base64. */
  readonly key: string
}

export interface Tombstone {
  readonly schema: 1
  readonly id: string
  readonly label: string
  readonly createdAt: number
  readonly destroyedAt: number
}

/** What a file of the folder is about. */
export type KeyRole = 'key' | 'destroyed'

function pathOf(folder: string, id: string, role: KeyRole): string {
  if (!isId(id)) throw new KeysError('ERR_KEYS_UNWRAP', 'the provider key id is malformed')
  return join(folder, `${id}.${role}`)
}

/**
 * Writes a key or a tombstone: durable once resolved, whole or not at all.
 * @throws KeysError `ERR_KEYS_PROVIDER_UNAVAILABLE`, a full disk included
 */
export async function writeKeyFile(
  folder: string,
  role: KeyRole,
  content: KeyFile | Tombstone,
): Promise<void> {
  const path = pathOf(folder, content.id, role)
  const draft = `${path}.${process.pid}.draft`
  try {
    await writeSynced(draft, `${JSON.stringify(content)}\n`, { flag: 'w', mode: 0o600 })
    await rename(draft, path)
    await syncFolder(folder)
  } catch (cause) {
    await rm(draft, { force: true })
    throw new KeysError('ERR_KEYS_PROVIDER_UNAVAILABLE', 'the key folder cannot be written', { cause })
  }
}

/** @throws KeysError `ERR_KEYS_DESTROYED`, `ERR_KEYS_PROVIDER_UNAVAILABLE`, `ERR_KEYS_FORMAT` */
export async function readKeyFile(folder: string, id: string): Promise<KeyFile> {
  if (await isDestroyed(folder, id)) throw new KeysError('ERR_KEYS_DESTROYED', `key ${id} is destroyed`)
  const text = await readFile(pathOf(folder, id, 'key'), 'utf8').catch((cause: unknown) =>
    unavailable(id, cause),
  )
  return parseKeyFile(id, text)
}

export async function isDestroyed(folder: string, id: string): Promise<boolean> {
  return exists(pathOf(folder, id, 'destroyed'))
}

/** Overwrites and removes the key's file, if it is there. */
export async function wipeKeyFile(folder: string, id: string): Promise<void> {
  const path = pathOf(folder, id, 'key')
  if (!(await exists(path))) return
  await overwrite(path)
  await syncFolder(folder)
}

/** Finishes what a crash interrupted: keys with a tombstone, drafts that were never renamed. */
export async function finishInterrupted(folder: string): Promise<void> {
  for (const id of await idsOf(folder, 'destroyed')) await wipeKeyFile(folder, id)
  for (const name of await readdir(folder)) {
    if (isAbandonedDraft(name)) await overwrite(join(folder, name))
  }
}

/** Every key of the folder, live ones first, oldest first. */
export async function listKeyFiles(folder: string): Promise<ProviderKey[]> {
  const destroyed = await idsOf(folder, 'destroyed')
  const live = (await idsOf(folder, 'key')).filter((id) => !destroyed.includes(id))
  const describe = async (id: string, role: KeyRole): Promise<ProviderKey> => {
    const { createdAt, label } = parseFile(id, await readFile(pathOf(folder, id, role), 'utf8'))
    return { id, label, createdAt, state: role === 'key' ? 'live' : 'destroyed' }
  }
  return Promise.all([
    ...live.map((id) => describe(id, 'key')),
    ...destroyed.map((id) => describe(id, 'destroyed')),
  ])
}

/** Bytes of every live key of a folder: for a probe that searches for copies, and overwrites them when it is done. */
export async function readFileKeys(folder: string): Promise<Buffer[]> {
  const live = (await listKeyFiles(folder)).filter(({ state }) => state === 'live')
  return Promise.all(live.map(async ({ id }) => Buffer.from((await readKeyFile(folder, id)).key, 'base64')))
}

async function idsOf(folder: string, role: KeyRole): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(`.${role}`))
  return names
    .map((name) => name.slice(0, -role.length - 1))
    .filter(isId)
    .toSorted()
}

function unavailable(id: string, cause: unknown): never {
  const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT'
  throw new KeysError(
    'ERR_KEYS_PROVIDER_UNAVAILABLE',
    `key ${id} ${missing ? 'is not in the key folder' : 'cannot be read'}`,
    { cause },
  )
}

function parseKeyFile(id: string, text: string): KeyFile {
  const value = parseFile(id, text) as KeyFile
  if (typeof value.key === 'string' && Buffer.from(value.key, 'base64').length === KEY_BYTES) return value
  throw malformed(id)
}

function parseFile(id: string, text: string): KeyFile | Tombstone {
  try {
    const value = Object(JSON.parse(text)) as Partial<KeyFile>
    if (value.schema === 1 && value.id === id && Number.isFinite(value.createdAt)) return value as KeyFile
  } catch {
    // Refused below; the parser's message would quote the file.
  }
  throw malformed(id)
}

function malformed(id: string) {
  return new KeysError('ERR_KEYS_FORMAT', `the file of key ${id} is malformed or from a newer version`)
}

const DRAFT = /\.([0-9]+)\.draft$/

/** A draft of a process that runs no more: it was killed before the rename. */
function isAbandonedDraft(name: string): boolean {
  const pid = Number(DRAFT.exec(name)?.[1])
  if (!Number.isInteger(pid) || pid === process.pid) return false
  try {
    process.kill(pid, 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}

async function overwrite(path: string): Promise<void> {
  const { size } = await stat(path)
  await writeSynced(path, randomBytes(size), { flag: 'r+', mode: 0o600 })
  await rm(path, { force: true })
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false
      throw new KeysError('ERR_KEYS_PROVIDER_UNAVAILABLE', 'the key folder cannot be read', { cause: error })
    },
  )
}
