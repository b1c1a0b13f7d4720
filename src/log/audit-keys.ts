import { createSecretKey, hkdfSync, randomBytes, randomUUID, type KeyObject } from 'node:crypto'
import type { Connection } from '../database/index.ts'
import { parseDuration, parseId, SuretyError, type Clock } from '../kernel/index.ts'
import { frame, takeKey, type KeyProvider } from '../keys/index.ts'
import { LogError } from './errors.ts'
import type { RunTransaction } from './log.ts'

/** What bodies are sealed under for the moment: a key of its own for a bounded number of appends. */
export interface AuditBatch {
  readonly period: number
  readonly batch: string
  readonly key: KeyObject
}

/** One period: bodies whose key dies together. */
export interface AuditPeriod {
  readonly period: number
  readonly firstEventAt: number
  /** Made to be pruned at once, to show that pruning works. */
  readonly rehearsal: boolean
  readonly destroyedAt: number | null
  /** Entries whose bodies went with the key; null while they are there. */
  readonly prunedEntries: number | null
  /** The leaf of one of them: the log must hold it still. */
  readonly prunedLeaf: Uint8Array | null
}

/**
 * The keys of audit bodies. A period begins with its first event and takes new ones for a twelfth of
 * the retention; its key lies at the provider under a key of its own and dies before its first event
 * is older than the retention. A process derives a key per batch from it (HKDF-SHA-256, RFC 5869).
 */
export interface AuditKeys {
  /** The batch to seal under now. @throws LogError `ERR_LOG_PERIOD`, KeysError of the provider */
  current(): Promise<AuditBatch>
  /** The key of a batch; null once its period was pruned. @throws LogError `ERR_LOG_PERIOD` */
  open(period: number, batch: string): Promise<KeyObject | null>
  /** A period for one rehearsal, and a batch in it. */
  rehearse(): Promise<AuditBatch>
  periods(): Promise<AuditPeriod[]>
  /** The keys of all live periods, in the clear: for the library's own probes; the caller overwrites them. */
  material(): Promise<Buffer[]>
  /** Copies a period's wrapped key as an old backup would hold it; tells later whether the copy still opens. */
  copyWrap(period: number): Promise<() => Promise<boolean>>
  /** Destroys the key at the provider. From then on nothing opens its bodies. Idempotent. */
  destroy(period: number): Promise<void>
}

export interface AuditKeysOptions {
  readonly provider: KeyProvider
  readonly transaction: RunTransaction
  readonly clock: Clock
  /** How long bodies can be opened at most, in milliseconds. */
  readonly retentionMs: number
}

interface PeriodRow {
  readonly period: number
  readonly provider_key: string
  readonly wrapped: Buffer | null
  readonly first_event_at: Date
  readonly rehearsal: boolean
  readonly destroyed_at: Date | null
  readonly pruned_entries: number | null
  readonly pruned_leaf: Buffer | null
}

/** A batch's key seals at most so many appends, and for so long. */
const BATCH_APPENDS = 65_536
const BATCH_MS = parseDuration('1h')
const LEAST_RETENTION_MS = parseDuration('12d')
const PERIOD_LOCK = 0x5375_6175
const COLUMNS =
  'period, provider_key, wrapped, first_event_at, rehearsal, destroyed_at, pruned_entries, pruned_leaf'

/** How long a period takes events: its key outlives it elevenfold. */
export function periodMsOf(retentionMs: number): number {
  return retentionMs / 12
}

/** @throws LogError `ERR_LOG_RETENTION` */
export function createAuditKeys(options: AuditKeysOptions): AuditKeys {
  const { provider, transaction, clock, retentionMs } = options
  if (retentionMs < LEAST_RETENTION_MS)
    throw new LogError('ERR_LOG_RETENTION', 'audit entries cannot be kept for less than 12 days')
  const takesEvents = ({ first_event_at }: PeriodRow): boolean =>
    clock.now() - first_event_at.getTime() < periodMsOf(retentionMs)

  const newest = async (connection: Connection): Promise<PeriodRow | null> => {
    const [row] = await connection.query<PeriodRow>(
      `select ${COLUMNS} from surety.audit_keys where not rehearsal order by period desc limit 1`,
    )
    return row && row.wrapped && takesEvents(row) ? row : null
  }
  /** Of processes that find the period over, one begins the next. */
  const presentPeriod = (): Promise<PeriodRow> =>
    transaction(async (connection) => {
      const found = await newest(connection)
      if (found) return found
      await connection.query('select pg_advisory_xact_lock($1)', [PERIOD_LOCK])
      return (await newest(connection)) ?? createPeriod(options, connection, false)
    })

  const begin = async (row: PeriodRow): Promise<AuditBatch> => {
    const batch = randomUUID()
    return { period: row.period, batch, key: deriveBatchKey(await unwrap(provider, row), batch) }
  }
  let present: Promise<{ batch: AuditBatch; row: PeriodRow; since: number }> | null = null
  let appends = 0
  const renew = (): NonNullable<typeof present> => {
    appends = 0
    const next = presentPeriod().then(async (row) => ({ batch: await begin(row), row, since: clock.now() }))
    next.catch(() => {
      if (present === next) present = null
    })
    return (present = next)
  }
  return {
    async current() {
      let { batch, row, since } = await (present ?? renew())
      const age = clock.now() - since
      if (++appends > BATCH_APPENDS || age < 0 || age >= BATCH_MS || !takesEvents(row))
        ({ batch, row, since } = await renew())
      return batch
    },
    async open(period, batch) {
      const key = await openPeriod(options, period)
      return key && deriveBatchKey(key, batch)
    },
    rehearse: async () => begin(await transaction((connection) => createPeriod(options, connection, true))),
    copyWrap: (period) => copyWrap(options, period),
    periods: () => transaction(readPeriods),
    material: () => readMaterial(options),
    async destroy(period) {
      try {
        return await destroyPeriod(options, period)
      } finally {
        // The batch at hand may be of that period: nothing can be appended under it any more.
        present = null
      }
    },
  }
}

/** A key at the provider and the wrapped one beneath it; of a crash in between a key remains that wraps nothing. */
async function createPeriod(
  { provider, clock }: AuditKeysOptions,
  connection: Connection,
  rehearsal: boolean,
): Promise<PeriodRow> {
  const providerKey = await provider.create(rehearsal ? 'audit-rehearsal' : 'audit')
  const key = randomBytes(32)
  const wrapped = await provider.wrap(providerKey, key, periodContext(providerKey))
  key.fill(0)
  const [row] = await connection.query<PeriodRow>(
    `insert into surety.audit_keys (provider, provider_key, wrapped, first_event_at, rehearsal)
     values ($1, $2, $3, $4, $5) returning ${COLUMNS}`,
    [provider.name, providerKey, Buffer.from(wrapped), new Date(clock.now()), rehearsal],
  )
  return row!
}

/** @throws LogError `ERR_LOG_PERIOD` */
async function readPeriod(
  connection: Connection,
  period: number,
  lock: 'for share' | 'for update' | '' = '',
): Promise<PeriodRow> {
  const [row] = await connection.query<PeriodRow>(
    `select ${COLUMNS} from surety.audit_keys where period = $1 ${lock}`,
    [period],
  )
  if (row) return row
  throw new LogError('ERR_LOG_PERIOD', `no audit period ${period} is known`)
}

async function readPeriods(connection: Connection): Promise<AuditPeriod[]> {
  const rows = await connection.query<PeriodRow>(`select ${COLUMNS} from surety.audit_keys order by period`)
  return rows.map((row) => ({
    period: row.period,
    firstEventAt: row.first_event_at.getTime(),
    rehearsal: row.rehearsal,
    destroyedAt: row.destroyed_at?.getTime() ?? null,
    prunedEntries: row.pruned_entries,
    prunedLeaf: row.pruned_leaf,
  }))
}

async function readMaterial(options: AuditKeysOptions): Promise<Buffer[]> {
  const rows = await options.transaction((connection) =>
    connection.query<PeriodRow>(
      `select ${COLUMNS} from surety.audit_keys where wrapped is not null order by period`,
    ),
  )
  const keys = await Promise.all(rows.map((row) => unwrapLasting(options, row)))
  return keys.flatMap((key) => key?.export() ?? [])
}

/** What the provider calls the keys of all periods. */
export async function readAuditProviderKeys(connection: Connection): Promise<string[]> {
  const rows = await connection.query<{ provider_key: string }>('select provider_key from surety.audit_keys')
  return rows.map(({ provider_key }) => provider_key)
}

async function copyWrap(
  { provider, transaction }: AuditKeysOptions,
  period: number,
): Promise<() => Promise<boolean>> {
  const row = await transaction((connection) => readPeriod(connection, period))
  const opens = (): Promise<boolean> =>
    unwrap(provider, row).then(
      () => true,
      () => false,
    )
  return opens
}

/**
 * The provider first: were the row's wrap removed before, a crash would leave a key that nobody destroys. The row
 * is locked meanwhile, so that whoever finds the key gone can wait for what the row says.
 */
async function destroyPeriod(
  { provider, transaction, clock }: AuditKeysOptions,
  period: number,
): Promise<void> {
  await transaction(async (connection) => {
    const row = await readPeriod(connection, period, 'for update')
    if (row.destroyed_at) return
    await provider.destroy(row.provider_key)
    await connection.query(
      'update surety.audit_keys set wrapped = null, destroyed_at = $2 where period = $1',
      [period, new Date(clock.now())],
    )
  })
}

async function openPeriod(options: AuditKeysOptions, period: number): Promise<KeyObject | null> {
  const row = await options.transaction((connection) => readPeriod(connection, period))
  return unwrapLasting(options, row)
}

/** The key of a period; null once it is destroyed, also while that is under way. @throws LogError `ERR_LOG_PERIOD` */
async function unwrapLasting(
  { provider, transaction }: AuditKeysOptions,
  row: PeriodRow,
): Promise<KeyObject | null> {
  if (row.wrapped === null) return null
  try {
    return await unwrap(provider, row)
  } catch (error) {
    const { wrapped } = await transaction((connection) => readPeriod(connection, row.period, 'for share'))
    if (wrapped === null) return null
    throw error
  }
}

async function unwrap(
  provider: KeyProvider,
  { period, provider_key, wrapped }: PeriodRow,
): Promise<KeyObject> {
  try {
    const bytes = await provider.unwrap(provider_key, wrapped!, periodContext(provider_key))
    return takeKey(Buffer.from(bytes))
  } catch (cause) {
    const code = cause instanceof SuretyError ? ` (${cause.code})` : ''
    throw new LogError('ERR_LOG_PERIOD', `the key of audit period ${period} cannot be opened${code}`, {
      cause,
    })
  }
}

function periodContext(providerKey: string): Uint8Array {
  return frame('surety/audit-period/1', providerKey)
}

function deriveBatchKey(period: KeyObject, batch: string): KeyObject {
  const bytes = Buffer.from(hkdfSync('sha256', period, parseId(batch), 'surety/audit-batch/1', 32))
  const key = createSecretKey(bytes)
  bytes.fill(0)
  return key
}
