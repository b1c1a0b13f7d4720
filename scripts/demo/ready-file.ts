import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Ready } from '../../src/cli/ready.ts'

/** Milliseconds that a running demo has to answer. */
const ANSWER_MS = 2_000

const fileOf = (dataDir: string): string => join(dataDir, 'ready.json')

/**
 * Takes an old file away before anything starts: whoever waits for it must not meet it.
 * @throws RangeError where the demo that wrote it still answers: its file stays
 */
export async function removeStaleReady(dataDir: string): Promise<void> {
  await mkdir(dataDir, { recursive: true })
  const left = await readLeft(dataDir)
  if (left?.overview && (await answers(left.overview))) {
    throw new RangeError(
      `the demo of ${dataDir} runs already: ${left.overview} (process ${left.pid}).\n` +
        '  Use that one, end it first, or start another: SURETY_DATA=OTHER_FOLDER PORT=4100 npm start',
    )
  }
  await rm(fileOf(dataDir), { force: true })
}

/** Takes this process's own file away. */
export async function dropReady(dataDir: string): Promise<void> {
  if ((await readLeft(dataDir))?.pid === process.pid) await rm(fileOf(dataDir), { force: true })
}

async function readLeft(dataDir: string): Promise<Partial<Ready> | null> {
  try {
    return JSON.parse(await readFile(fileOf(dataDir), 'utf8')) as Partial<Ready> | null
  } catch {
    return null
  }
}

async function answers(overview: string): Promise<boolean> {
  try {
    await fetch(overview, { signal: AbortSignal.timeout(ANSWER_MS) })
    return true
  } catch {
    return false
  }
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
  await rename(draft, fileOf(dataDir))
}
