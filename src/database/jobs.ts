import { PgBoss, type Db, type Job } from 'pg-boss'
import { isId, parseDuration, type Duration } from '../kernel/index.ts'
import type { Connection } from './connection.ts'
import type { Database } from './database.ts'
import { DatabaseError } from './errors.ts'
import type { Logger } from './logger.ts'
import { asConnection } from './pools.ts'

/**
 * What a job may carry: ids and whole numbers. Payloads are stored in the clear and outlive the
 * job, so personal data is refused; a worker reads what it needs from our own tables.
 */
export type JobPayload = { readonly [name: string]: string | number }

export interface WakeOptions {
  /** The owner's transaction: the job exists when it commits. Default: on its own, at once. */
  readonly via?: Connection
}

/** Wakes workers. What is due, and when, stands in our own tables; a job only says "look now". */
export interface Jobs {
  /**
   * Handles the jobs of a queue, one at a time in this process, at the latest a second after they
   * are sent. A rejected handler is tried again, five times with growing delays; so handlers must
   * be idempotent.
   */
  work(queue: string, handler: (payload: JobPayload) => Promise<void>): Promise<void>
  /** @throws DatabaseError `ERR_DATABASE_JOBS` for a payload of anything but ids and whole numbers */
  wake(queue: string, payload?: JobPayload, options?: WakeOptions): Promise<void>
  /**
   * Wakes a queue about every `period`, once for all processes together. At least `1s`, at most `1d`.
   * @throws DatabaseError `ERR_DATABASE_JOBS`
   */
  every(queue: string, period: Duration): Promise<void>
  /** Stops fetching and waits up to ten seconds for running handlers. */
  close(): Promise<void>
}

export interface JobsOptions {
  readonly database: Pick<Database, 'owner'>
  readonly logger: Logger
}

const QUEUE = {
  retryLimit: 5,
  retryDelay: 1,
  retryBackoff: true,
  expireInSeconds: 900,
  retentionSeconds: 14 * 86_400,
  // Longer than the longest period: a finished job is what keeps its slot from being filled twice.
  deleteAfterSeconds: 2 * 86_400,
}
const QUEUE_NAME = /^[a-z][a-z0-9.-]{0,49}$/
const POLL_SECONDS = 1
const CLOSE_TIMEOUT_MS = 10_000
const PERIOD_SECONDS = { min: 1, max: 86_400 } as const
const TICK_MAX_MS = 600_000

/** Opens the job queue, pg-boss in its schema `pgboss`, over the owner's pool. */
export async function openJobs({ database, logger }: JobsOptions): Promise<Jobs> {
  const boss = new PgBoss({ db: adapter(asConnection(database.owner)), schema: 'pgboss', schedule: false })
  boss.on('error', (error) => logger.error({ code: codeOf(error) }, 'the job queue met an error'))
  await boss.start()
  const timers: NodeJS.Timeout[] = []
  const queues = new Map<string, Promise<void>>()
  const ensure = (queue: string): Promise<void> => {
    const known = queues.get(queue) ?? createQueue(boss, queue)
    queues.set(queue, known)
    return known
  }
  return {
    async work(queue, handler) {
      await ensure(queue)
      const options = { pollingIntervalSeconds: POLL_SECONDS, batchSize: 1 }
      await boss.work<JobPayload>(queue, options, (jobs) => run(queue, jobs, handler, logger))
    },
    async wake(queue, payload = {}, { via } = {}) {
      requireIds(queue, payload)
      await ensure(queue)
      await boss.send(queue, payload, via ? { db: adapter(via) } : {})
    },
    async every(queue, period) {
      const seconds = periodSeconds(queue, period)
      await ensure(queue)
      const options = { singletonKey: 'every', singletonSeconds: seconds }
      const send = async (): Promise<void> => {
        await boss
          .send(queue, {}, options)
          .catch((error: unknown) =>
            logger.warn({ queue, code: codeOf(error) }, 'a periodic job was not sent'),
          )
      }
      await send()
      timers.push(setInterval(() => void send(), Math.min(seconds * 1_000, TICK_MAX_MS)))
    },
    async close() {
      for (const timer of timers) clearInterval(timer)
      await boss.stop({ graceful: true, timeout: CLOSE_TIMEOUT_MS })
    },
  }
}

function adapter(connection: Connection): Db {
  return { executeSql: async (text, values) => ({ rows: await connection.query(text, values ?? []) }) }
}

async function createQueue(boss: PgBoss, queue: string): Promise<void> {
  if (!QUEUE_NAME.test(queue))
    throw new DatabaseError('ERR_DATABASE_JOBS', `${JSON.stringify(queue)} cannot name a queue`)
  if ((await boss.getQueue(queue)) === null) await boss.createQueue(queue, QUEUE)
}

async function run(
  queue: string,
  jobs: readonly Job<JobPayload>[],
  handler: (payload: JobPayload) => Promise<void>,
  logger: Logger,
): Promise<void> {
  for (const { data } of jobs) {
    try {
      await handler(data)
    } catch (error) {
      logger.warn({ queue, code: codeOf(error) }, 'a job failed and is tried again')
      // pg-boss stores what it is thrown: an error's text could quote a row.
      throw new DatabaseError('ERR_DATABASE_JOBS', `the handler of ${queue} failed: ${codeOf(error)}`)
    }
  }
}

function codeOf(error: unknown): string {
  return (error as { code?: string } | null)?.code ?? (error as Error | null)?.name ?? 'unknown'
}

function requireIds(queue: string, payload: JobPayload): void {
  for (const [name, value] of Object.entries(payload)) {
    if (isId(value) || Number.isSafeInteger(value)) continue
    throw new DatabaseError(
      'ERR_DATABASE_JOBS',
      `a job of ${queue} may carry ids and whole numbers only, not ${JSON.stringify(name)}`,
    )
  }
}

function periodSeconds(queue: string, period: Duration): number {
  const seconds = parseDuration(period) / 1_000
  if (Number.isInteger(seconds) && seconds >= PERIOD_SECONDS.min && seconds <= PERIOD_SECONDS.max)
    return seconds
  throw new DatabaseError('ERR_DATABASE_JOBS', `queue ${queue} cannot be woken every ${period}`, {
    mend: 'give a period of whole seconds from 1s to 1d',
  })
}
