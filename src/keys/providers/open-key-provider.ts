import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import {
  listKeyProviders,
  type KeyProviderConfig,
  type KeyProviderSettings,
  type SecretSource,
} from '../../declare/index.ts'
import { parseDuration, type Clock } from '../../kernel/index.ts'
import { KeysError } from '../errors.ts'
import { PROVIDER_TIMEOUT_MS, type KeyProvider } from '../provider.ts'
import type { AwsCredentials } from './aws-signature.ts'
import { openFileProvider } from './file-provider.ts'
import { createReplicatedProvider } from './replicated-provider.ts'

export interface OpenKeyProviderOptions {
  /** `keys` of the configuration. */
  readonly settings: KeyProviderSettings
  /** The file provider's folder where the configuration names none. */
  readonly folder: string
  /** Folders that a file provider's keys must not lie in. */
  readonly outside: readonly string[]
  readonly clock: Clock
  /** Default the process's own. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

/**
 * Opens the configured provider, or both replicas as one.
 *
 * @throws KeysError `ERR_KEYS_FOLDER`, `ERR_KEYS_PROVIDER_CONFIG`, `ERR_KEYS_PROVIDER_UNAVAILABLE`;
 *   nothing stays open then
 */
export async function openKeyProvider(options: OpenKeyProviderOptions): Promise<KeyProvider> {
  const { settings, clock } = options
  const timeoutMs = settings.timeout === undefined ? PROVIDER_TIMEOUT_MS : parseDuration(settings.timeout)
  const [first, second] = listKeyProviders(settings.provider ?? { kind: 'file' })
  if (second === undefined) return openOne(first!, options, timeoutMs)
  const one = await openOne(first!, options, timeoutMs / 2)
  try {
    const other = await openOne(second, options, timeoutMs / 2)
    return createReplicatedProvider({ replicas: [one, other], clock, timeoutMs })
  } catch (error) {
    await one.close?.()
    throw error
  }
}

async function openOne(
  config: KeyProviderConfig,
  { folder, outside, clock, env = process.env }: OpenKeyProviderOptions,
  timeoutMs: number,
): Promise<KeyProvider> {
  const secret = (source: SecretSource): Promise<string> => readSecret(source, env)
  switch (config.kind) {
    case 'file':
      return openFileProvider({ folder: config.folder ? resolve(config.folder) : folder, outside, clock })
    case 'pkcs11': {
      const { openPkcs11Provider } = await import('./pkcs11-provider.ts')
      const { kind: _, pin, ...place } = config
      return openPkcs11Provider({ ...place, pin: () => secret(pin), clock, timeoutMs, env })
    }
    case 'aws-kms': {
      const { openAwsKmsProvider } = await import('./aws-kms-provider.ts')
      const { region, endpoint, pendingWindow = '7d' } = config
      return openAwsKmsProvider({
        region,
        ...(endpoint && { endpoint }),
        credentials: () => readAwsCredentials(config, secret),
        pendingDays: parseDuration(pendingWindow) / DAY_MS,
        clock,
        timeoutMs,
      })
    }
    case 'vault': {
      const { openVaultProvider } = await import('./vault-provider.ts')
      const { kind: _, token = { env: 'VAULT_TOKEN' }, ...place } = config
      return openVaultProvider({ ...place, token: () => secret(token), clock, timeoutMs })
    }
  }
}

const DAY_MS = 86_400_000

type ReadSecret = (source: SecretSource) => Promise<string>

async function readAwsCredentials(
  config: Extract<KeyProviderConfig, { kind: 'aws-kms' }>,
  secret: ReadSecret,
): Promise<AwsCredentials> {
  const keys = {
    accessKeyId: await secret(config.accessKeyId ?? { env: 'AWS_ACCESS_KEY_ID' }),
    secretAccessKey: await secret(config.secretAccessKey ?? { env: 'AWS_SECRET_ACCESS_KEY' }),
  }
  if (config.sessionToken) return { ...keys, sessionToken: await secret(config.sessionToken) }
  // Keys that do not expire come without one.
  const sessionToken = await secret({ env: 'AWS_SESSION_TOKEN' }).catch(() => undefined)
  return sessionToken === undefined ? keys : { ...keys, sessionToken }
}

/** A secret's words, without the line end of a file; nothing is said about it but where it should be. */
async function readSecret(
  source: SecretSource,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  if ('env' in source) {
    const value = env[source.env]
    if (value !== undefined && value !== '') return value
    throw new KeysError('ERR_KEYS_PROVIDER_CONFIG', `the environment variable ${source.env} is not set`)
  }
  const text = await readFile(source.file, 'utf8').catch(() => '')
  const value = text.replace(/\r?\n$/, '')
  if (value !== '') return value
  throw new KeysError('ERR_KEYS_PROVIDER_CONFIG', `the file ${source.file} is empty or cannot be read`)
}
