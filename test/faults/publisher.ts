/**
 * A process that appends to a running system's evidence log and sequences it beside the server, until
 * it is killed or the database stays away. Says `ack <id>` on stdout once an entry is committed.
 */
import { writeSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import { inTransaction, openDatabase, silentLogger } from '../../src/database/index.ts'
import { systemClock } from '../../src/kernel/index.ts'
import { openEvidenceLog, openLogSigner } from '../../src/log/index.ts'
import type { EvidenceBody } from '../../src/verify/index.ts'
import { systemFolder } from '../../src/compose/system-folder.ts'
import { ORIGIN } from './origin.ts'

const PAUSE_MS = 20
/** Failures in a row after which it ends: a database may come back elsewhere. */
const MOST_FAILURES = 100

if (import.meta.main) await publish(process.argv[2]!)

async function publish(dataDir: string): Promise<void> {
  // Whoever is killed keeps nothing of what it compiled.
  flushCompileCache()
  const folder = systemFolder(dataDir)
  const origin = `${ORIGIN}/evidence`
  const database = await openDatabase({
    ...{ dataDir, name: 'faults', attach: true },
    ...{ clock: systemClock, logger: silentLogger },
  })
  const log = await openEvidenceLog({
    ...{ origin, folder: folder.evidence, clock: systemClock, logger: silentLogger },
    transaction: (work) => inTransaction(database.owner, work),
    access: { mode: 'sequence', signer: await openLogSigner(folder.signingKey, origin) },
  })
  let failures = 0
  for (let i = 0; failures < MOST_FAILURES; i++) {
    try {
      const [id] = await log.append([declared(`faults.said-${process.pid}-${i}`, `We said ${i}.`)])
      writeSync(1, `ack ${id}\n`)
      failures = 0
    } catch {
      failures += 1
    }
    await sleep(PAUSE_MS)
  }
  process.exit(1)
}

function declared(key: string, sentence: string): EvidenceBody {
  return {
    kind: 'promise.declared',
    promise: {
      ...{ key, id: key, params: {}, sentence, evidence: 'measured', checkedBy: 'self' },
      ...{ probe: null, cadenceSeconds: null, cannotProve: [] },
    },
  }
}
