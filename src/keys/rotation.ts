import type pg from 'pg'
import {
  asConnection,
  inTransaction,
  type ClockAgreement,
  type Connection,
  type Logger,
} from '../database/index.ts'
import { SuretyError, type Clock } from '../kernel/index.ts'
import type { EvidenceBody } from '../verify/index.ts'
import { growBuckets } from './bucket-count.ts'
import { createBucketKeys } from './bucket-keys.ts'
import { destroyEnded } from './destroy-ended.ts'
import { insertEpoch, LADDERS, readEpochs, type EpochRecord, type Ladder } from './epoch-keys.ts'
import type { EpochSchedule } from './epoch-standing.ts'
import { KeysError } from './errors.ts'
import type { KeyProvider } from './provider.ts'
import { isLockFailure, replaceBuckets, type ReplaceRoom } from './replace-buckets.ts'
import { rewrapBuckets } from './rewrap-buckets.ts'

export interface KeyRotationOptions {
  readonly provider: KeyProvider
  readonly owner: pg.Pool
  readonly clock: Clock
  readonly logger: Logger
  readonly schedule: EpochSchedule
  readonly clocks: ClockAgreement
  /** Puts entries into the evidence log, in the transaction of what they tell. */
  readonly record: (bodies: readonly EvidenceBody[], connection: Connection) => Promise<unknown>
}

/** One durable step of a rotation: everything before it survives a crash right after it. */
export interface RotationStep {
  readonly ladder: Ladder
  readonly step: 'created' | 'begun' | 'replaced' | 'rewrapped' | 'ended' | 'destroyed' | 'recorded'
  /** Buckets done and to do, where the step is about buckets. */
  readonly done: number
  readonly total: number
}

export interface RotateOptions {
  /** Ladders whose epoch ends now, due or not. Default none. */
  readonly force?: readonly Ladder[]
  /** Called after every durable step; what it throws stops the rotation there, to be resumed. */
  readonly onStep?: (step: RotationStep) => void | Promise<void>
}

export interface RotationReport {
  /** False when another process is at it: nothing was done here. */
  readonly ran: boolean
  readonly ended: readonly { readonly ladder: Ladder; readonly epoch: number }[]
  readonly destroyed: readonly { readonly ladder: Ladder; readonly epoch: number }[]
}

/** Ends epochs. */
export interface KeyRotation {
  /**
   * Ends every epoch that is due, and destroys every key whose time has come. One process does it at
   * a time. Whatever stops it, the next call goes on from there.
   *
   * @throws KeysError `ERR_KEYS_CLOCK`, `ERR_KEYS_BUSY`, `ERR_KEYS_UNWRAP`, those of the provider;
   *   DatabaseError `ERR_DATABASE_CLOCKS`
   */
  run(options?: RotateOptions): Promise<RotationReport>
}

export interface RotationRoom extends KeyRotationOptions, ReplaceRoom {
  readonly onStep: (step: RotationStep) => void | Promise<void>
}

/** Held by the one process that ends epochs, for as long as it does. */
const ROTATION_LOCK = 0x5375_6b33
/** Data keys wrapped again in one transaction, about. */
const BATCH_DATA_KEYS = 1_000
const MOST_BUCKETS_AT_ONCE = 32
/** How often a bucket that somebody uses is asked for again, and how long to wait between. */
const ATTEMPTS = 40
const PAUSE_MS = 250

export function createKeyRotation(options: KeyRotationOptions): KeyRotation {
  const { provider, owner, logger } = options
  return {
    async run({ force = [], onStep = () => undefined } = {}) {
      const buckets = createBucketKeys(provider, owner)
      try {
        return await inTransaction(owner, async (lock) => {
          await lock.query('set local idle_in_transaction_session_timeout = 0')
          const [row] = await lock.query<{ mine: boolean }>('select pg_try_advisory_xact_lock($1) as mine', [
            ROTATION_LOCK,
          ])
          if (!row!.mine) return { ran: false, ended: [], destroyed: [] }
          return rotateDue({ ...options, buckets, onStep }, force)
        })
      } catch (error) {
        const code = error instanceof SuretyError ? error.code : 'unexpected'
        logger.error({ code }, 'an epoch of keys was not ended; it is tried again')
        throw error
      } finally {
        buckets.clear()
      }
    },
  }
}

async function rotateDue(room: RotationRoom, force: readonly Ladder[]): Promise<RotationReport> {
  const ended: { ladder: Ladder; epoch: number }[] = []
  const destroyed: { ladder: Ladder; epoch: number }[] = []
  for (const ladder of LADDERS) {
    if (await isDue(room, ladder, force.includes(ladder))) ended.push(await endEpoch(room, ladder))
    destroyed.push(...(await destroyEnded(room, ladder)))
  }
  return { ran: true, ended, destroyed }
}

async function isDue(room: RotationRoom, ladder: Ladder, forced: boolean): Promise<boolean> {
  const { current, next } = await openEpochs(room, ladder)
  const now = room.clock.now()
  const newest = Math.max(current.startsAt, next?.startsAt ?? 0)
  if (now < newest - room.schedule.clockErrorMs)
    throw new KeysError('ERR_KEYS_CLOCK', `the clock is behind the beginning of the current ${ladder} epoch`)
  return forced || next !== null || now >= current.startsAt + room.schedule.epochMs[ladder]
}

async function openEpochs(
  { owner }: RotationRoom,
  ladder: Ladder,
): Promise<{ current: EpochRecord; next: EpochRecord | null }> {
  const own = (await readEpochs(asConnection(owner))).filter((epoch) => epoch.ladder === ladder)
  const current = own.find(({ phase }) => phase === 'current')
  if (!current) throw new KeysError('ERR_KEYS_EPOCH', `the ${ladder} ladder has no current epoch`)
  return { current, next: own.find(({ phase }) => phase === 'next') ?? null }
}

/**
 * Next epoch made and recorded → dirty buckets replaced → on the live ladder, all others wrapped
 * under the next key → the next epoch takes over. Each arrow is durable; a later call begins at the
 * first one that is missing.
 */
async function endEpoch(room: RotationRoom, ladder: Ladder): Promise<{ ladder: Ladder; epoch: number }> {
  await room.clocks.assertAgree()
  const { current } = await openEpochs(room, ladder)
  const next = (await openEpochs(room, ladder)).next ?? (await beginNext(room, current))
  for (let round = 1; ; round++) {
    await replaceDirty(room, next)
    if (ladder === 'live') await rewrapClean(room, next)
    if (await takeOver(room, current, next)) break
    if (round === ATTEMPTS) throw new KeysError('ERR_KEYS_BUSY', 'bucket keys are made faster than wrapped')
  }
  await room.onStep({ ladder, step: 'ended', done: 1, total: 1 })
  room.logger.info({ ladder, epoch: current.epoch }, 'an epoch of keys ended')
  return { ladder, epoch: current.epoch }
}

async function beginNext(room: RotationRoom, current: EpochRecord): Promise<EpochRecord> {
  const { provider, owner, clock } = room
  const { ladder } = current
  const epoch = current.epoch + 1
  const providerKey = await provider.create(`${ladder}-${epoch}`)
  await room.onStep({ ladder, step: 'created', done: 1, total: 1 })
  const { subjects, deletions } = await countDataKeys(asConnection(owner), current.startsAt)
  const buckets = ladder === 'live' ? growBuckets(current.buckets, subjects, deletions) : current.buckets
  await inTransaction(owner, (connection) =>
    insertEpoch(connection, provider, { ladder, epoch, providerKey }, 'next', buckets, clock),
  )
  await room.onStep({ ladder, step: 'begun', done: 1, total: 1 })
  return (await openEpochs(room, ladder)).next!
}

/** Subjects with a data key, and those erased since `from`. */
export async function countDataKeys(
  connection: Connection,
  from: number,
): Promise<{ subjects: number; deletions: number; erased: number }> {
  const [row] = await connection.query<{ subjects: number; deletions: number; erased: number }>(
    `select count(*) filter (where wrapped is not null) as subjects, count(*) filter (where erased_at >= $1) as deletions,
            count(*) filter (where wrapped is null) as erased from surety.data_keys`,
    [new Date(from)],
  )
  return row!
}

async function replaceDirty(room: RotationRoom, next: EpochRecord): Promise<void> {
  const { ladder } = next
  const connection = asConnection(room.owner)
  // On the live ladder what was dirtied after its wrap under the next key waits for that epoch's end.
  const rows = await connection.query<{ bucket: number }>(
    `select bucket from surety.bucket_keys
      where ladder = 'live' and dirty ${ladder === 'live' ? 'and epoch < $1' : 'and $1 > 0'} order by bucket`,
    [next.epoch],
  )
  if (rows.length === 0) return
  const { subjects } = await countDataKeys(connection, next.startsAt)
  const most = Math.floor((BATCH_DATA_KEYS * next.buckets) / Math.max(1, subjects))
  const size = Math.max(1, Math.min(MOST_BUCKETS_AT_ONCE, most))
  for (let from = 0; from < rows.length; from += size) {
    const batch = rows.slice(from, from + size).map(({ bucket }) => bucket)
    await replacePatiently(room, batch, next)
    await room.onStep({ ladder, step: 'replaced', done: from + batch.length, total: rows.length })
  }
}

/** Buckets in use are asked for again, one by one: a long transaction holds back its own only. */
async function replacePatiently(
  room: RotationRoom,
  batch: readonly number[],
  next: EpochRecord,
): Promise<void> {
  let left = batch.length > 1 && (await replaceBuckets(room, batch, next)) ? [] : batch
  for (let attempt = 0; left.length > 0; attempt++) {
    if (attempt === ATTEMPTS)
      throw new KeysError('ERR_KEYS_BUSY', `${left.length} buckets are held by transactions that do not end`)
    if (attempt > 0) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    const held: number[] = []
    for (const bucket of left) if (!(await replaceBuckets(room, [bucket], next))) held.push(bucket)
    left = held
  }
}

async function rewrapClean(room: RotationRoom, next: EpochRecord): Promise<void> {
  const [row] = await asConnection(room.owner).query<{ total: number }>(
    `select count(*) as total from surety.bucket_keys where ladder = 'live' and epoch < $1 and not dirty`,
    [next.epoch],
  )
  let done = 0
  await rewrapBuckets(room, next, async (buckets) => {
    done += buckets
    await room.onStep({ ladder: 'live', step: 'rewrapped', done, total: row!.total })
  })
}

/** The next epoch becomes the current one; false when a bucket still hangs on the old key. */
async function takeOver(room: RotationRoom, current: EpochRecord, next: EpochRecord): Promise<boolean> {
  const { ladder } = current
  try {
    return await inTransaction(room.owner, async (connection) => {
      await connection.query(`set local lock_timeout = '2s'`)
      // Waits for those who are about to hang a key on the old epoch, and keeps later ones out.
      await connection.query(
        'select from surety.epoch_keys where ladder = $1 and epoch in ($2, $3) order by epoch for update',
        [ladder, current.epoch, next.epoch],
      )
      const [left] = await connection.query(
        `select from surety.bucket_keys where ladder = $1 and epoch = $2 limit 1`,
        [ladder, current.epoch],
      )
      if (left) return false
      await recordEnd(room, connection, current, next)
      return true
    })
  } catch (error) {
    if (isLockFailure(error)) return false
    throw error
  }
}

async function recordEnd(
  { clock, schedule, record, provider }: RotationRoom,
  connection: Connection,
  { ladder, epoch, startsAt }: EpochRecord,
  next: EpochRecord,
): Promise<void> {
  const now = clock.now()
  const destroyAfter = ladder === 'backup' ? now + schedule.backupAgeMs : now
  await connection.query(
    `update surety.epoch_keys set phase = 'ended', ends_at = $3, destroy_after = $4 where ladder = $1 and epoch = $2`,
    [ladder, epoch, new Date(now), new Date(destroyAfter)],
  )
  const [done] = await connection.query<{ wrapped: number; replaced: number; rewrapped: number }>(
    `update surety.epoch_keys set phase = 'current' where ladder = $1 and epoch = $2
      returning wrapped, replaced, rewrapped`,
    [ladder, next.epoch],
  )
  const { wrapped, replaced, rewrapped } = done!
  const startedAt = new Date(startsAt).toISOString()
  const dueAt = new Date(startsAt + schedule.epochMs[ladder]).toISOString()
  const about = { kind: 'keys.rotated', ladder, epoch, provider: provider.name, startedAt, dueAt } as const
  await record([{ ...about, buckets: wrapped, replaced, rewrapped }], connection)
}
