import type pg from 'pg'
import { inTransaction, type Connection } from '../database/index.ts'
import type { Clock } from '../kernel/index.ts'
import { KeysError } from './errors.ts'
import type { KeyProvider } from './provider.ts'

/** `live` opens production; `backup` opens a backup together with its own epoch's key. */
export type Ladder = 'live' | 'backup'

export const LADDERS: readonly Ladder[] = ['live', 'backup']

/** The epoch key that wraps today's bucket keys on one ladder. */
export interface Epoch {
  readonly ladder: Ladder
  readonly epoch: number
  readonly providerKey: string
}

const INSTALL_LOCK = 0x5375_6b31

interface EpochRow {
  readonly ladder: Ladder
  readonly epoch: number
  readonly provider_key: string
}

/**
 * The current epoch of each ladder; the first ones are made here. A key made at the provider
 * before a crash and not recorded wraps nothing.
 *
 * @throws KeysError `ERR_KEYS_EPOCH` when the provider does not hold a recorded key: another
 *   folder's, or lost
 */
export async function ensureEpochs(provider: KeyProvider, owner: pg.Pool, clock: Clock): Promise<void> {
  const found = await inTransaction(owner, async (connection) => {
    await connection.query('select pg_advisory_xact_lock($1)', [INSTALL_LOCK])
    const current = await currentEpochs(connection)
    for (const ladder of LADDERS) {
      if (current.some((epoch) => epoch.ladder === ladder)) continue
      const [last] = await connection.query('select from surety.epoch_keys where ladder = $1', [ladder])
      if (last) throw new KeysError('ERR_KEYS_EPOCH', `every epoch key of the ${ladder} ladder is destroyed`)
      const providerKey = await provider.create(`${ladder}-1`)
      await connection.query(
        'insert into surety.epoch_keys (ladder, epoch, provider, provider_key, starts_at) values ($1, 1, $2, $3, $4)',
        [ladder, provider.name, providerKey, new Date(clock.now())],
      )
    }
    return currentEpochs(connection)
  })
  const held = new Set((await provider.list()).filter(({ state }) => state === 'live').map(({ id }) => id))
  for (const { ladder, epoch, providerKey } of found) {
    if (!held.has(providerKey))
      throw new KeysError(
        'ERR_KEYS_EPOCH',
        `the provider ${provider.name} does not hold the key of ${ladder} epoch ${epoch}`,
      )
  }
}

/** The newest epoch of each ladder that is not destroyed. */
export async function currentEpochs(connection: Connection): Promise<Epoch[]> {
  const rows = await connection.query<EpochRow>(
    `select distinct on (ladder) ladder, epoch, provider_key from surety.epoch_keys
      where destroyed_at is null order by ladder, epoch desc`,
  )
  return rows.map(({ ladder, epoch, provider_key: providerKey }) => ({ ladder, epoch, providerKey }))
}
