/**
 * A process that appends to a log and publishes it until it is killed. Says on stdout what it must not
 * lose: `ack <id>` once an entry is committed, `sign <size> <root>` before a tree is signed.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { inTransaction, silentLogger } from '../../database/index.ts'
import { systemClock } from '../../kernel/index.ts'
import { openEvidenceLog } from '../index.ts'
import { acknowledge, attach, openTellingSigner, readOptions, type ForEverOptions } from './for-ever.ts'

export const APPEND_FOR_EVER = import.meta.filename

if (import.meta.main) await appendForEver(readOptions())

async function appendForEver(options: ForEverOptions): Promise<void> {
  const { folder, origin } = options
  const database = await attach(options)
  const log = await openEvidenceLog({
    ...{ origin, folder, clock: systemClock, logger: silentLogger },
    transaction: (work) => inTransaction(database.owner, work),
    access: { mode: 'sequence', signer: await openTellingSigner(options) },
  })
  for (let i = 0; ; i++) {
    const count = 1 + (i % 40)
    const bodies = Array.from({ length: count }, () => ({
      kind: 'promise.withdrawn' as const,
      key: `test.promise-${process.pid}-${i}`,
    }))
    acknowledge(await log.append(bodies))
    await sleep(5)
  }
}
