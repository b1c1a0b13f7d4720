import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'

/** Somebody invented, signed in. */
export interface ReadyPerson {
  readonly email: string
  /** `member`, `administrator`, or `staff:` and a role of staff. */
  readonly role: string
  readonly cookie: string
  /** Registers a passkey of one's own at `/console/enrol`, once; null for who approves nothing. */
  readonly enrolmentCode: string | null
}

/** One system of a running demo. */
export interface ReadySystem {
  readonly url: string
  readonly vkey: string
  readonly apiKey: string
  readonly people: readonly ReadyPerson[]
  /** Absolute path of its surety.config. */
  readonly config: string
  /** Folder of its keys and logs. */
  readonly dataDir: string
}

/** What `npm start` writes when all is up; demo only, since it holds sign-in cookies. */
export interface Ready {
  readonly schema: 1
  readonly pid: number
  readonly dataDir: string
  readonly databaseDir: string
  readonly overview: string
  readonly systems: Readonly<Record<string, ReadySystem>>
}

/** The folder for keys, logs and `ready.json`: `SURETY_DATA`, else `.surety` here. */
export function dataFolder(environment: Readonly<Record<string, string | undefined>> = process.env): string {
  return resolve(environment['SURETY_DATA'] || '.surety')
}

/** The running demo's `ready.json`; null where none runs. */
export async function readReady(): Promise<Ready | null> {
  try {
    const ready = JSON.parse(await readFile(join(dataFolder(), 'ready.json'), 'utf8')) as Ready
    return ready.schema === 1 && isRunning(ready.pid) ? ready : null
  } catch {
    return null
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
