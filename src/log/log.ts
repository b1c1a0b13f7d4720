import { setTimeout as sleep } from 'node:timers/promises'
import { SpanStatusCode, trace } from '@opentelemetry/api'
import type { Connection, Logger } from '../database/index.ts'
import { createId } from '../kernel/index.ts'
import type { Clock } from '../kernel/index.ts'
import type { NoteSigner } from '../verify/index.ts'
import { LogError } from './errors.ts'
import { createLogFolder } from './folder.ts'
import { enqueue, isQueued, newestQueued } from './queue.ts'
import { Sequencer } from './sequencer.ts'
import type { LeafFormat, TickOutcome } from './sequencer.ts'
import { createTicker } from './ticker.ts'

/** Runs work in one transaction: committed when it resolves, rolled back when it rejects. */
export type RunTransaction = <Result>(work: (connection: Connection) => Promise<Result>) => Promise<Result>

/** Who publishes. Any number of processes may append; those that `sequence` take turns. */
export type LogMode = { readonly mode: 'sequence'; readonly signer: NoteSigner } | { readonly mode: 'append' }

export interface LogOptions {
  /** The log's name in the database, such as `evidence`. */
  readonly name: string
  /** Where tiles, bundles and checkpoint are published: outside the database and its backups. */
  readonly folder: string
  readonly leaves: LeafFormat
  /** On connections whose role owns schema `surety`. */
  readonly transaction: RunTransaction
  readonly clock: Clock
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>
  readonly access: LogMode
}

/** A sequenced log: what is appended is published once, in order, under a signed checkpoint. */
export interface SequencedLog {
  /**
   * Queues bodies; returns their ids. On a given connection they are queued in its transaction, and
   * exist only when that commits.
   */
  append(bodies: readonly Uint8Array[], connection?: Connection): Promise<string[]>
  /** Publishes soon; without it other processes' entries are seen within 250 ms. */
  wake(): void
  /**
   * Resolves when everything queued before is covered by a published checkpoint.
   * @throws LogError `ERR_LOG_NOT_PUBLISHED` after `timeoutMs` (default 30,000), or why publishing fails
   */
  flush(options?: { timeoutMs?: number }): Promise<void>
  /** Why the last attempt to publish failed; null while all is well. */
  failure(): Error | null
  close(): Promise<void>
}

/**
 * How long a tick waits for events that come together, so that it takes them together; the writes of
 * that time have the disk and the processor for themselves.
 */
const GATHER_MS = 8
/** A sequencer under load works half of the time at most, so that it does not starve whom it serves. */
const pauseMs = (runMs: number): number => Math.min(Math.max(runMs, GATHER_MS), 50)
const POLL_MS = 250
/** How long tiles and bundles can be in no other durable place than their intents. */
const SETTLE_MS = 1_000
const FLUSH_POLL_MS = 10
/** How long a start waits for another process that is publishing, so as to check the log itself. */
const START_WAIT_MS = 2_000
const tracer = trace.getTracer('surety/log')

/**
 * Opens a log. With `sequence` it first publishes what is due, finishing what a crash interrupted; where
 * another process publishes for longer than two seconds, it starts all the same and checks at its first
 * turn, so that `failure` tells what the start would have thrown.
 * @throws LogError those of {@link Sequencer.tick}
 */
export async function openLog(options: LogOptions): Promise<SequencedLog> {
  const publisher =
    options.access.mode === 'sequence' ? createPublisher(options, options.access.signer) : null
  await publisher?.start()
  const { name, transaction, clock } = options
  let closed = false
  return {
    append(bodies, connection) {
      return traced('log.append', { log: name, entries: bodies.length }, async () => {
        if (closed) throw new LogError('ERR_LOG_CLOSED', 'the log is closed')
        const entries = bodies.map((body) => ({ id: createId(clock), body }))
        if (connection) await enqueue(connection, name, entries)
        else await transaction((own) => enqueue(own, name, entries))
        if (!connection) publisher?.wake()
        return entries.map(({ id }) => id)
      })
    },
    wake: () => publisher?.wake(),
    flush: ({ timeoutMs = 30_000 } = {}) => flush(options, publisher, timeoutMs),
    failure: () => publisher?.failure() ?? null,
    async close() {
      closed = true
      await publisher?.close()
    },
  }
}

interface Publisher {
  start(): Promise<void>
  wake(): void
  failure(): Error | null
  close(): Promise<void>
}

function createPublisher(options: LogOptions, signer: NoteSigner): Publisher {
  const { name, leaves, clock, transaction, logger } = options
  const sequencer = new Sequencer({ name, folder: createLogFolder(options.folder), signer, leaves, clock })
  let failure: Error | null = null
  const tick = (): Promise<TickOutcome> =>
    traced('log.tick', { log: name }, () => transaction((connection) => sequencer.tick(connection)))
  const job = async (): Promise<void> => {
    try {
      if ((await tick()) === 'published') ticker.wake()
      if (failure) logger.info({ log: name }, 'the log publishes again')
      failure = null
    } catch (error) {
      const first = failure === null
      failure =
        error instanceof Error ? error : new LogError('ERR_LOG_NOT_PUBLISHED', 'a tick of the log failed')
      if (first) logger.error({ log: name, err: failure }, 'the log cannot publish; entries stay queued')
    }
  }
  const settle = async (): Promise<void> => {
    await sequencer.settle().catch((err: unknown) => {
      logger.error({ log: name, err }, 'the log folder could not be brought to the disk; trying again')
    })
  }
  const ticker = createTicker(job, { clock, pauseMs, pollMs: POLL_MS, gatherMs: GATHER_MS })
  const settler = createTicker(settle, { clock, pauseMs: SETTLE_MS, pollMs: SETTLE_MS })
  return {
    async start() {
      const timeout = AbortSignal.timeout(START_WAIT_MS)
      try {
        while ((await tick()) === 'busy' && !timeout.aborted) await sleep(FLUSH_POLL_MS)
      } catch (error) {
        await Promise.all([ticker.close(), settler.close()])
        throw error
      }
    },
    wake: () => ticker.wake(),
    failure: () => failure,
    async close() {
      await Promise.all([ticker.close(), settler.close()])
      await settle()
    },
  }
}

async function flush(
  { name, transaction }: LogOptions,
  publisher: Publisher | null,
  timeoutMs: number,
): Promise<void> {
  const newest = await transaction((connection) => newestQueued(connection, name))
  if (newest === null) return
  const timeout = AbortSignal.timeout(timeoutMs)
  while (await transaction((connection) => isQueued(connection, name, newest))) {
    const failure = publisher?.failure()
    if (failure) throw failure
    if (timeout.aborted) {
      throw new LogError('ERR_LOG_NOT_PUBLISHED', `nothing published the queue within ${timeoutMs} ms`)
    }
    publisher?.wake()
    await sleep(FLUSH_POLL_MS)
  }
}

function traced<Result>(
  span: string,
  attributes: Record<string, string | number>,
  work: () => Promise<Result>,
): Promise<Result> {
  return tracer.startActiveSpan(span, { attributes }, async (active) => {
    try {
      return await work()
    } catch (error) {
      active.setStatus({ code: SpanStatusCode.ERROR })
      throw error
    } finally {
      active.end()
    }
  })
}
