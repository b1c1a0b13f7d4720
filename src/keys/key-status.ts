import type pg from 'pg'
import {
  asConnection,
  type ClockAgreement,
  type ClockComparison,
  type Connection,
} from '../database/index.ts'
import type { Clock } from '../kernel/index.ts'
import { LADDERS, readEpochs, type EpochRecord } from './epoch-keys.ts'
import { epochStanding, type EpochSchedule, type EpochStanding } from './epoch-standing.ts'
import type { KeyProvider } from './provider.ts'
import { countDataKeys } from './rotation.ts'

/** Where the keys of a system stand. */
export interface KeyStatus {
  readonly provider: string
  readonly at: number
  /** One for each ladder. */
  readonly ladders: readonly EpochStanding[]
  /** Every epoch, oldest first, without the provider's name for its key. */
  readonly epochs: readonly Omit<EpochRecord, 'providerKey'>[]
  readonly buckets: {
    /** How many new data keys are drawn into; how many have a key; how many are to be replaced. */
    readonly count: number
    readonly used: number
    readonly dirty: number
  }
  readonly dataKeys: { readonly held: number; readonly erased: number }
  /** While they disagree nothing is ended and nothing destroyed. */
  readonly clocks: ClockComparison
  /** Keys at the provider that nothing of this system names: made before a crash, or another database's. Never touched. */
  readonly unrecorded: number
  /** True when no ladder is overdue and the clocks agree. */
  readonly sound: boolean
}

export interface KeyStatusOptions {
  readonly provider: KeyProvider
  readonly owner: pg.Pool
  readonly clock: Clock
  readonly schedule: EpochSchedule
  readonly clocks: ClockAgreement
  /** Keys at the provider that others of this system have recorded: they are not strays. Default none. */
  readonly recordedElsewhere?: (connection: Connection) => Promise<readonly string[]>
}

/** Where each ladder stands now. */
export async function readStandings({
  owner,
  clock,
  schedule,
}: Pick<KeyStatusOptions, 'owner' | 'clock' | 'schedule'>): Promise<EpochStanding[]> {
  const epochs = await readEpochs(asConnection(owner))
  return LADDERS.flatMap((ladder) => epochStanding(epochs, ladder, schedule, clock.now()) ?? [])
}

/** Reads where the keys stand, and changes nothing. */
export async function readKeyStatus(options: KeyStatusOptions): Promise<KeyStatus> {
  const { provider, owner, clock } = options
  const connection = asConnection(owner)
  const at = clock.now()
  const epochs = await readEpochs(connection)
  const ladders = await readStandings(options)
  const clocks = await options.clocks.compare()
  const [buckets] = await connection.query<{ used: number; dirty: number }>(
    'select count(*) as used, count(*) filter (where dirty) as dirty from surety.bucket_keys',
  )
  const { subjects, erased } = await countDataKeys(connection, at)
  const elsewhere = (await options.recordedElsewhere?.(connection)) ?? []
  const recorded = new Set([...epochs.map(({ providerKey }) => providerKey), ...elsewhere])
  const live = (await provider.list()).filter(({ state }) => state === 'live')
  return {
    provider: provider.name,
    at,
    ladders,
    epochs: epochs.map(({ providerKey: _, ...epoch }) => epoch),
    buckets: { count: Math.max(...epochs.map((epoch) => epoch.buckets)), ...buckets! },
    dataKeys: { held: subjects, erased },
    clocks,
    unrecorded: live.filter(({ id }) => !recorded.has(id)).length,
    sound: clocks.agree && ladders.every(({ problem }) => problem === null),
  }
}
