import { generateKeyPairSync, randomBytes, randomUUID, type JsonWebKey } from 'node:crypto'
import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** What the provider keeps across restarts: sessions end with it, keys and client secrets do not. */
export interface ProviderSecrets {
  readonly schema: 1
  /** Private keys that sign tokens. */
  readonly signingKeys: readonly JsonWebKey[]
  readonly cookieKeys: readonly string[]
  /** Whoever knows it may add people: a probe does, to sign in as one of them. */
  readonly peopleToken: string
  /** Client secrets by client id. */
  readonly clients: Readonly<Record<string, string>>
}

/** The file of the provider's secrets; for its owner's eyes only (0600). */
export function providerSecretsFile(dataDir: string): string {
  return join(dataDir, 'identity-provider.json')
}

/** The file of one client's secret, as its system reads it. */
export function clientSecretFile(dataDir: string, clientId: string): string {
  return join(dataDir, 'clients', clientId)
}

/** The file that says where the provider answers. */
export function issuerFile(dataDir: string): string {
  return join(dataDir, 'issuer')
}

/** Says to the systems beside it where the provider answers, and gives each its own secret. */
export async function publishToClients(
  dataDir: string,
  issuer: string,
  { clients }: ProviderSecrets,
): Promise<void> {
  for (const [id, secret] of Object.entries(clients)) await writeWhole(clientSecretFile(dataDir, id), secret)
  await writeWhole(issuerFile(dataDir), issuer)
}

/** Reads the provider's secrets. Rejects where it was never started. */
export async function readProviderSecrets(dataDir: string): Promise<ProviderSecrets> {
  const secrets = JSON.parse(await readFile(providerSecretsFile(dataDir), 'utf8')) as ProviderSecrets
  if (secrets.schema !== 1) {
    throw new TypeError('identity-provider.json has a format this version does not know')
  }
  return secrets
}

/** The provider's secrets, made at the first start, with a secret for each of the named clients. */
export async function openProviderSecrets(
  dataDir: string,
  clientIds: readonly string[],
): Promise<ProviderSecrets> {
  const found = await readProviderSecrets(dataDir).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
    return newSecrets()
  })
  const missing = clientIds.filter((id) => found.clients[id] === undefined)
  if (missing.length === 0) return found
  const added = Object.fromEntries(missing.map((id) => [id, randomSecret()]))
  const secrets = { ...found, clients: { ...found.clients, ...added } }
  await writeWhole(providerSecretsFile(dataDir), `${JSON.stringify(secrets, null, 2)}\n`)
  return secrets
}

function newSecrets(): ProviderSecrets {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const signingKey = { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg: 'RS256' }
  return {
    schema: 1,
    signingKeys: [signingKey],
    cookieKeys: [randomSecret()],
    peopleToken: randomSecret(),
    clients: {},
  }
}

function randomSecret(): string {
  return randomBytes(32).toString('base64url')
}

async function writeWhole(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  const handle = await open(`${file}.new`, 'w', 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(`${file}.new`, file)
}
