import { randomBytes } from 'node:crypto'
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { SuretyStartError } from './errors.ts'

/** Where one system keeps what is not in its database. */
export interface SystemFolder {
  readonly root: string
  readonly keys: string
  /** The note signing key of the evidence log; with the keys, never with the log. */
  readonly signingKey: string
  readonly evidence: string
  /** The note signing key of the audit log. */
  readonly auditSigningKey: string
  readonly audit: string
  /** Log files of the app's own. */
  readonly logs: string
  /** Marks of staff: what must stand whatever becomes of the rows in the database. */
  readonly staff: string
}

/** Makes a system's folder where it is missing. */
export async function openSystemFolder(path: string): Promise<SystemFolder> {
  const folder = systemFolder(path)
  await mkdir(folder.root, { recursive: true })
  return folder
}

/** The places in a system's folder. */
export function systemFolder(path: string): SystemFolder {
  const root = resolve(path)
  const keys = join(root, 'keys')
  return {
    root,
    keys,
    signingKey: join(keys, 'evidence-signing-key.json'),
    evidence: join(root, 'logs', 'evidence'),
    auditSigningKey: join(keys, 'audit-signing-key.json'),
    audit: join(root, 'logs', 'audit'),
    logs: join(root, 'logs'),
    staff: join(root, 'staff'),
  }
}

/** The token that `/metrics` asks for: made once, readable by the owner of the folder alone. */
export function openMetricsToken(folder: SystemFolder): Promise<string> {
  return openSecret(folder, 'metrics-token', 24)
}

/** What signs the cookies and forms of sign-in: made once. Whoever replaces it signs everybody out. */
export function openSignInSecret(folder: SystemFolder): Promise<string> {
  return openSecret(folder, 'sign-in-secret', 32)
}

async function openSecret({ keys }: SystemFolder, name: string, bytes: number): Promise<string> {
  const file = join(keys, name)
  const draft = `${file}.${randomBytes(8).toString('hex')}.draft`
  try {
    await writeFile(draft, randomBytes(bytes).toString('base64url'), { mode: 0o600 })
    // Whole or not at all: a disk that is full would otherwise leave an empty secret, which anybody knows.
    await link(draft, file).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  } catch (cause) {
    throw new SuretyStartError('ERR_START_FOLDER', `${name} cannot be written`, { cause })
  } finally {
    await rm(draft, { force: true })
  }
  return (await readFile(file, 'utf8')).trim()
}
