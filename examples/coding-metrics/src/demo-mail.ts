import { randomUUID } from 'node:crypto'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock, MailMessage, MailPort } from 'surety'
import { writeSecret } from './demo-secrets.ts'

/** Where the demo's letters go instead of to a mail server: whoever tries it has no other mailbox. */
export interface DemoMail {
  readonly port: MailPort
  /** The newest first. */
  letters(): Promise<readonly DemoLetter[]>
}

export interface DemoLetter extends MailMessage {
  /** Unix milliseconds. */
  readonly at: number
}

/** Older ones are thrown away. */
const MOST_KEPT = 50
/** Probes sign up with such an address; they read no letters. */
const CANARIES = '@canary.example'

/**
 * Keeps letters as files in the data folder, for their owner's eyes only. Null in production
 * (`NODE_ENV=production`): a letter opens an account to whoever reads it.
 */
export function openDemoMail(
  dataDir: string,
  clock: Clock,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): DemoMail | null {
  if (environment['NODE_ENV'] === 'production') return null
  const folder = join(dataDir, 'letters')
  const files = async (): Promise<string[]> => {
    const names = await readdir(folder).catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
      throw error
    })
    return names
      .filter((name) => name.endsWith('.json'))
      .toSorted()
      .toReversed()
  }
  const send: MailPort['send'] = async (letter) => {
    if (letter.to.endsWith(CANARIES)) return
    const at = clock.now()
    const name = `${String(at).padStart(15, '0')}-${randomUUID()}.json`
    await writeSecret(join(folder, name), { ...letter, at })
    for (const old of (await files()).slice(MOST_KEPT)) await rm(join(folder, old), { force: true })
  }
  return {
    port: { send },
    async letters() {
      const texts = (await files()).map((name) => readFile(join(folder, name), 'utf8'))
      return (await Promise.all(texts)).map((text) => JSON.parse(text) as DemoLetter)
    },
  }
}
