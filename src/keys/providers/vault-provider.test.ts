import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { manualClock } from '../../kernel/index.ts'
import { openVaultProvider, type KeyProvider } from '../index.ts'
import { OUTAGES } from '../testing/http-double.ts'
import { startVaultDouble, type VaultDouble } from '../testing/vault-double.ts'
import { keyProviderContract, type ProviderUnderTest } from './provider-contract.ts'

const clock = manualClock(Date.UTC(2026, 10, 1))
const TOKEN = 'hvs.token-of-a-test'
const TIMEOUT_MS = 4_000
const secret = Buffer.alloc(32, 7)
const context = Buffer.from('bucket 1')

function open(double: VaultDouble, token = TOKEN): Promise<KeyProvider> {
  return openVaultProvider({ address: double.url, token: async () => token, clock, timeoutMs: TIMEOUT_MS })
}

async function openSubject(): Promise<ProviderUnderTest> {
  const double = await startVaultDouble(TOKEN)
  return {
    provider: await open(double),
    reopen: () => open(double),
    outages: double.outages,
    timeoutMs: TIMEOUT_MS,
    secrets: [TOKEN],
    close: () => double.close(),
  }
}

describe('the Vault provider, against a protocol double', () => {
  for (const { name, run } of keyProviderContract(openSubject, OUTAGES)) it(name, run, 90_000)

  let double: VaultDouble
  let provider: KeyProvider
  beforeEach(async () => {
    double = await startVaultDouble(TOKEN)
    provider = await open(double)
  })
  afterEach(() => double.close())

  it('confirms a destruction that it saw, and only attests one that it did not', async () => {
    const id = await provider.create('live-1')
    expect(await provider.destroy(id)).toBe('confirmed')
    expect(await provider.destroy(id)).toBe('attested')
  })

  it('refuses a mount where a wrap would bring a destroyed key’s name back to life', async () => {
    const id = await provider.create('live-1')
    await provider.destroy(id)
    double.settings.disableUpsert = false
    await expect(open(double)).rejects.toMatchObject({ code: 'ERR_KEYS_PROVIDER_CONFIG' })
    // What the refusal protects from.
    await provider.wrap(id, secret, context)
    expect(await provider.list()).toMatchObject([{ id, state: 'live' }])
  })

  it('refuses a key that Vault made exportable', async () => {
    double.settings.makesExportable = true
    await expect(provider.create('live-1')).rejects.toMatchObject({ code: 'ERR_KEYS_PROVIDER_CONFIG' })
  })

  it('is unavailable while Vault is sealed, and when the token is refused', async () => {
    await expect(open(double, 'hvs.other')).rejects.toMatchObject({ code: 'ERR_KEYS_PROVIDER_UNAVAILABLE' })
    double.settings.sealed = true
    await expect(provider.list()).rejects.toMatchObject({ code: 'ERR_KEYS_PROVIDER_UNAVAILABLE' })
  })

  it.each(['surety-x', 'other-a-0190b4d0-0000-7000-8000-000000000000', 'surety-../config'])(
    'asks Vault nothing about the key id %j',
    async (id) => {
      const before = double.requests.length
      await expect(provider.unwrap(id, secret, context)).rejects.toMatchObject({ code: 'ERR_KEYS_UNWRAP' })
      await expect(provider.destroy(id)).rejects.toMatchObject({ code: 'ERR_KEYS_UNWRAP' })
      expect(double.requests).toHaveLength(before)
    },
  )
})
