import { chmod, chown, mkdir, mkdtemp, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { accountIn, canEnter, canReach, serverAccount } from './server-account.ts'
import { completeLinks, copyPrograms, findBinaries } from './server-binaries.ts'

const isRoot = process.getuid?.() === 0
const stranger = { name: 'stranger', uid: 54_321, gid: 54_321 }
let base: string

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'surety-account-'))
  await chmod(base, 0o755)
})
afterEach(() => rm(base, { recursive: true, force: true }))

describe('the server’s account', () => {
  it('is nobody else for an ordinary user and never root for root', async () => {
    const account = await serverAccount()
    if (isRoot) expect(account?.uid).toBeGreaterThan(0)
    else expect(account).toBeNull()
  })

  it('is looked up by name and never has uid 0', () => {
    const passwd =
      'root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/:/bin/sh\npostgres:x:70:71:PostgreSQL:/var:/bin/false\n'
    expect(accountIn(passwd, 'postgres')).toEqual({ name: 'postgres', uid: 70, gid: 71 })
    expect(accountIn(passwd, 'toor')).toBeNull()
    expect(accountIn(passwd, 'postgre')).toBeNull()
    expect(accountIn('', 'postgres')).toBeNull()
  })
})

describe('what an account can reach', () => {
  it('ends at the first folder that is closed to it', async () => {
    await mkdir(join(base, 'a', 'b'), { recursive: true })
    await writeFile(join(base, 'a', 'b', 'program'), '', { mode: 0o755 })
    const program = join(base, 'a', 'b', 'program')
    expect(await canReach(stranger, program)).toBe(true)
    await chmod(join(base, 'a'), 0o700)
    expect(await canReach(stranger, program)).toBe(false)
    expect(await canEnter(stranger, join(base, 'a', 'b'))).toBe(false)
    expect(await canEnter(stranger, base)).toBe(true)
  })

  it('needs a right to run the program itself, and a program that is there', async () => {
    await writeFile(join(base, 'program'), '', { mode: 0o644 })
    expect(await canReach(stranger, join(base, 'program'))).toBe(false)
    expect(await canReach(stranger, join(base, 'missing'))).toBe(false)
  })

  it.runIf(isRoot)('counts the owner’s and the group’s bits where they apply, and only those', async () => {
    const folder = join(base, 'mine')
    await mkdir(folder)
    await chown(folder, stranger.uid, 0)
    await chmod(folder, 0o077)
    expect(await canEnter(stranger, folder)).toBe(false)
    await chown(folder, 0, stranger.gid)
    await chmod(folder, 0o010)
    expect(await canEnter(stranger, folder)).toBe(true)
  })
})

/** A package folder as npm leaves it when install scripts are switched off: no library links, no execute bits. */
async function packageWithoutLinks(): Promise<string> {
  const native = join(base, 'package', 'native')
  await mkdir(join(native, 'bin'), { recursive: true })
  await mkdir(join(native, 'lib'))
  for (const name of ['initdb', 'postgres'])
    await writeFile(join(native, 'bin', name), '#!/bin/sh\n', { mode: 0o600 })
  await writeFile(join(native, 'lib', 'libx.so.1.2'), 'library', { mode: 0o600 })
  const links = [{ source: 'native/lib/libx.so.1.2', target: 'native/lib/libx.so.1' }]
  await writeFile(join(native, 'pg-symlinks.json'), JSON.stringify(links))
  return native
}

describe('the server’s programs', () => {
  it('are completed with the links that an install script would have made', async () => {
    const native = await packageWithoutLinks()
    await completeLinks(native, native)
    await completeLinks(native, native)
    expect(await readlink(join(native, 'lib', 'libx.so.1'))).toBe('libx.so.1.2')
    expect((await stat(join(native, 'bin', 'postgres'))).mode & 0o555).toBe(0o555)
  })

  it('are copied once, whole, readable by all and writable by nobody else', async () => {
    const native = await packageWithoutLinks()
    const target = join(base, 'shared')
    const copies = await Promise.all([1, 2, 3].map(() => copyPrograms(native, target, '18')))
    const copy = copies[0]!
    expect(await readFile(join(copy, 'lib', 'libx.so.1'), 'utf8')).toBe('library')
    for (const name of ['bin/initdb', 'bin/postgres'])
      expect((await stat(join(copy, name))).mode & 0o777).toBe(0o755)
    expect((await stat(join(copy, 'lib', 'libx.so.1.2'))).mode & 0o777).toBe(0o644)
    expect(await copyPrograms(native, target, '18')).toBe(copy)
  })

  it('are not taken from a folder that others may write', async () => {
    const native = await packageWithoutLinks()
    const planted = join(base, 'shared', 'postgres-18')
    await mkdir(planted, { recursive: true })
    await writeFile(join(planted, 'x'), '')
    await chmod(planted, 0o777)
    await expect(copyPrograms(native, join(base, 'shared'), '18')).rejects.toMatchObject({
      code: 'ERR_DATABASE_BINARIES',
    })
  })

  it('are found where npm put them', async () => {
    const found = await findBinaries(null, base)
    expect((await stat(found.postgres)).isFile()).toBe(true)
    expect(found.version).toMatch(/^18\./)
  })
})
