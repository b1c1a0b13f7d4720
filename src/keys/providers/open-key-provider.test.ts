import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import type { KeyProviderSettings } from '../../declare/index.ts'
import { manualClock } from '../../kernel/index.ts'
import { openKeyProvider, type KeyProvider } from '../index.ts'
import { startKmsDouble } from '../testing/kms-double.ts'
import { startVaultDouble } from '../testing/vault-double.ts'

const clock = manualClock(Date.UTC(2026, 10, 1))
const account = { region: 'eu-central-1', accessKeyId: 'AKIDOFATEST', secretAccessKey: 'secret-of-a-test' }
const secret = Buffer.alloc(32, 7)
const context = Buffer.from('bucket 1')

let base: string

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'surety-choice-'))
  return () => rm(base, { recursive: true, force: true })
})

const open = (settings: KeyProviderSettings, env: Record<string, string> = {}): Promise<KeyProvider> =>
  openKeyProvider({ settings, folder: join(base, 'keys'), outside: [], clock, env })

async function works(provider: KeyProvider): Promise<void> {
  const id = await provider.create('live-1')
  const wrapped = await provider.wrap(id, secret, context)
  expect(Buffer.from(await provider.unwrap(id, wrapped, context))).toEqual(secret)
}

describe('the configured key provider', () => {
  it('is the file provider in the system’s folder unless told otherwise', async () => {
    const provider = await open({})
    expect(provider.name).toBe('file')
    await works(provider)
    expect(
      (await (await open({ provider: { kind: 'file', folder: join(base, 'keys') } })).list()).length,
    ).toBe(1)
  })

  it('signs in to AWS KMS from the usual environment variables', async () => {
    const double = await startKmsDouble(account, clock)
    const settings = {
      provider: { kind: 'aws-kms', region: account.region, endpoint: double.url, pendingWindow: '9d' },
    } as const
    const env = { AWS_ACCESS_KEY_ID: account.accessKeyId, AWS_SECRET_ACCESS_KEY: account.secretAccessKey }
    const provider = await open(settings, env)
    await works(provider)
    expect(provider.waitingMs).toBe(9 * 86_400_000)
    await double.close()
  })

  it('signs in to Vault with a token from a file, and takes up a new one', async () => {
    const double = await startVaultDouble('hvs.second')
    const file = join(base, 'token')
    await writeFile(file, 'hvs.second\n')
    const provider = await open({ provider: { kind: 'vault', address: double.url, token: { file } } })
    await works(provider)
    await writeFile(file, 'hvs.first\n')
    await expect(provider.list()).rejects.toMatchObject({ code: 'ERR_KEYS_PROVIDER_UNAVAILABLE' })
    await writeFile(file, 'hvs.second\n')
    expect(await provider.list()).toHaveLength(1)
    await double.close()
  })

  it('may be two replicas', async () => {
    const provider = await open({
      provider: [{ kind: 'file' }, { kind: 'file', folder: join(base, 'second') }],
    })
    expect(provider.name).toBe('file + file')
    await works(provider)
  })

  it.each([
    ['VAULT_TOKEN', { kind: 'vault', address: 'http://127.0.0.1:1' }],
    ['AWS_ACCESS_KEY_ID', { kind: 'aws-kms', region: 'eu-central-1', endpoint: 'http://127.0.0.1:1' }],
    ['/nowhere/pin', { kind: 'pkcs11', module: '/m.so', token: 't', pin: { file: '/nowhere/pin' } }],
  ] as const)('says that %s is missing', async (name, provider) => {
    await expect(open({ provider })).rejects.toMatchObject({
      code: 'ERR_KEYS_PROVIDER_CONFIG',
      message: expect.stringContaining(name) as string,
    })
  })
})
