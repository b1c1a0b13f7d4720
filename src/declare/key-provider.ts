import { isDuration, parseDuration, type Duration } from '../kernel/index.ts'
import type { DefinitionCheck } from './definition.ts'

/** Where a secret is found: never in the configuration itself. */
export type SecretSource = { readonly env: string } | { readonly file: string }

/** Epoch keys in a folder of this machine. */
export interface FileKeys {
  readonly kind: 'file'
  /** A folder of its own. Default `keys` in the system's data folder. */
  readonly folder?: string
}

/** Epoch keys in an HSM. Needs the optional package `koffi`; Linux and macOS. */
export interface Pkcs11Keys {
  readonly kind: 'pkcs11'
  /** Path of the vendor's module, such as `/usr/lib/softhsm/libsofthsm2.so`. */
  readonly module: string
  /** Label of the token. */
  readonly token: string
  /** The user's PIN. */
  readonly pin: SecretSource
  /**
   * Environment variables that the module reads, such as `ChrystokiConfigurationPath`. Its process gets
   * these and a few that every program needs (`PATH`, `HOME`, the language, `SOFTHSM2_CONF`), and no
   * other of the app's. Default none.
   */
  readonly environment?: readonly string[]
}

/** Epoch keys in AWS KMS. */
export interface AwsKmsKeys {
  readonly kind: 'aws-kms'
  /** Such as `eu-central-1`. */
  readonly region: string
  /** `https://…`; `http://` on this machine only. Default AWS's own for the region. */
  readonly endpoint?: string
  /** Time between destroying a key and its end, whole days from `"7d"` (default) to `"30d"`: AWS offers no less. */
  readonly pendingWindow?: Duration
  /** Default `{ env: 'AWS_ACCESS_KEY_ID' }`, `{ env: 'AWS_SECRET_ACCESS_KEY' }`, `{ env: 'AWS_SESSION_TOKEN' }`. */
  readonly accessKeyId?: SecretSource
  readonly secretAccessKey?: SecretSource
  readonly sessionToken?: SecretSource
}

/** Epoch keys in Vault's transit engine. */
export interface VaultKeys {
  readonly kind: 'vault'
  /** `https://…`; `http://` on this machine only. */
  readonly address: string
  /** Where the transit engine is mounted. Default `transit`. */
  readonly mount?: string
  readonly namespace?: string
  /** Default `{ env: 'VAULT_TOKEN' }`. Read at each call, so a renewed one is taken up. */
  readonly token?: SecretSource
}

export type KeyProviderConfig = FileKeys | Pkcs11Keys | AwsKmsKeys | VaultKeys

/** Where epoch keys live, and what happens when that place is away. */
export interface KeyProviderSettings {
  /** One provider, or two replicas of each key. Default `{ kind: 'file' }`. */
  readonly provider?: KeyProviderConfig | readonly [KeyProviderConfig, KeyProviderConfig]
  /** How long one call may take, `"100ms"` to `"1m"`. Default `"5s"`. */
  readonly timeout?: Duration
  /** How long opened keys are used after the provider's last answer, `"1m"` to `"7d"`. Default `"1h"`. */
  readonly outage?: Duration
}

const MEMBERS: Readonly<Record<KeyProviderConfig['kind'], readonly string[]>> = {
  file: ['folder'],
  pkcs11: ['module', 'token', 'pin', 'environment'],
  'aws-kms': ['region', 'endpoint', 'pendingWindow', 'accessKeyId', 'secretAccessKey', 'sessionToken'],
  vault: ['address', 'mount', 'namespace', 'token'],
}
/** The members that are found elsewhere. A PKCS#11 `token` is a label, Vault's is a secret. */
const SECRETS: Readonly<Record<KeyProviderConfig['kind'], readonly string[]>> = {
  file: [],
  pkcs11: ['pin'],
  'aws-kms': ['accessKeyId', 'secretAccessKey', 'sessionToken'],
  vault: ['token'],
}
const REQUIRED: Readonly<Record<KeyProviderConfig['kind'], readonly string[]>> = {
  file: [],
  pkcs11: ['module', 'token', 'pin'],
  'aws-kms': ['region'],
  vault: ['address'],
}

const DAY_MS = 86_400_000

/** Milliseconds from destroying a key to its real end at the configured provider: `W` of the inequalities. */
export function keyProviderWaitMs({ provider = { kind: 'file' } }: KeyProviderSettings): number {
  const waits = listKeyProviders(provider).map((each) =>
    each.kind === 'aws-kms' ? parseDuration(each.pendingWindow ?? '7d') : 0,
  )
  return Math.max(...waits)
}

/** The configured providers, one or two. */
export function listKeyProviders(
  provider: NonNullable<KeyProviderSettings['provider']>,
): readonly KeyProviderConfig[] {
  return Array.isArray(provider)
    ? (provider as readonly KeyProviderConfig[])
    : [provider as KeyProviderConfig]
}

/** Refuses what no provider can be opened with. Never quotes a value: a secret may stand in the wrong place. */
export function checkKeyProvider(check: DefinitionCheck, settings: KeyProviderSettings): void {
  checkBetween(check, settings.timeout, 'keys.timeout', '100ms', '1m')
  checkBetween(check, settings.outage, 'keys.outage', '1m', '7d')
  const { provider } = settings
  if (provider === undefined) return
  const all = listKeyProviders(provider)
  const isPair = Array.isArray(provider)
  check.that(
    !isPair || all.length === 2,
    'keys.provider',
    'has not two replicas',
    'list exactly two, or give one',
  )
  for (const [at, each] of all.entries())
    checkOne(check, each, isPair ? `keys.provider[${at}]` : 'keys.provider')
  const [first, second] = all.map((each) => JSON.stringify(each))
  check.that(
    !isPair || first !== second,
    'keys.provider',
    'names one place twice',
    'give the second replica a place of its own that does not fail with the first',
  )
}

function checkOne(check: DefinitionCheck, config: KeyProviderConfig, key: string): void {
  const kind: unknown = typeof config === 'object' && config !== null ? config.kind : undefined
  const known = typeof kind === 'string' && Object.hasOwn(MEMBERS, kind)
  check.that(known, `${key}.kind`, 'is no kind of provider', `use one of: ${Object.keys(MEMBERS).join(', ')}`)
  const members = MEMBERS[config.kind]
  for (const name of Object.keys(config))
    check.that(
      name === 'kind' || members.includes(name),
      `${key}.${name}`,
      'is not a known key',
      `remove it, or use one of: ${members.join(', ') || 'none'}`,
    )
  const values = config as unknown as Readonly<Record<string, unknown>>
  for (const name of REQUIRED[config.kind])
    check.that(values[name] !== undefined, `${key}.${name}`, 'is missing', 'give it')
  for (const name of members.filter((member) => values[member] !== undefined)) {
    if (SECRETS[config.kind].includes(name)) checkSecret(check, values[name], `${key}.${name}`)
    else if (name === 'environment') checkNames(check, values[name], `${key}.${name}`)
    else checkText(check, values[name], `${key}.${name}`)
  }
  if (config.kind === 'aws-kms') checkAws(check, config, key)
  if (config.kind === 'vault') checkAddress(check, config.address, `${key}.address`)
}

function checkAws(check: DefinitionCheck, config: AwsKmsKeys, key: string): void {
  const { region, endpoint, pendingWindow } = config
  const isRegion = /^[a-z]{2}(-[a-z]+)+-\d$/.test(region)
  check.that(isRegion, `${key}.region`, 'is not a region', "write it such as 'eu-central-1'")
  if (endpoint !== undefined) checkAddress(check, endpoint, `${key}.endpoint`)
  checkBetween(check, pendingWindow, `${key}.pendingWindow`, '7d', '30d')
  const isWhole = pendingWindow === undefined || parseDuration(pendingWindow) % DAY_MS === 0
  check.that(isWhole, `${key}.pendingWindow`, 'is not in whole days', "write it such as '7d'")
}

function checkText(check: DefinitionCheck, value: unknown, key: string): void {
  check.that(typeof value === 'string' && value.trim() !== '', key, 'is not a text', 'write a text')
}

function checkNames(check: DefinitionCheck, value: unknown, key: string): void {
  const isNames = Array.isArray(value) && value.every((name) => /^[A-Z_]\w*$/i.test(String(name)))
  check.that(isNames, key, 'is not a list of environment variables', "write it such as ['NAME']: names alone")
}

/** Refuses anything but the place of a secret. */
export function checkSecret(check: DefinitionCheck, value: unknown, key: string): void {
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : []
  const [entry] = entries
  const named = entries.length === 1 && entry !== undefined && ['env', 'file'].includes(entry[0])
  const isSource = named && typeof entry[1] === 'string' && entry[1] !== ''
  check.that(
    isSource,
    key,
    'does not name an environment variable or a file',
    "write { env: 'NAME' } or { file: '/run/secrets/name' }; a secret has no place in the configuration",
  )
}

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']

/** Refuses anything but an https address, or http on this machine, without credentials. */
export function checkAddress(check: DefinitionCheck, value: string, key: string): void {
  const url = URL.canParse(value) ? new URL(value) : null
  const isClosed =
    url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK.includes(url.hostname))
  const isPlain = url !== null && url.username === '' && url.password === '' && url.search === ''
  check.that(
    isClosed && isPlain,
    key,
    'is not an https address without credentials',
    'begin it with https://',
  )
}

function checkBetween(
  check: DefinitionCheck,
  value: Duration | undefined,
  key: string,
  least: Duration,
  most: Duration,
): void {
  if (value === undefined) return
  check.that(isDuration(String(value)), key, 'is not a duration', `write a duration such as '${least}'`)
  const ms = parseDuration(value)
  const fits = ms >= parseDuration(least) && ms <= parseDuration(most)
  check.that(fits, key, `is not from ${least} to ${most}`, `choose one from ${least} to ${most}`)
}
