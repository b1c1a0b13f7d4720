import type pg from 'pg'
import { inTransaction, type Connection } from '../database/index.ts'
import type { Clock } from '../kernel/index.ts'
import type { KeyLadder } from '../verify/index.ts'
import { BUCKETS } from './bucket-count.ts'
import { KeysError } from './errors.ts'
import type { DestructionEvidence, KeyProvider } from './provider.ts'

/** `live` opens production; `backup` opens a backup together with its own epoch's key. */
export type Ladder = KeyLadder

export const LADDERS: readonly Ladder[] = ['live', 'backup']

/**
 * The way of an epoch: `next`, made while the one before ends; `current`; `ended`, nothing is wrapped
 * under its key any more; `destroyed`, the key is gone.
 */
export type EpochPhase = 'next' | 'current' | 'ended' | 'destroyed'

/** An epoch key: the name of a key at the provider. */
export interface Epoch {
  readonly ladder: Ladder
  readonly epoch: number
  readonly providerKey: string
}

/** All that is recorded of an epoch; times in Unix milliseconds. */
export interface EpochRecord extends Epoch {
  readonly provider: string
  readonly phase: EpochPhase
  readonly startsAt: number
  readonly endedAt: number | null
  /** From then on the key may go: at once on the live ladder, when the last backup expires on the other. */
  readonly destroyAfter: number | null
  readonly destroyedAt: number | null
  readonly destruction: DestructionEvidence | null
  /** Number of buckets that new data keys are drawn into. */
  readonly buckets: number
  /** What was done under this epoch's key while the one before ended. */
  readonly wrapped: number
  readonly replaced: number
  readonly rewrapped: number
}

const INSTALL_LOCK = 0x5375_6b31

/**
 * Makes the first epoch of each ladder. A key made at the provider before a crash and not recorded
 * wraps nothing.
 *
 * @throws KeysError `ERR_KEYS_EPOCH` when the provider does not hold a recorded key that is in use:
 *   another folder's, or lost
 */
export async function ensureEpochs(provider: KeyProvider, owner: pg.Pool, clock: Clock): Promise<void> {
  const used = await inTransaction(owner, async (connection) => {
    await connection.query('select pg_advisory_xact_lock($1)', [INSTALL_LOCK])
    const records = await readEpochs(connection)
    for (const ladder of LADDERS) {
      const own = records.filter((record) => record.ladder === ladder)
      if (own.some(({ phase }) => phase === 'current')) continue
      if (own.length > 0)
        throw new KeysError('ERR_KEYS_EPOCH', `every epoch key of the ${ladder} ladder is destroyed`)
      const providerKey = await provider.create(`${ladder}-1`)
      await insertEpoch(connection, provider, { ladder, epoch: 1, providerKey }, 'current', BUCKETS, clock)
    }
    return (await readEpochs(connection)).filter(({ phase }) => phase === 'next' || phase === 'current')
  })
  const held = new Set((await provider.list()).filter(({ state }) => state === 'live').map(({ id }) => id))
  for (const { ladder, epoch, providerKey } of used) {
    if (!held.has(providerKey))
      throw new KeysError(
        'ERR_KEYS_EPOCH',
        `the provider ${provider.name} does not hold the key of ${ladder} epoch ${epoch}`,
      )
  }
}

/** Records an epoch whose key the provider has made; its time begins now. */
export async function insertEpoch(
  connection: Connection,
  provider: KeyProvider,
  { ladder, epoch, providerKey }: Epoch,
  phase: 'next' | 'current',
  buckets: number,
  clock: Clock,
): Promise<void> {
  await connection.query(
    `insert into surety.epoch_keys (ladder, epoch, provider, provider_key, starts_at, phase, buckets)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [ladder, epoch, provider.name, providerKey, new Date(clock.now()), phase, buckets],
  )
}

interface EpochRow {
  readonly ladder: Ladder
  readonly epoch: number
  readonly provider: string
  readonly provider_key: string
  readonly phase: EpochPhase
  readonly starts_at: Date
  readonly ends_at: Date | null
  readonly destroy_after: Date | null
  readonly destroyed_at: Date | null
  readonly destruction: DestructionEvidence | null
  readonly buckets: number
  readonly wrapped: number
  readonly replaced: number
  readonly rewrapped: number
}

/** Every epoch, oldest first. */
export async function readEpochs(connection: Connection): Promise<EpochRecord[]> {
  const rows = await connection.query<EpochRow>('select * from surety.epoch_keys order by ladder, epoch')
  return rows.map((row) => ({
    ladder: row.ladder,
    epoch: row.epoch,
    provider: row.provider,
    providerKey: row.provider_key,
    phase: row.phase,
    startsAt: row.starts_at.getTime(),
    endedAt: row.ends_at?.getTime() ?? null,
    destroyAfter: row.destroy_after?.getTime() ?? null,
    destroyedAt: row.destroyed_at?.getTime() ?? null,
    destruction: row.destruction,
    buckets: row.buckets,
    wrapped: row.wrapped,
    replaced: row.replaced,
    rewrapped: row.rewrapped,
  }))
}

/**
 * The epoch that bucket keys are to be wrapped under now, held open to the end of the transaction:
 * an epoch ends only when nobody is about to hang a key on it.
 */
export async function holdWrappingEpoch(connection: Connection): Promise<Epoch> {
  // An epoch that ends while we wait for it drops out of the result: its successor is asked for then.
  for (let round = 0; round < 3; round++) {
    const [row] = await connection.query<EpochRow>(
      `select ladder, epoch, provider_key from surety.epoch_keys
        where ladder = 'live' and phase in ('next', 'current') order by epoch desc limit 1 for key share`,
    )
    if (row) return { ladder: row.ladder, epoch: row.epoch, providerKey: row.provider_key }
  }
  throw new KeysError('ERR_KEYS_EPOCH', 'no epoch of the live ladder is open')
}
