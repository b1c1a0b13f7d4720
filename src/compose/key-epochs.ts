import {
  asConnection,
  openJobs,
  watchClocks,
  type ClockAgreement,
  type Database,
  type Logger,
} from '../database/index.ts'
import { erasureTimes, type SuretyConfig } from '../declare/index.ts'
import {
  createKeyRotation,
  readKeyStatus,
  readStandings,
  type EpochSchedule,
  type EpochStanding,
  type KeyProvider,
  type KeyRotation,
  type KeyStatus,
} from '../keys/index.ts'
import type { Clock } from '../kernel/index.ts'
import { readAuditProviderKeys, type EvidenceLog } from '../log/index.ts'

/** The epochs of a system's keys. */
export interface KeyEpochs {
  /** Where each ladder stands now. */
  standings(): Promise<EpochStanding[]>
  status(): Promise<KeyStatus>
  /** Ends what is due and destroys what has ended; told in the evidence log. */
  rotate: KeyRotation['run']
}

export interface KeyEpochsOptions {
  readonly config: SuretyConfig
  readonly provider: KeyProvider
  readonly database: Database
  readonly clocks: ClockAgreement
  readonly log: EvidenceLog
  readonly clock: Clock
  readonly logger: Logger
}

/** Connects the rotation of keys with the configuration's times and the evidence log. */
export function openKeyEpochs({
  config,
  provider,
  database,
  clocks,
  log,
  clock,
  logger,
}: KeyEpochsOptions): KeyEpochs {
  const { owner } = database
  const schedule = epochScheduleOf(config, provider)
  const shared = { provider, owner, clock, schedule, clocks }
  const record: Parameters<typeof createKeyRotation>[0]['record'] = (bodies, connection) =>
    log.append(bodies, connection)
  const rotation = createKeyRotation({ ...shared, logger, record })
  return {
    standings: () => readStandings(shared),
    status: () => readKeyStatus({ ...shared, recordedElsewhere: readAuditProviderKeys }),
    async rotate(options) {
      try {
        return await rotation.run(options)
      } finally {
        log.wake()
      }
    },
  }
}

/** Watches the clocks that every destruction of a system rests on, to within the declared `keys.clockError`. */
export function watchSystemClocks({
  config,
  database,
  clock,
}: Pick<KeyEpochsOptions, 'config' | 'database' | 'clock'>): ClockAgreement {
  const toleranceMs = erasureTimes(config).c
  return watchClocks({ clock, connection: asConnection(database.owner), toleranceMs })
}

/** The declared times that an epoch's end is held to. */
export function epochScheduleOf(
  config: SuretyConfig,
  { waitingMs = 0 }: Pick<KeyProvider, 'waitingMs'> = {},
): EpochSchedule {
  const { L, D, B, R, S, W, c } = erasureTimes(config)
  return {
    epochMs: { live: L, backup: D },
    backupAgeMs: B,
    rewrapMs: R,
    retriesMs: S,
    waitMs: Math.max(W, waitingMs),
    clockErrorMs: c,
  }
}

/**
 * Ends epochs when they are due, until closed; processes share the work. What was missed while
 * nobody ran is ended at once, in the background: a start never fails for it.
 */
export function keepRotating(
  epochs: KeyEpochs,
  { database, logger }: Pick<KeyEpochsOptions, 'database' | 'logger'>,
): { close(): Promise<void> } {
  const started = start(epochs, database, logger).catch((error: unknown) => {
    const { code = 'unexpected' } = error as { code?: string }
    logger.error({ code }, 'epochs of keys are not ended by themselves: the job queue did not start')
    return null
  })
  return { close: async () => (await started)?.close() }
}

async function start(
  epochs: KeyEpochs,
  database: Database,
  logger: Logger,
): Promise<{ close(): Promise<void> }> {
  const jobs = await openJobs({ database, logger })
  await jobs.work('keys-due', async () => void (await epochs.rotate()))
  await jobs.every('keys-due', '1m')
  return jobs
}
