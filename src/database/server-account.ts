import { execFile } from 'node:child_process'
import { readFile, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { promisify } from 'node:util'
import { DatabaseError } from './errors.ts'

/** The operating-system account the database server runs as. */
export interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/** Tried in this order; `nobody` comes last because other daemons may share it. */
const CANDIDATES = ['postgres', 'surety-postgres'] as const

/**
 * The account to run the server as: null for an ordinary user (the server runs as that user), an
 * unprivileged account for root, because Postgres refuses to run as root.
 *
 * Creates the system account `surety-postgres` when there is no `postgres`; never prompts.
 *
 * @throws DatabaseError `ERR_DATABASE_ACCOUNT`
 */
export async function serverAccount(): Promise<Account | null> {
  if (process.getuid?.() !== 0) return null
  for (const name of CANDIDATES) {
    const account = await findAccount(name)
    if (account) return account
  }
  await createAccount('surety-postgres')
  const account = (await findAccount('surety-postgres')) ?? (await findAccount('nobody'))
  if (account) return account
  throw new DatabaseError(
    'ERR_DATABASE_ACCOUNT',
    'running as root, and there is no account the database server could run as',
  )
}

async function findAccount(name: string): Promise<Account | null> {
  return accountIn(await readFile('/etc/passwd', 'utf8').catch(() => ''), name)
}

/** The account `name` in the text of a passwd file; null when absent or privileged. */
export function accountIn(passwd: string, name: string): Account | null {
  for (const line of passwd.split('\n')) {
    const [login, , uid, gid] = line.split(':')
    if (login === name && Number(uid) > 0 && Number.isInteger(Number(gid))) {
      return { name, uid: Number(uid), gid: Number(gid) }
    }
  }
  return null
}

async function createAccount(name: string): Promise<void> {
  const run = promisify(execFile)
  const options = { timeout: 10_000 }
  await run(
    'useradd',
    ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', name],
    options,
  )
    .catch(() => run('adduser', ['-S', '-D', '-H', name], options))
    .catch(() => undefined)
}

/**
 * True when `account` can enter every folder above `path` and read (and, for a program, run) it.
 *
 * LIMIT: judges by mode bits with one group; an access-control list that gives more is not seen,
 * and the fallback is taken then.
 */
export async function canReach(account: Account, path: string): Promise<boolean> {
  const target = resolve(path)
  if (!(await allows(account, target, 0o5))) return false
  for (let folder = dirname(target); ; folder = dirname(folder)) {
    if (!(await allows(account, folder, 0o1))) return false
    if (folder === dirname(folder)) return true
  }
}

/** True when `account` can enter `folder` and every folder above it. */
export async function canEnter(account: Account, folder: string): Promise<boolean> {
  for (let at = resolve(folder); ; at = dirname(at)) {
    if (!(await allows(account, at, 0o1))) return false
    if (at === dirname(at)) return true
  }
}

async function allows(account: Account, path: string, bits: number): Promise<boolean> {
  try {
    const { uid, gid, mode } = await stat(path)
    const shift = uid === account.uid ? 6 : gid === account.gid ? 3 : 0
    return ((mode >> shift) & bits) === bits
  } catch {
    return false
  }
}
