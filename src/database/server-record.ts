import { randomBytes } from 'node:crypto'
import { readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { syncFolder, writeSynced } from './durable-file.ts'
import { DatabaseError } from './errors.ts'

/** The roles of an embedded server. */
export type RoleName = 'postgres' | 'surety_owner' | 'surety_app'

/** Everything another process needs to reach a running embedded server; `database.json`, mode 0600. */
export interface ServerRecord {
  readonly schema: 1
  readonly host: '127.0.0.1'
  readonly port: number
  /** The folder of the Unix socket; null where there is none (Windows, or the path is too long). */
  readonly socket: string | null
  /** The cluster's own folder (PGDATA). */
  readonly databaseDir: string
  /** The process that owns the server; null while it is stopped. */
  readonly pid: number | null
  readonly passwords: Readonly<Record<RoleName, string>>
}

const ROLES: readonly RoleName[] = ['postgres', 'surety_owner', 'surety_app']

export function recordPath(dataDir: string): string {
  return join(dataDir, 'database.json')
}

/** Random passwords for every role: 192 bits each. */
export function createPasswords(): Record<RoleName, string> {
  const password = (): string => randomBytes(24).toString('base64url')
  return { postgres: password(), surety_owner: password(), surety_app: password() }
}

/**
 * The record of a data folder, or null when it has none.
 * @throws DatabaseError `ERR_DATABASE_RECORD` when the file is malformed or from a newer version
 */
export async function readRecord(dataDir: string): Promise<ServerRecord | null> {
  const path = recordPath(dataDir)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw new DatabaseError('ERR_DATABASE_RECORD', `${path} cannot be read`, { cause })
  }
  const record = parseRecord(text)
  if (record === null)
    throw new DatabaseError('ERR_DATABASE_RECORD', `${path} is not a record this version understands`)
  return record
}

/** The record in `text`, or null when it is not one of schema 1. */
export function parseRecord(text: string): ServerRecord | null {
  let value: Partial<ServerRecord> | null
  try {
    value = JSON.parse(text) as Partial<ServerRecord> | null
  } catch {
    return null
  }
  if (value === null || typeof value !== 'object' || value.schema !== 1) return null
  const { passwords, port, socket, databaseDir, pid } = value
  const wellFormed =
    value.host === '127.0.0.1' &&
    Number.isInteger(port) &&
    port! > 0 &&
    port! < 65_536 &&
    (socket === null || typeof socket === 'string') &&
    typeof databaseDir === 'string' &&
    (pid === null || Number.isInteger(pid)) &&
    typeof passwords === 'object' &&
    passwords !== null &&
    ROLES.every((role) => typeof passwords[role] === 'string')
  return wellFormed ? (value as ServerRecord) : null
}

/** Writes the record durably: complete or not at all, readable by us alone. */
export async function writeRecord(dataDir: string, record: ServerRecord): Promise<void> {
  const path = recordPath(dataDir)
  const draft = `${path}.${process.pid}.draft`
  try {
    await rm(draft, { force: true })
    await writeSynced(draft, `${JSON.stringify(record, null, 2)}\n`, { flag: 'wx', mode: 0o600 })
    await rename(draft, path)
    await syncFolder(dirname(path))
  } catch (cause) {
    throw new DatabaseError('ERR_DATABASE_RECORD', `${path} cannot be written`, { cause })
  }
}
