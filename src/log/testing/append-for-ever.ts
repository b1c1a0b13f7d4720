/**
 * A process that appends to a log and publishes it until it is killed. Says on stdout, unbuffered, what
 * it must not lose: `ack <id>` once an entry is committed, `sign <size> <root>` before a tree is signed.
 */
import { writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { inTransaction, openDatabase, silentLogger } from '../../database/index.ts'
import { fromUtf8, systemClock } from '../../kernel/index.ts'
import { openEvidenceLog, openLogSigner } from '../index.ts'

export interface AppenderOptions {
  /** Data folder of the running server, and the system's name in it. */
  readonly dataDir: string
  readonly name: string
  readonly folder: string
  readonly keyFile: string
  readonly origin: string
}

if (import.meta.main) {
  const options = JSON.parse(process.env['APPENDER'] ?? '{}') as AppenderOptions
  await appendForEver(options)
}

async function appendForEver({ dataDir, name, folder, keyFile, origin }: AppenderOptions): Promise<void> {
  const database = await openDatabase({
    dataDir,
    name,
    attach: true,
    clock: systemClock,
    logger: silentLogger,
  })
  const inner = await openLogSigner(keyFile, origin)
  const sign = async (bytes: Uint8Array): Promise<Uint8Array> => {
    const [, size, root] = fromUtf8(bytes).split('\n')
    if (root) writeSync(1, `sign ${size} ${root}\n`)
    return inner.sign(bytes)
  }
  const log = await openEvidenceLog({
    ...{ origin, folder, clock: systemClock, logger: silentLogger },
    transaction: (work) => inTransaction(database.owner, work),
    access: { mode: 'sequence', signer: { key: inner.key, sign } },
  })
  for (let i = 0; ; i++) {
    const count = 1 + (i % 40)
    const bodies = Array.from({ length: count }, () => ({
      kind: 'promise.withdrawn' as const,
      key: `test.promise-${process.pid}-${i}`,
    }))
    for (const id of await log.append(bodies)) writeSync(1, `ack ${id}\n`)
    await sleep(5)
  }
}
