import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { manualClock } from '../../kernel/index.ts'
import { openAwsKmsProvider, type AwsKmsProviderOptions, type KeyProvider } from '../index.ts'
import { OUTAGES } from '../testing/http-double.ts'
import { startKmsDouble, type KmsDouble } from '../testing/kms-double.ts'
import { keyProviderContract, type ProviderUnderTest } from './provider-contract.ts'

const clock = manualClock(Date.UTC(2026, 10, 1))
const account = {
  region: 'eu-central-1',
  accessKeyId: 'AKIDOFATEST',
  secretAccessKey: 'secret-access-key-of-a-test',
  sessionToken: 'session-token-of-a-test',
}
const TIMEOUT_MS = 4_000
const DAY_MS = 86_400_000
const secret = Buffer.alloc(32, 7)
const context = Buffer.from('bucket 1')

function open(double: KmsDouble, changed: Partial<AwsKmsProviderOptions> = {}): Promise<KeyProvider> {
  const { region } = account
  const options = {
    region,
    endpoint: double.url,
    credentials: async () => account,
    clock,
    timeoutMs: TIMEOUT_MS,
  }
  return openAwsKmsProvider({ ...options, ...changed })
}

async function openSubject(): Promise<ProviderUnderTest> {
  const double = await startKmsDouble(account, clock)
  return {
    provider: await open(double),
    reopen: () => open(double),
    outages: double.outages,
    timeoutMs: TIMEOUT_MS,
    secrets: [account.secretAccessKey, account.sessionToken],
    close: () => double.close(),
  }
}

describe('the AWS KMS provider, against a protocol double', () => {
  for (const { name, run } of keyProviderContract(openSubject, OUTAGES)) it(name, run, 90_000)

  let double: KmsDouble
  let provider: KeyProvider
  beforeEach(async () => {
    double = await startKmsDouble(account, clock)
    provider = await open(double)
  })
  afterEach(() => double.close())

  it('says honestly that a destruction is only scheduled, and can be cancelled until then', async () => {
    const id = await provider.create('live-1')
    const wrapped = await provider.wrap(id, secret, context)
    expect(provider.waitingMs).toBe(7 * DAY_MS)
    expect(await provider.destroy(id)).toBe('scheduled')
    const end = clock.now() + 7 * DAY_MS
    expect(await provider.list()).toEqual([
      { id, label: 'live-1', createdAt: clock.now(), state: 'ending', destroyedBy: end },
    ])
    double.cancelDeletion(id)
    expect(await provider.list()).toMatchObject([{ id, state: 'live' }])
    expect(await provider.destroy(id)).toBe('scheduled')
    clock.advance(7 * DAY_MS)
    expect(await provider.list()).toEqual([])
    await expect(provider.unwrap(id, wrapped, context)).rejects.toMatchObject({ code: 'ERR_KEYS_DESTROYED' })
    expect(await provider.destroy(id)).toBe('attested')
  })

  it('takes a key that somebody disabled for unavailable, not for destroyed', async () => {
    const id = await provider.create('live-1')
    const wrapped = await provider.wrap(id, secret, context)
    double.disable(id)
    await expect(provider.unwrap(id, wrapped, context)).rejects.toMatchObject({
      code: 'ERR_KEYS_PROVIDER_UNAVAILABLE',
    })
  })

  it('sends neither context nor label where KMS logs it, and no plaintext key at creation', async () => {
    const id = await provider.create('live-1')
    await provider.wrap(id, secret, Buffer.from('context-in-words'))
    const sent = double.requests.map(({ body }) => body).join('\n')
    expect(sent).not.toContain('context-in-words')
    expect(sent).not.toContain(Buffer.from('context-in-words').toString('base64'))
  })

  it.each([
    ['another secret', { credentials: async () => ({ ...account, secretAccessKey: 'another' }) }],
    ['another region', { region: 'us-east-1' }],
    ['a clock that is wrong', { clock: manualClock(Date.UTC(2020, 0, 1)) }],
  ])('is refused with %s', async (_, changed) => {
    const opening = open(double, changed)
    await expect(opening).rejects.toMatchObject({
      code: 'ERR_KEYS_PROVIDER_UNAVAILABLE',
      mend: expect.stringContaining('credentials') as string,
    })
  })

  it.each([6, 31, 7.5])('refuses a waiting time of %s days', async (pendingDays) => {
    await expect(open(double, { pendingDays })).rejects.toMatchObject({ code: 'ERR_KEYS_PROVIDER_CONFIG' })
  })
})
