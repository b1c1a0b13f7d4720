import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import type pg from 'pg'
import { asConnection, inTransaction, type Connection, type Logger } from '../database/index.ts'
import type { Clock } from '../kernel/index.ts'
import { backupWraps, type BackupWrap } from './backup-wraps.ts'
import { BUCKETS } from './bucket-count.ts'
import { createBucketKeys, type BucketKeys } from './bucket-keys.ts'
import { lockBuckets } from './bucket-lock.ts'
import { createDataKey, generationOf, nameDataKey, unwrapDataKey, type DataKeyName } from './data-key.ts'
import { ensureEpochs } from './epoch-keys.ts'
import { KeysError } from './errors.ts'
import { createKeyCache, type KeyCache } from './key-cache.ts'
import { INSTALLATION } from './migrations.ts'
import { guardProvider, type GuardOptions } from './providers/guarded-provider.ts'
import type { KeyProvider } from './provider.ts'
import { createKeyMemory, ownerName, type KeyMemory } from './key-memory.ts'
import type { BlindIndex, DataKey, DataKeyRow, KeyOwner, KeyTree, RecalledKey } from './tree.ts'

export interface KeyTreeOptions {
  readonly provider: KeyProvider
  /** The owner's pool; never the pool whose connections call `forWriting`, or they could wait for each other. */
  readonly owner: pg.Pool
  readonly clock: Clock
  readonly logger: Logger
  /** How long the provider may take for a call, and opened keys be used without it: {@link guardProvider}. */
  readonly outage?: Omit<GuardOptions, 'clock'>
}

/** The key tree of one system's database, with what only the library's own tasks may do. */
export interface OpenKeyTree extends KeyTree {
  /**
   * Tombstones the data keys of `owners` inside the owner's transaction `connection`: wraps become
   * null, buckets dirty, and the subjects never get a key again, even those that had none yet.
   * Waits for writers that hold the rows. Returns how many keys there were.
   *
   * Copies in old pages, WAL and replicas still open until the epoch ends.
   */
  erase(connection: Connection, owners: readonly KeyOwner[]): Promise<number>
  /**
   * Bytes of the keys in use, at most `most` of each kind: for a search that shows they are nowhere in
   * the clear. For the library's own probes; the caller overwrites them when it is done.
   */
  material(connection: Connection, most: number): Promise<KeyMaterial[]>
  /**
   * The bucket keys for a backup, wrapped under its epoch's key, as `snapshot` sees them. A backup
   * carries them beside `surety.data_keys`, and leaves `surety.bucket_keys` out.
   */
  backupWraps(snapshot: Connection): Promise<BackupWrap[]>
  /** Forgets every opened key. */
  close(): void
}

/** A key's bytes, and what kind of key it is, in words that may be shown. */
export interface KeyMaterial {
  readonly label: 'bucket key' | 'data key' | 'provider key'
  readonly bytes: Buffer
}

interface Room {
  readonly buckets: BucketKeys
  readonly cache: KeyCache
  readonly memory: KeyMemory
  readonly clock: Clock
}

const CACHED_DATA_KEYS = 50_000
const COLUMNS = 'id, tenant, subject, bucket, wrapped'

/**
 * Opens the key tree; at the first start makes both ladders' epoch keys and the installation's own
 * data key.
 *
 * @throws KeysError `ERR_KEYS_EPOCH`, `ERR_KEYS_PROVIDER_UNAVAILABLE`
 */
export async function openKeyTree(options: KeyTreeOptions): Promise<OpenKeyTree> {
  const { owner, clock, logger } = options
  const provider = guardProvider(options.provider, { clock, ...options.outage })
  const permitted = <T>(work: () => Promise<T>): Promise<T> => provider.permit()?.then(work) ?? work()
  await ensureEpochs(provider, owner, clock)
  const buckets = createBucketKeys(provider, owner)
  const room: Room = {
    buckets,
    cache: createKeyCache(CACHED_DATA_KEYS),
    memory: createKeyMemory(CACHED_DATA_KEYS),
    clock,
  }
  const installation = { tenant: INSTALLATION, subject: INSTALLATION }
  await inTransaction(owner, (connection) => forWriting(room, connection, [installation]))
  // Fails the start, not the first request, when rows and provider do not belong together.
  await readOwner(room, asConnection(owner), installation)
  logger.info({ provider: provider.name }, 'key tree open')
  const recallPermitted = (wanted: KeyOwner): RecalledKey | null => {
    const asked = provider.permit()
    // Whether it answers is found out on the long way, which can wait and tell.
    asked?.catch(() => undefined)
    return asked ? null : recall(room, wanted)
  }
  return {
    forWriting: (connection, owners) => permitted(() => forWriting(room, connection, owners)),
    forReading: (connection, ids) => permitted(() => forReading(room, connection, ids)),
    blindIndexKey: (connection, index) => permitted(() => blindIndexKey(room, connection, index)),
    recall: recallPermitted,
    recallBlindIndexKey: (index) => {
      const recalled = recallPermitted(ownerOfIndex(index))
      return recalled && { ...recalled, index: deriveIndexKey(recalled.key.key, index) }
    },
    openRead: (rows) => permitted(() => openRead(room, rows)),
    erase: (connection, owners) => erase(connection, owners, clock),
    material: (connection, most) => material(room, connection, most),
    backupWraps: (snapshot) => backupWraps(provider, snapshot),
    close() {
      room.cache.clear()
      room.memory.clear()
      buckets.clear()
    },
  }
}

async function forReading(
  room: Room,
  connection: Connection,
  ids: readonly string[],
): Promise<Map<string, DataKey>> {
  if (ids.length === 0) return new Map()
  const read = (wanted: readonly string[]): Promise<DataKeyRow[]> =>
    connection.query<DataKeyRow>(
      `select ${COLUMNS} from surety.data_keys where id = any($1::uuid[]) and wrapped is not null`,
      [wanted],
    )
  const keys = await openRows(room, await read([...new Set(ids)]), read)
  return new Map(keys.map((key) => [key.id, key]))
}

async function forWriting(
  room: Room,
  connection: Connection,
  owners: readonly KeyOwner[],
): Promise<DataKey[]> {
  const wanted = new Map(owners.map((owner) => [ownerName(owner), owner]))
  const opened = new Map<string, DataKey>()
  // A second round meets the keys that others made between our look and our insert.
  for (let round = 0; round < 3 && opened.size < wanted.size; round++) {
    const missing = [...wanted].filter(([name]) => !opened.has(name)).map(([, owner]) => owner)
    const rows = await lockRows(connection, missing)
    refuseErased(rows)
    const reread = (ids: readonly string[]): Promise<DataKeyRow[]> =>
      connection.query<DataKeyRow>(`select ${COLUMNS} from surety.data_keys where id = any($1::uuid[])`, [
        ids,
      ])
    for (const key of await openRows(room, rows, reread)) opened.set(ownerName(key), key)
    const absent = missing.filter((owner) => !opened.has(ownerName(owner)))
    for (const key of await mint(room, connection, absent)) opened.set(ownerName(key), key)
  }
  return owners.map((owner) => opened.get(ownerName(owner)) ?? refuseOwner())
}

function refuseOwner(cause?: unknown): never {
  throw new KeysError('ERR_KEYS_OWNER', 'this connection may not use the data keys of that tenant', { cause })
}

/** In the order of ids, as `erase` does: two of them never wait for each other. */
function lockRows(connection: Connection, owners: readonly KeyOwner[]): Promise<DataKeyRow[]> {
  return connection.query<DataKeyRow>(
    `select ${COLUMNS} from surety.data_keys
      where (tenant, subject) in (select * from unnest($1::uuid[], $2::uuid[]))
      order by id for key share`,
    [owners.map(({ tenant }) => tenant), owners.map(({ subject }) => subject)],
  )
}

function refuseErased(rows: readonly DataKeyRow[]): void {
  if (rows.every(({ wrapped }) => wrapped !== null)) return
  throw new KeysError('ERR_KEYS_ERASED', 'the data subject is erased')
}

/** Opens rows through the cache; a bucket replaced between two reads is read again. */
async function openRows(
  room: Room,
  rows: readonly DataKeyRow[],
  reread: (ids: readonly string[]) => Promise<DataKeyRow[]>,
): Promise<DataKey[]> {
  const opened = new Map<string, DataKey>()
  let closed = rows.filter((row) => !openCached(room, row, opened))
  for (let round = 0; round < 3 && closed.length > 0; round++) {
    const buckets = await room.buckets.open(closed.map(({ bucket }) => bucket))
    closed = closed.filter((row) => !openWith(room, row, buckets, opened))
    if (closed.length > 0)
      closed = (await reread(closed.map(({ id }) => id))).filter(({ wrapped }) => wrapped !== null)
  }
  if (closed.length > 0) throw new KeysError('ERR_KEYS_UNWRAP', `data key ${closed[0]!.id} does not open`)
  return rows.flatMap(({ id }) => opened.get(id) ?? [])
}

function recall({ cache, memory }: Room, owner: KeyOwner): RecalledKey | null {
  const row = memory.last(owner)
  const key = row?.wrapped ? cache.get(cacheName(row), row.wrapped) : undefined
  return row && key ? { row, key: dataKey(row, key) } : null
}

async function openRead(room: Room, rows: readonly DataKeyRow[]): Promise<Map<string, DataKey> | null> {
  const opened = new Map<string, DataKey>()
  const closed = rows.filter((row) => row.wrapped !== null && !openCached(room, row, opened))
  if (closed.length === 0) return opened
  const buckets = await room.buckets.open(closed.map(({ bucket }) => bucket))
  return closed.every((row) => openWith(room, row, buckets, opened)) ? opened : null
}

function openCached({ cache, memory }: Room, row: DataKeyRow, opened: Map<string, DataKey>): boolean {
  const key = row.wrapped && cache.get(cacheName(row), row.wrapped)
  if (key) opened.set(row.id, dataKey(row, key))
  if (key) memory.note(row)
  return key !== undefined && key !== null
}

type Buckets = Awaited<ReturnType<BucketKeys['open']>>

function openWith(
  { cache, memory }: Room,
  row: DataKeyRow,
  buckets: Buckets,
  opened: Map<string, DataKey>,
): boolean {
  const bucket = buckets.get(row.bucket)
  if (!bucket || !row.wrapped) return false
  const key = unwrapDataKey(row, row.wrapped, bucket)
  if (key === null && generationOf(row.wrapped) === bucket.generation) {
    throw new KeysError('ERR_KEYS_UNWRAP', `data key ${row.id} does not open`)
  }
  if (key === null) return false
  cache.set(cacheName(row), row.wrapped, key)
  memory.note(row)
  opened.set(row.id, dataKey(row, key))
  return true
}

/** All that the wrap is bound to: bytes copied into another row miss the cache and then fail to open. */
function cacheName({ id, tenant, subject, bucket }: DataKeyName): string {
  return `${id}/${tenant}/${subject}/${bucket}`
}

function dataKey({ id, tenant, subject }: DataKeyName, key: KeyObject): DataKey {
  return { id, tenant, subject, key }
}

async function mint(room: Room, connection: Connection, owners: readonly KeyOwner[]): Promise<DataKey[]> {
  if (owners.length === 0) return []
  // In one order everywhere: two transactions that mint for the same owners wait, and do not deadlock.
  const names = owners
    .map((owner) => nameDataKey(owner, room.buckets.count()))
    .toSorted((a, b) => (ownerName(a) < ownerName(b) ? -1 : 1))
  const locked = [...new Set(names.map(({ bucket }) => bucket))]
  await lockBuckets(connection, locked, 'shared')
  const buckets = await room.buckets.open(locked)
  const made = names.map((name) => ({ name, ...createDataKey(name, buckets.get(name.bucket)!) }))
  const rows = await insertRows(connection, made, new Date(room.clock.now()))
  const inserted = new Set(rows)
  return made
    .filter(({ name }) => inserted.has(name.id))
    .map(({ name, key, wrapped }) => {
      room.cache.set(cacheName(name), wrapped, key)
      room.memory.note({ ...name, wrapped })
      return dataKey(name, key)
    })
}

async function insertRows(
  connection: Connection,
  made: readonly { name: DataKeyName; wrapped: Buffer }[],
  at: Date,
): Promise<string[]> {
  const column = (read: (name: DataKeyName) => unknown): unknown[] => made.map(({ name }) => read(name))
  try {
    const rows = await connection.query<{ id: string }>(
      `insert into surety.data_keys (id, tenant, subject, bucket, wrapped, created_at)
       select *, $6::timestamptz from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::integer[], $5::bytea[])
       on conflict (tenant, subject) do nothing returning id`,
      [
        column(({ id }) => id),
        column(({ tenant }) => tenant),
        column(({ subject }) => subject),
        column(({ bucket }) => bucket),
        made.map(({ wrapped }) => wrapped),
        at,
      ],
    )
    return rows.map(({ id }) => id)
  } catch (error) {
    if ((error as { code?: string }).code === '42501') refuseOwner(error)
    throw error
  }
}

async function readOwner(room: Room, connection: Connection, owner: KeyOwner): Promise<DataKey | null> {
  const read = (): Promise<DataKeyRow[]> =>
    connection.query<DataKeyRow>(
      `select ${COLUMNS} from surety.data_keys where tenant = $1 and subject = $2`,
      [owner.tenant, owner.subject],
    )
  const rows = await read()
  refuseErased(rows)
  return (await openRows(room, rows, read))[0] ?? null
}

const derived = new WeakMap<KeyObject, Map<string, KeyObject>>()

/** HKDF-SHA-256 (RFC 5869) of the owner's data key with info `surety/blind/1/<resource>/<field>`; derived once per opened key. */
async function blindIndexKey(room: Room, connection: Connection, index: BlindIndex): Promise<KeyObject> {
  const owner = ownerOfIndex(index)
  const { key } =
    (await readOwner(room, connection, owner)) ?? (await forWriting(room, connection, [owner]))[0]!
  return deriveIndexKey(key, index)
}

function ownerOfIndex({ tenant }: BlindIndex): KeyOwner {
  const name = tenant ?? INSTALLATION
  return { tenant: name, subject: name }
}

function deriveIndexKey(key: KeyObject, { resource, field }: BlindIndex): KeyObject {
  const perField = derived.get(key) ?? new Map<string, KeyObject>()
  derived.set(key, perField)
  const info = `surety/blind/1/${resource}/${field}`
  const known = perField.get(info)
  if (known) return known
  const fresh = createSecretKey(Buffer.from(hkdfSync('sha256', key, Buffer.alloc(0), info, 32)))
  perField.set(info, fresh)
  return fresh
}

async function erase(connection: Connection, owners: readonly KeyOwner[], clock: Clock): Promise<number> {
  const at = new Date(clock.now())
  const names = owners.map((owner) => nameDataKey(owner, BUCKETS))
  const pairs = [owners.map(({ tenant }) => tenant), owners.map(({ subject }) => subject)]
  await connection.query(
    `insert into surety.data_keys (id, tenant, subject, bucket, wrapped, created_at, erased_at)
     select *, null, $5::timestamptz, $5::timestamptz from unnest($3::uuid[], $1::uuid[], $2::uuid[], $4::integer[])
     on conflict (tenant, subject) do nothing`,
    [...pairs, names.map(({ id }) => id), names.map(({ bucket }) => bucket), at],
  )
  // `for update` waits for writers that hold the row `for key share`; a plain update would pass them.
  const condition =
    '(tenant, subject) in (select * from unnest($1::uuid[], $2::uuid[])) and wrapped is not null'
  await connection.query(`select from surety.data_keys where ${condition} order by id for update`, pairs)
  const erased = await connection.query<{ bucket: number }>(
    `update surety.data_keys set wrapped = null, erased_at = $3 where ${condition} returning bucket`,
    [...pairs, at],
  )
  // In one order: two erasures in the same buckets wait for each other, and do not deadlock.
  await connection.query(
    `update surety.bucket_keys set dirty = true
      where (ladder, bucket) in (select ladder, bucket from surety.bucket_keys
        where ladder = 'live' and bucket = any($1::integer[]) order by bucket for no key update)`,
    [erased.map(({ bucket }) => bucket)],
  )
  return erased.length
}

async function material(room: Room, connection: Connection, most: number): Promise<KeyMaterial[]> {
  const ids = await connection.query<{ id: string }>(
    'select id from surety.data_keys where wrapped is not null order by random() limit $1',
    [most],
  )
  const used = await connection.query<{ bucket: number }>(
    `select bucket from surety.bucket_keys where ladder = 'live' order by random() limit $1`,
    [most],
  )
  const opened = await room.buckets.open(used.map(({ bucket }) => bucket))
  const dataKeys = await forReading(
    room,
    connection,
    ids.map(({ id }) => id),
  )
  return [
    ...[...opened.values()].map(({ key }): KeyMaterial => ({ label: 'bucket key', bytes: key.export() })),
    ...[...dataKeys.values()].map(({ key }): KeyMaterial => ({ label: 'data key', bytes: key.export() })),
  ]
}
