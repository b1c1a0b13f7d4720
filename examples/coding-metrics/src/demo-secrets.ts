import { randomBytes } from 'node:crypto'
import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { mintApiKey } from './api-keys.ts'
import type { Role } from './people.ts'

/** The header that carries the demo's account token. */
export const ACCOUNT_TOKEN_HEADER = 'x-demo-token'

/** Secrets of the demo that outlive a restart, so that an editor's key keeps working. */
export interface DemoSecrets {
  readonly schema: 1
  /** Lets a probe make ordinary accounts for itself over HTTP. */
  readonly accountToken: string
  readonly apiKeys: Readonly<Record<Role, string>>
}

export function demoSecretsFile(dataDir: string): string {
  return join(dataDir, 'demo.json')
}

/** Reads the demo's secrets from the data folder. Rejects where the demo was never started. */
export async function readDemoSecrets(dataDir: string): Promise<DemoSecrets> {
  const secrets = JSON.parse(await readFile(demoSecretsFile(dataDir), 'utf8')) as DemoSecrets
  if (secrets.schema !== 1) throw new TypeError('demo.json has a format this version does not know')
  return secrets
}

/** The demo's secrets, made at the first start; the file is for its owner's eyes only (0600). */
export async function openDemoSecrets(dataDir: string): Promise<DemoSecrets> {
  try {
    return await readDemoSecrets(dataDir)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
  }
  const secrets: DemoSecrets = {
    schema: 1,
    accountToken: randomBytes(32).toString('base64url'),
    apiKeys: { member: mintApiKey(), administrator: mintApiKey() },
  }
  await writeSecret(demoSecretsFile(dataDir), secrets)
  return secrets
}

/** Writes a secret whole or not at all, for its owner's eyes only. */
export async function writeSecret(file: string, secret: object): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const handle = await open(`${file}.new`, 'w', 0o600)
  try {
    await handle.writeFile(`${JSON.stringify(secret, null, 2)}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(`${file}.new`, file)
}
