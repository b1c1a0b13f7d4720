import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { manualClock } from '../../kernel/index.ts'
import { openFileProvider, type KeyProvider } from '../index.ts'
import { keyProviderContract, type ProviderUnderTest } from './provider-contract.ts'

const clock = manualClock(Date.UTC(2026, 0, 2))
const secret = Buffer.alloc(32, 7)
const context = Buffer.from('bucket 1')
let base: string
let folder: string

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'surety-keys-'))
  folder = join(base, 'keys')
})
afterEach(() => rm(base, { recursive: true, force: true }))

const open = (outside: string[] = []): Promise<KeyProvider> => openFileProvider({ folder, outside, clock })
/** The folder as the contract sees it; it ends with the test's own. */
async function openSubject(): Promise<ProviderUnderTest> {
  const aside = join(base, 'aside')
  return {
    provider: await open(),
    reopen: open,
    outages: [
      { name: 'is moved away', begin: () => rename(folder, aside), end: () => rename(aside, folder) },
    ],
    close: async () => undefined,
  }
}
const code = (name: string): object => expect.objectContaining({ code: name }) as object

describe('the file provider', () => {
  it('keeps keys over a restart, in files that only we can read', async () => {
    const first = await open()
    const id = await first.create('live-1')
    const wrapped = await first.wrap(id, secret, context)
    const again = await open()
    expect(Buffer.from(await again.unwrap(id, wrapped, context))).toEqual(secret)
    expect(await again.list()).toEqual([{ id, label: 'live-1', createdAt: clock.now(), state: 'live' }])
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
    for (const name of await readdir(folder))
      expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600)
  })

  for (const { name, run } of keyProviderContract(openSubject, ['is moved away'])) it(name, run, 90_000)

  it('unwraps nothing under another context or key, and nothing that was edited', async () => {
    const provider = await open()
    const id = await provider.create('live-1')
    const other = await provider.create('live-2')
    const wrapped = await provider.wrap(id, secret, context)
    await expect(provider.unwrap(id, wrapped, Buffer.from('bucket 2'))).rejects.toEqual(
      code('ERR_KEYS_UNWRAP'),
    )
    await expect(provider.unwrap(other, wrapped, context)).rejects.toEqual(code('ERR_KEYS_UNWRAP'))
    for (let byte = 0; byte < wrapped.length; byte++) {
      const edited = Buffer.from(wrapped)
      edited[byte]! ^= 1
      await expect(provider.unwrap(id, edited, context)).rejects.toEqual(code('ERR_KEYS_UNWRAP'))
    }
    await expect(provider.unwrap(id, wrapped.subarray(0, 20), context)).rejects.toEqual(
      code('ERR_KEYS_UNWRAP'),
    )
  })

  it('opens a key for a batch: the same wraps, the same refusals, and none of a destroyed key', async () => {
    const provider = await open()
    const id = await provider.create('live-1')
    const key = await provider.open!(id)
    const wrapped = await key.wrap(secret, context)
    expect(Buffer.from(await provider.unwrap(id, wrapped, context))).toEqual(secret)
    expect(Buffer.from(await key.unwrap(await provider.wrap(id, secret, context), context))).toEqual(secret)
    expect(() => key.unwrap(wrapped, Buffer.from('bucket 2'))).toThrow(code('ERR_KEYS_UNWRAP'))
    await provider.destroy(id)
    await expect(provider.open!(id)).rejects.toEqual(code('ERR_KEYS_DESTROYED'))
  })

  it('destroys a key for good, in every process, and says that this is only attested', async () => {
    const provider = await open()
    const elsewhere = await open()
    const id = await provider.create('live-1')
    const wrapped = await provider.wrap(id, secret, context)
    const { key } = JSON.parse(await readFile(join(folder, `${id}.key`), 'utf8')) as { key: string }
    expect(await provider.destroy(id)).toBe('attested')
    expect(await provider.destroy(id)).toBe('attested')
    for (const each of [provider, elsewhere, await open()]) {
      await expect(each.unwrap(id, wrapped, context)).rejects.toEqual(code('ERR_KEYS_DESTROYED'))
      await expect(each.wrap(id, secret, context)).rejects.toEqual(code('ERR_KEYS_DESTROYED'))
    }
    expect(await provider.list()).toEqual([
      { id, label: 'live-1', createdAt: clock.now(), state: 'destroyed' },
    ])
    for (const name of await readdir(folder))
      expect(await readFile(join(folder, name), 'utf8')).not.toContain(key)
  })

  it('finishes a destruction that a crash interrupted after its tombstone', async () => {
    const provider = await open()
    const id = await provider.create('live-1')
    const wrapped = await provider.wrap(id, secret, context)
    await writeFile(
      join(folder, `${id}.destroyed`),
      JSON.stringify({ schema: 1, id, label: 'live-1', createdAt: 1, destroyedAt: 2 }),
    )
    await expect(provider.unwrap(id, wrapped, context)).rejects.toEqual(code('ERR_KEYS_DESTROYED'))
    await open()
    expect(await readdir(folder)).toEqual([`${id}.destroyed`])
  })

  it('removes what a crash left of a key that never was, and leaves another process’s work alone', async () => {
    await open()
    await writeFile(join(folder, 'some.key.4194301.draft'), 'secret')
    await writeFile(join(folder, `other.key.${process.ppid}.draft`), 'secret')
    await open()
    expect(await readdir(folder)).toEqual([`other.key.${process.ppid}.draft`])
  })

  it.each(['', '{}', '{"schema":2}', 'nonsense'])(
    'refuses a key file it does not understand without quoting it: %j',
    async (text) => {
      const provider = await open()
      const id = await provider.create('live-1')
      await writeFile(join(folder, `${id}.key`), text)
      await expect(provider.wrap(id, secret, context)).rejects.toEqual(code('ERR_KEYS_FORMAT'))
    },
  )

  it('says when it does not hold a key', async () => {
    const provider = await open()
    const id = await provider.create('live-1')
    await rm(join(folder, `${id}.key`))
    await expect(provider.wrap(id, secret, context)).rejects.toEqual(code('ERR_KEYS_PROVIDER_UNAVAILABLE'))
  })

  it.each(['', '{', '{"schema":1}', 'null'])(
    'refuses a key file that says %j, without quoting it',
    async (text) => {
      const provider = await open()
      const id = await provider.create('live-1')
      await writeFile(join(folder, `${id}.key`), text)
      await expect(provider.list()).rejects.toEqual(code('ERR_KEYS_FORMAT'))
      await expect(provider.wrap(id, secret, context)).rejects.not.toHaveProperty('cause')
    },
  )

  it.each(['../../etc/passwd', '', 'x'])('refuses the key id %j', async (id) => {
    await expect((await open()).unwrap(id, secret, context)).rejects.toEqual(code('ERR_KEYS_UNWRAP'))
  })
})

describe('the key folder', () => {
  it.each([0o750, 0o701, 0o777])('is refused when others can enter it: mode %o', async (mode) => {
    await mkdir(folder)
    await chmod(folder, mode)
    await expect(open()).rejects.toEqual(code('ERR_KEYS_FOLDER'))
  })

  it('is refused inside the database or the backups, through a link too', async () => {
    await expect(open([base])).rejects.toEqual(code('ERR_KEYS_FOLDER'))
    await expect(open([folder])).rejects.toEqual(code('ERR_KEYS_FOLDER'))
    const alias = join(tmpdir(), `surety-alias-${process.pid}`)
    await symlink(base, alias)
    await expect(open([alias])).rejects.toEqual(code('ERR_KEYS_FOLDER'))
    await rm(alias)
    await open([join(base, 'keys-of-others'), join(base, '..keys')])
  })

  it('is refused when it cannot be made', async () => {
    await writeFile(folder, 'a file')
    await expect(open()).rejects.toEqual(code('ERR_KEYS_FOLDER'))
  })
})
