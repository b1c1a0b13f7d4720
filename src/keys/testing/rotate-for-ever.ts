/**
 * A process that ends epochs, one after the other, until it is killed. Says `<ladder> <step>` on stdout,
 * unbuffered, for each step that is durable.
 */
import { writeSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { asConnection, openDatabase, silentLogger, watchClocks } from '../../database/index.ts'
import { systemClock } from '../../kernel/index.ts'
import { createKeyRotation, openFileProvider } from '../index.ts'
import { recordSaid, SCHEDULE } from './rotation-schedule.ts'

export interface RotatorOptions {
  /** Data folder of the running server, and the system's name in it. */
  readonly dataDir: string
  readonly name: string
  /** The key folder. */
  readonly folder: string
}

if (import.meta.main) await rotateForEver(JSON.parse(process.env['ROTATOR'] ?? '{}') as RotatorOptions)

async function rotateForEver({ dataDir, name, folder }: RotatorOptions): Promise<void> {
  // Whoever is killed keeps nothing of what it compiled.
  flushCompileCache()
  const clock = systemClock
  const { owner } = await openDatabase({ dataDir, name, attach: true, clock, logger: silentLogger })
  const rotation = createKeyRotation({
    ...{ owner, clock, logger: silentLogger, schedule: SCHEDULE, record: recordSaid },
    provider: await openFileProvider({ folder, outside: [], clock }),
    clocks: watchClocks({ clock, connection: asConnection(owner), toleranceMs: 60_000 }),
  })
  const onStep = ({ ladder, step }: { ladder: string; step: string }): void => {
    writeSync(1, `${ladder} ${step}\n`)
  }
  for (;;) await rotation.run({ force: ['live', 'backup'], onStep })
}
