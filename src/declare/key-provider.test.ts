import { describe, expect, it } from 'vitest'
import { defineSurety, field, keyProviderWaitMs, resource, type KeyProviderSettings } from './index.ts'

const people = resource({
  name: 'people',
  subject: 'personId',
  purpose: 'to sign the person in',
  basis: 'contract',
  retention: 'account',
  undeclared: 'refuse',
  fields: { personId: field.id(), name: field.text('name', { max: 100 }) },
})
const define = (settings: unknown): unknown =>
  defineSurety({
    name: 'Codetime',
    origin: 'codetime.example',
    page: './security.md',
    resources: { people },
    roles: {},
    keys: { liveEpoch: '6h', backupEpoch: '1d', ...(settings as KeyProviderSettings) },
  })
const hsm = { kind: 'pkcs11', module: '/usr/lib/hsm.so', token: 'prod', pin: { env: 'HSM_PIN' } }
const kms = { kind: 'aws-kms', region: 'eu-central-1' }
const vault = { kind: 'vault', address: 'https://vault.example:8200' }

describe('the configured key provider', () => {
  it.each([
    [{}],
    [{ provider: { kind: 'file' }, timeout: '5s', outage: '1h' }],
    [{ provider: { kind: 'file', folder: '/srv/keys' } }],
    [{ provider: hsm }],
    [{ provider: { ...hsm, pin: { file: '/run/secrets/pin' } } }],
    [{ provider: { ...hsm, environment: ['ChrystokiConfigurationPath', 'NFAST_HOME'] } }],
    [{ provider: { ...kms, pendingWindow: '30d', endpoint: 'http://127.0.0.1:4566' } }],
    [{ provider: { ...kms, region: 'us-gov-west-1', sessionToken: { env: 'TOKEN' } } }],
    [{ provider: { ...vault, mount: 'keys/transit', namespace: 'team', token: { file: '/run/token' } } }],
    [{ provider: [hsm, { ...hsm, token: 'second' }] }],
  ])('is taken as %j', (settings) => {
    expect(() => define(settings)).not.toThrow()
  })

  it.each([
    ['keys.provider.kind', { provider: { kind: 'gcp' } }],
    ['keys.provider.kind', { provider: 'file' }],
    ['keys.provider.kind', { provider: { kind: 'constructor' } }],
    ['keys.provider.bucket', { provider: { kind: 'file', bucket: 'x' } }],
    ['keys.provider.folder', { provider: { kind: 'file', folder: '' } }],
    ['keys.provider.pin', { provider: { ...hsm, pin: undefined } }],
    ['keys.provider.module', { provider: { ...hsm, module: 7 } }],
    ['keys.provider.environment', { provider: { ...hsm, environment: 'NFAST_HOME' } }],
    ['keys.provider.environment', { provider: { ...hsm, environment: ['NFAST_HOME=/opt'] } }],
    ['keys.provider.environment', { provider: { ...hsm, environment: [''] } }],
    ['keys.provider.region', { provider: { ...kms, region: 'Frankfurt' } }],
    ['keys.provider.pendingWindow', { provider: { ...kms, pendingWindow: '6d' } }],
    ['keys.provider.pendingWindow', { provider: { ...kms, pendingWindow: '31d' } }],
    ['keys.provider.pendingWindow', { provider: { ...kms, pendingWindow: '180h' } }],
    ['keys.provider.endpoint', { provider: { ...kms, endpoint: 'http://kms.example' } }],
    ['keys.provider.address', { provider: { ...vault, address: 'http://vault.example' } }],
    ['keys.provider.address', { provider: { ...vault, address: 'https://me:secret-1234@vault.example' } }],
    ['keys.provider', { provider: [] }],
    ['keys.provider', { provider: [hsm] }],
    ['keys.provider', { provider: [hsm, hsm] }],
    ['keys.provider[1].kind', { provider: [hsm, {}] }],
    ['keys.timeout', { timeout: '99ms' }],
    ['keys.timeout', { timeout: '61s' }],
    ['keys.outage', { outage: '59s' }],
    ['keys.outage', { outage: '8d' }],
  ])('is refused at %s: %j', (key, settings) => {
    expect(() => define(settings)).toThrow(
      expect.objectContaining({
        code: 'ERR_DECLARE_CONFIG',
        message: expect.stringContaining(`surety.config: ${key} `) as string,
      }) as Error,
    )
  })

  it.each([
    { ...hsm, pin: 'secret-1234' },
    { ...hsm, environment: ['PIN=secret-1234'] },
    { ...hsm, pin: { env: 'PIN', value: 'secret-1234' } },
    { ...vault, token: 'secret-1234' },
    { ...kms, secretAccessKey: 'secret-1234' },
    { ...vault, address: 'https://me:secret-1234@vault.example' },
  ])('never holds a secret in clear, and the refusal does not quote it', (provider) => {
    const refusal = (() => {
      try {
        return define({ provider })
      } catch (error) {
        return error
      }
    })()
    expect(refusal).toMatchObject({ code: 'ERR_DECLARE_CONFIG' })
    expect(JSON.stringify([refusal, String(refusal)])).not.toContain('secret-1234')
  })

  it('tells how long it waits before it ends a key', () => {
    const day = 86_400_000
    expect(keyProviderWaitMs({})).toBe(0)
    expect(keyProviderWaitMs({ provider: { kind: 'aws-kms', region: 'eu-central-1' } })).toBe(7 * day)
    expect(
      keyProviderWaitMs({
        provider: [{ kind: 'file' }, { kind: 'aws-kms', region: 'eu-central-1', pendingWindow: '9d' }],
      }),
    ).toBe(9 * day)
  })
})
