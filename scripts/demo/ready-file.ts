import { mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Ready } from '../../src/cli/ready.ts'

/** Takes the file away before anything starts: whoever waits for it must not meet an old one. */
export async function removeReady(dataDir: string): Promise<void> {
  await mkdir(dataDir, { recursive: true })
  await rm(join(dataDir, 'ready.json'), { force: true })
}

/** Renamed in when whole. It holds sign-in cookies, so only its owner reads it. */
export async function writeReady(dataDir: string, ready: Ready): Promise<void> {
  const draft = join(dataDir, `ready.json.${process.pid}.tmp`)
  const file = await open(draft, 'w', 0o600)
  try {
    await file.writeFile(`${JSON.stringify(ready, null, 2)}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(draft, join(dataDir, 'ready.json'))
}
