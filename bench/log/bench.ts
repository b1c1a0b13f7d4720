import { join } from 'node:path'
import { inTransaction, silentLogger, type Connection } from '../../src/database/index.ts'
import { canonicalBytes, createId, fromUtf8, systemClock } from '../../src/kernel/index.ts'
import { openLog, openLogSigner, type LeafFormat, type RunTransaction } from '../../src/log/index.ts'
import type { SequencedLog } from '../../src/log/index.ts'
import { describeMachine, interleave, median, ratePerSecond, type Bench } from '../measure.ts'
import { withDatabase, type BenchDatabase } from './server.ts'

const BATCH = 100
const WRITERS = 8
const ORIGIN = 'bench.example/audit'

/** Audit entries with the rows they tell of, and how long it takes until they are published. */
export const log: Bench = ({ quick }) =>
  withDatabase(async (database) => {
    await database.owner.query('create table records (id uuid primary key, person uuid, body text)')
    const published = createPublications()
    const transaction: RunTransaction = async (work) => {
      const result = await inTransaction(database.owner, work)
      published.settle()
      return result
    }
    const audit = await openAudit(database, transaction, published.leaves)
    try {
      return await measure(database, audit, published, quick)
    } finally {
      await audit.close()
    }
  })

async function measure(
  { owner }: BenchDatabase,
  audit: SequencedLog,
  published: Publications,
  quick: boolean,
): Promise<Awaited<ReturnType<Bench>>> {
  const batches = quick ? 2 : 100
  const rounds = quick ? 1 : 5
  const count = batches * BATCH
  const appendBatch = (): Promise<void> =>
    inTransaction(owner, async (connection) => {
      const ids = await insertRows(connection)
      await audit.append(ids.map(describeEvent), connection)
    })
  const repeat = async (work: () => Promise<unknown>): Promise<void> => {
    for (let batch = 0; batch < batches; batch++) await work()
  }
  const quiet = async (rate: Promise<number>): Promise<number> => {
    const found = await rate
    await audit.flush({ timeoutMs: 120_000 })
    return found
  }
  const found = await interleave(rounds, {
    logged: () => quiet(ratePerSecond(count, () => repeat(appendBatch))),
    published: () =>
      ratePerSecond(count, async () => {
        await repeat(appendBatch)
        await audit.flush({ timeoutMs: 120_000 })
      }),
    plain: () => ratePerSecond(count, () => repeat(() => inTransaction(owner, insertRows))),
    checkpointMs: () => measureCheckpoint(owner, audit, published, quick ? 2 : 25),
    commitMs: () => measureCommit(owner, quick ? 2 : 25),
  })
  return {
    name: 'log',
    ours: {
      rowsWithEntriesPerSecond: found.logged,
      rowsWithEntriesPublishedPerSecond: found.published,
      eventToCheckpointP50Ms: found.checkpointMs,
    },
    rivals: { plainRowsPerSecond: found.plain, plainCommitP50Ms: found.commitMs },
    ratios: {
      oursToPlain: found.logged / found.plain,
      publishedToPlain: found.published / found.plain,
      checkpointTimeToCommitTime: found.checkpointMs / found.commitMs,
    },
    rounds,
    machine: describeMachine(),
  }
}

async function insertRows(connection: Connection, count = BATCH): Promise<string[]> {
  const ids = Array.from({ length: count }, () => createId(systemClock))
  await connection.query(
    'insert into records (id, person, body) select id, id, $2 from unnest($1::uuid[]) as row (id)',
    [ids, 'x'.repeat(100)],
  )
  return ids
}

function describeEvent(row: string): Uint8Array {
  return canonicalBytes({ actor: row, action: 'write', resource: 'records', row })
}

/** From the beginning of a write until a checkpoint that covers its entry is published, at 8 writers. */
function measureCheckpoint(
  owner: BenchDatabase['owner'],
  audit: SequencedLog,
  published: Publications,
  each: number,
): Promise<number> {
  return medianOfWriters(each, async () => {
    const ids = await inTransaction(owner, async (connection) => {
      const [row] = await insertRows(connection, 1)
      return audit.append([describeEvent(row!)], connection)
    })
    audit.wake()
    await published.wait(ids[0]!)
  })
}

/** The same writers and rows without a log. */
function measureCommit(owner: BenchDatabase['owner'], each: number): Promise<number> {
  return medianOfWriters(each, () => inTransaction(owner, (connection) => insertRows(connection, 1)))
}

async function medianOfWriters(each: number, write: () => Promise<unknown>): Promise<number> {
  const times: number[] = []
  const writer = async (): Promise<void> => {
    for (let i = 0; i < each; i++) {
      const start = performance.now()
      await write()
      times.push(performance.now() - start)
    }
  }
  await Promise.all(Array.from({ length: WRITERS }, writer))
  return median(times)
}

async function openAudit(
  { folder }: BenchDatabase,
  transaction: RunTransaction,
  leaves: LeafFormat,
): Promise<SequencedLog> {
  const signer = await openLogSigner(join(folder, 'log-keys', 'audit.json'), ORIGIN)
  const access = { mode: 'sequence', signer } as const
  const shared = { clock: systemClock, logger: silentLogger, transaction, leaves, access }
  return openLog({ ...shared, name: 'audit', folder: join(folder, 'audit-log') })
}

/** Tells when entries are published. */
interface Publications {
  readonly leaves: LeafFormat
  /** Everything stamped so far is published: called when the publishing transaction has committed. */
  settle(): void
  /** Resolves once the entry is published. */
  wait(id: string): Promise<void>
}

function createPublications(): Publications {
  const stamped = new Set<string>()
  const done = new Set<string>()
  const waiting = new Map<string, () => void>()
  const read = (leaf: Uint8Array): { id: string; at: number } =>
    JSON.parse(fromUtf8(leaf)) as { id: string; at: number }
  return {
    leaves: {
      stamp(id, body, at) {
        stamped.add(id)
        return [canonicalBytes({ id, at, event: JSON.parse(fromUtf8(body)) as unknown })]
      },
      idOf: (leaf) => read(leaf).id,
      timeOf: (leaf) => read(leaf).at,
    },
    settle() {
      for (const id of stamped) {
        done.add(id)
        waiting.get(id)?.()
        waiting.delete(id)
      }
      stamped.clear()
    },
    wait: (id) => (done.has(id) ? Promise.resolve() : new Promise((resolve) => waiting.set(id, resolve))),
  }
}
