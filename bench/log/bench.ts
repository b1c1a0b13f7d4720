import { join } from 'node:path'
import type { PoolClient } from 'pg'
import { inTransaction, silentLogger } from '../../src/database/index.ts'
import { createId, systemClock } from '../../src/kernel/index.ts'
import { openFileProvider } from '../../src/keys/index.ts'
import {
  openAuditLog,
  openLogSigner,
  type AuditEvent,
  type AuditLog,
  type RunTransaction,
} from '../../src/log/index.ts'
import { sendBatch, type Step } from '../../src/store/batch.ts'
import { probeWires, statementsOf } from '../../src/store/wires.ts'
import { describeMachine, interleave, median, ratePerSecond, type Bench } from '../measure.ts'
import { withDatabase, type BenchDatabase } from './server.ts'

const BATCH = 100
const WRITERS = 8
const ORIGIN = 'bench.example/audit'

/** Audit events with the rows they tell of, and how long it takes until a signed checkpoint covers them. */
export const log: Bench = ({ quick }) =>
  withDatabase(async (database) => {
    await database.owner.query('create table app.records (id uuid primary key, person uuid, body text)')
    await database.owner.query('grant insert on app.records to surety_app')
    const opened = await openAudit(database)
    try {
      return await measure(database, opened, quick)
    } finally {
      await opened.audit.close()
    }
  })

type Result = Awaited<ReturnType<Bench>>
type Measured = 'logged' | 'published' | 'plain' | 'singleMs' | 'plainSingleMs' | 'checkpointMs' | 'commitMs'

async function measure({ app }: BenchDatabase, opened: AuditOfBench, quick: boolean): Promise<Result> {
  const { audit } = opened
  const batches = quick ? 2 : 50
  const single = quick ? 3 : 100
  const rounds = quick ? 1 : 5
  const count = batches * BATCH
  const send = await openWire(app)
  const withEvents = async (rows: number): Promise<void> => {
    const ids = createIds(rows)
    await send([insertRows(ids), { ...(await audit.statement(ids.map(describeEvent))), prepare: true }])
    audit.wake()
  }
  const plainly = (rows: number): Promise<void> => send([insertRows(createIds(rows))])
  const repeat = async (work: () => Promise<unknown>): Promise<void> => {
    for (let batch = 0; batch < batches; batch++) await work()
  }
  const quiet = async (found: Promise<number>): Promise<number> => {
    const value = await found
    await audit.flush({ timeoutMs: 120_000 })
    return value
  }
  const found = await interleave(rounds, {
    logged: () => quiet(ratePerSecond(count, () => repeat(() => withEvents(BATCH)))),
    published: () =>
      ratePerSecond(count, async () => {
        await repeat(() => withEvents(BATCH))
        await audit.flush({ timeoutMs: 120_000 })
      }),
    plain: () => ratePerSecond(count, () => repeat(() => plainly(BATCH))),
    singleMs: () => quiet(medianOf(1, single, () => withEvents(1))),
    plainSingleMs: () => medianOf(1, single, () => plainly(1)),
    checkpointMs: () => measureCheckpoint(opened, quick ? 2 : 25, () => withEvents(1)),
    commitMs: () => medianOf(WRITERS, quick ? 2 : 25, () => plainly(1)),
  })
  return { ...summarise(found), rounds, machine: describeMachine() }
}

function summarise(found: Record<Measured, number>): Pick<Result, 'name' | 'ours' | 'rivals' | 'ratios'> {
  return {
    name: 'log',
    ours: {
      rowsWithEventsPerSecond: found.logged,
      rowsWithEventsPublishedPerSecond: found.published,
      singleWriteWithEventP50Ms: found.singleMs,
      eventToCheckpointP50Ms: found.checkpointMs,
    },
    rivals: {
      plainRowsPerSecond: found.plain,
      plainSingleWriteP50Ms: found.plainSingleMs,
      plainCommitP50Ms: found.commitMs,
    },
    ratios: {
      oursToPlain: found.logged / found.plain,
      publishedToPlain: found.published / found.plain,
      singleTimeToPlainTime: found.singleMs / found.plainSingleMs,
      checkpointTimeToCommitTime: found.checkpointMs / found.commitMs,
    },
  }
}

/** Sends statements as the governed store does: prepared, behind one Sync, one transaction. */
async function openWire(pool: BenchDatabase['app']): Promise<(steps: readonly Step[]) => Promise<void>> {
  const withClient = async <Result>(work: (client: PoolClient) => Promise<Result>): Promise<Result> => {
    const client = await pool.connect()
    try {
      return await work(client)
    } finally {
      client.release()
    }
  }
  const wires = await withClient(probeWires)
  return async (steps) => {
    await withClient((client) => sendBatch(client, steps, statementsOf(wires, client)))
  }
}

function createIds(count: number): string[] {
  return Array.from({ length: count }, () => createId(systemClock))
}

function insertRows(ids: readonly string[]): Step {
  return {
    sql: 'insert into app.records (id, person, body) select id, id, $2 from unnest($1::uuid[]) as row (id)',
    parameters: [ids, 'x'.repeat(100)],
    prepare: true,
  }
}

/** An event of its own for every row: each row is another person's. */
function describeEvent(row: string): AuditEvent {
  return {
    kind: 'data.insert',
    actor: { kind: 'user', id: row, tenant: row, roles: ['member'] },
    resource: 'records',
    columns: ['person', 'body'],
    tenant: row,
    subject: row,
    rows: [row],
    count: 1,
  }
}

/** From the beginning of a write until its event is below a signed checkpoint in the log's folder, at 8 writers. */
async function measureCheckpoint(
  { published, ticked }: AuditOfBench,
  each: number,
  write: () => Promise<void>,
): Promise<number> {
  let written = await published()
  return medianOf(WRITERS, each, async () => {
    await write()
    // Nothing else is appended: a checkpoint of all that is written covers this event, too.
    const until = ++written
    while ((await published()) < until) await ticked()
  })
}

async function medianOf(writers: number, each: number, write: () => Promise<unknown>): Promise<number> {
  const times: number[] = []
  const writer = async (): Promise<void> => {
    for (let i = 0; i < each; i++) {
      const start = performance.now()
      await write()
      times.push(performance.now() - start)
    }
  }
  await Promise.all(Array.from({ length: writers }, writer))
  return median(times)
}

interface AuditOfBench {
  readonly audit: AuditLog
  /** Entries below the checkpoint in the folder, its signature checked: once per tick, for all who ask. */
  published(): Promise<number>
  /** Resolves when the log's next transaction has ended, a tick of the sequencer's among them. */
  ticked(): Promise<void>
}

async function openAudit({ folder, databaseDir, owner }: BenchDatabase): Promise<AuditOfBench> {
  const signer = await openLogSigner(join(folder, 'log-keys', 'audit.json'), ORIGIN)
  const outside = databaseDir === null ? [] : [databaseDir]
  let next = Promise.withResolvers<void>()
  let size: Promise<number> | null = null
  const transaction: RunTransaction = async (work) => {
    const result = await inTransaction(owner, work)
    next.resolve()
    next = Promise.withResolvers<void>()
    size = null
    return result
  }
  const audit = await openAuditLog({
    ...{ origin: ORIGIN, clock: systemClock, logger: silentLogger, transaction },
    folder: join(folder, 'audit-log'),
    provider: await openFileProvider({ folder: join(folder, 'keys'), outside, clock: systemClock }),
    access: { mode: 'sequence', signer },
  })
  const readSize = async (): Promise<number> => (await audit.checkpoint())?.size ?? 0
  return { audit, published: () => (size ??= readSize()), ticked: () => next.promise }
}
