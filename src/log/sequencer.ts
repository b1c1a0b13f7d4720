import type { Connection } from '../database/index.ts'
import { equalBytes, utf8 } from '../kernel/index.ts'
import type { Clock } from '../kernel/index.ts'
import {
  createTileEdge,
  formatBundle,
  formatCheckpoint,
  formatVerifierKey,
  hashLeaf,
  LIMITS,
  signNote,
  TILE_WIDTH,
  tilePath,
} from '../verify/index.ts'
import type { FullTile, NoteSigner, Tile, TileEdge } from '../verify/index.ts'
import { LogError } from './errors.ts'
import type { LogFolder } from './folder.ts'
import { checkIntentRoot, formatIntent, intentName, intentSize, readIntent } from './intent.ts'
import type { Intent } from './intent.ts'
import {
  CHECKPOINT_FILE,
  join,
  readLeaves,
  readPublished,
  scanFolder,
  vkeyFile,
  VKEY_FILE,
} from './published.ts'
import type { PublishedCheckpoint } from './published.ts'
import { deleteQueued, deleteRows, newestQueued, readQueue, readState, tryLock, writeState } from './queue.ts'
import type { LogState, QueuedRow } from './queue.ts'

/** What one log's leaves are made of. */
export interface LeafFormat {
  /** The leaves of a queued row, one at least; `atMs` never goes back along the log. */
  stamp(id: string, body: Uint8Array, atMs: number): readonly Uint8Array[]
  /** The id of the queued row that a leaf, or the first of several, was made of. */
  idOf(leaf: Uint8Array): string
  /** Unix milliseconds of a leaf; 0 where leaves bear no time. */
  timeOf(leaf: Uint8Array): number
  /** The first leaf of a new log, if it has one. */
  genesis?(atMs: number): Uint8Array
}

export interface SequencerOptions {
  /** The log's name in the database. */
  readonly name: string
  readonly folder: LogFolder
  readonly signer: NoteSigner
  readonly leaves: LeafFormat
  readonly clock: Clock
  /** Entries after which a tick takes no further row. Default 4,096. */
  readonly maxBatch?: number
}

/** `busy`: another process is publishing this log. */
export type TickOutcome = 'published' | 'idle' | 'busy'

/** The end of the published log: what the next leaves are appended to. */
interface Head {
  readonly edge: TileEdge
  /** Leaves of the last, partial bundle. */
  bundle: Uint8Array[]
  lastMs: number
}

/**
 * Publishes queued entries: decide (intent), write tiles and bundles, sign, publish the checkpoint,
 * then say so in the database. Whatever line a crash hits, the next tick goes on from there.
 *
 * LIMIT: the lock is the database's. A process that loses its connection between the last check of
 * the lock and the renaming of the checkpoint can still put an older, valid checkpoint over a newer
 * one; the next tick then refuses with `ERR_LOG_FOLDER_BEHIND` instead of going on.
 */
export class Sequencer {
  readonly #options: SequencerOptions
  readonly #origin: string
  readonly #vkey: string
  #head: Head | null = null

  constructor(options: SequencerOptions) {
    this.#options = options
    this.#origin = options.signer.key.name
    this.#vkey = formatVerifierKey(options.signer.key)
  }

  /**
   * Runs one tick inside a transaction that the caller begins and commits.
   * @throws LogError `ERR_LOG_ORIGIN`, `ERR_LOG_KEY`, `ERR_LOG_FOLDER_BEHIND`, `ERR_LOG_TAMPERED`,
   *   `ERR_LOG_FORK`, `ERR_LOG_QUEUE`
   */
  async tick(connection: Connection): Promise<TickOutcome> {
    const { name, maxBatch = 4096 } = this.#options
    if (this.#head && (await newestQueued(connection, name)) === null) return 'idle'
    if (!(await tryLock(connection, name))) return 'busy'
    try {
      const head = await this.#align(connection)
      const rows = await readQueue(connection, name, maxBatch)
      const stamped = this.#stamp(head, rows, maxBatch)
      if (stamped.leaves.length === 0) return 'idle'
      return (await this.#publishNew(connection, head, stamped)) ? 'published' : 'busy'
    } catch (error) {
      this.#head = null
      throw error
    }
  }

  /** Brings memory, folder and database to one state, finishing what a crash interrupted. */
  async #align(connection: Connection): Promise<Head> {
    const { name, folder, signer } = this.#options
    const state = await readState(connection, name)
    this.#checkIdentity(state)
    let published = await readPublished(folder, signer.key)
    refuseBehind(state, published)
    const recovering = this.#head === null || this.#head.edge.size !== (published?.size ?? 0)
    const head = recovering ? await this.#load(state, published) : this.#head!
    if (recovering) published = await this.#finishInterrupted(connection, head, published)
    const said = state?.size ?? 0
    if (published && published.size > said) {
      const leaves = await readLeaves(folder, said, published.size)
      await deleteQueued(connection, name, leaves.map(this.#options.leaves.idOf))
      await this.#record(connection, published)
    }
    this.#head = head
    return head
  }

  #checkIdentity(state: LogState | null): void {
    if (!state) return
    if (state.origin !== this.#origin) {
      throw new LogError('ERR_LOG_ORIGIN', `this log’s origin is ${state.origin}, not ${this.#origin}`)
    }
    if (state.vkey !== this.#vkey)
      throw new LogError('ERR_LOG_KEY', 'the private key is not the one that signed this log')
  }

  async #load(state: LogState | null, published: PublishedCheckpoint | null): Promise<Head> {
    const { folder, signer, leaves: format } = this.#options
    const stateSize = state?.size ?? 0
    const { edge, tail, earlierRoot } = await scanFolder(folder, published, stateSize)
    if (state && (!earlierRoot || !equalBytes(earlierRoot, state.root))) {
      throw new LogError(
        'ERR_LOG_FORK',
        `the first ${stateSize} entries in the log folder are not those the database published`,
      )
    }
    const vkey = await folder.read(VKEY_FILE)
    if (vkey === null) await folder.write(VKEY_FILE, vkeyFile(signer.key))
    else if (!equalBytes(vkey, vkeyFile(signer.key))) {
      throw new LogError('ERR_LOG_KEY', 'the log folder belongs to another verifier key')
    }
    const last = tail.at(-1)
    const bundle = tail.length < TILE_WIDTH ? [...tail] : []
    return { edge, bundle, lastMs: last ? format.timeOf(last) : 0 }
  }

  /** Publishes an intent that a crash left behind, and clears what it no longer needs. */
  async #finishInterrupted(
    connection: Connection,
    head: Head,
    published: PublishedCheckpoint | null,
  ): Promise<PublishedCheckpoint | null> {
    const { folder, signer } = this.#options
    await folder.tidy()
    const size = head.edge.size
    for (const name of await folder.names()) {
      const from = intentSize(name)
      if (from !== null && from < size) await folder.remove(name)
      if (from !== null && from > size) {
        throw new LogError('ERR_LOG_FOLDER_BEHIND', 'the log folder holds an intent beyond its checkpoint')
      }
    }
    const intent = await readIntent(folder, signer.key, size)
    return intent ? this.#publish(connection, head, intent, extend(head, intent.leaves)) : published
  }

  #stamp(head: Head, rows: readonly QueuedRow[], maxLeaves: number): Stamped {
    const { leaves: format, clock } = this.#options
    const atMs = Math.max(clock.now(), head.lastMs)
    const genesis = head.edge.size === 0 ? format.genesis?.(atMs) : undefined
    const leaves = genesis ? [genesis] : []
    const seqs: number[] = []
    for (const row of rows) {
      if (leaves.length >= maxLeaves) break
      for (const leaf of stampRow(format, row, atMs)) leaves.push(leaf)
      seqs.push(row.seq)
    }
    return { leaves, seqs }
  }

  /** False where another process has decided what comes next. */
  async #publishNew(connection: Connection, head: Head, { leaves, seqs }: Stamped): Promise<boolean> {
    const from = head.edge.size
    const ahead = copyOf(head)
    const files = extend(ahead, leaves)
    const intent = { origin: this.#origin, from, leaves, rootHash: ahead.edge.root() }
    const { folder, signer } = this.#options
    if (!(await folder.claim(intentName(from), await formatIntent(intent, signer)))) {
      this.#head = null
      return false
    }
    const published = await this.#publish(connection, ahead, intent, files)
    this.#head = ahead
    await deleteRows(connection, seqs)
    await this.#record(connection, published)
    return true
  }

  /** Publishes the files of a head that the intent's leaves are part of already. */
  async #publish(
    connection: Connection,
    head: Head,
    intent: Intent,
    files: ReadonlyMap<string, Uint8Array>,
  ): Promise<PublishedCheckpoint> {
    const { folder, signer, leaves: format } = this.#options
    const checkpoint = { origin: this.#origin, size: head.edge.size, rootHash: head.edge.root() }
    checkIntentRoot(intent, checkpoint.rootHash)
    head.lastMs = format.timeOf(intent.leaves.at(-1)!)
    await Promise.all([...files].map(([path, bytes]) => folder.write(path, bytes)))
    // Fails where the connection, and with it the lock, has gone.
    await connection.query('select 1')
    const note = await signNote(formatCheckpoint(checkpoint), signer)
    await folder.write(CHECKPOINT_FILE, utf8(note))
    await folder.remove(intentName(intent.from))
    await this.#removePartials(intent.from, checkpoint.size)
    return { ...checkpoint, note }
  }

  /** Partial tiles go once the tile after theirs is full (tlog-tiles, "Partial Tiles"): readers under way still find them. */
  async #removePartials(from: number, to: number): Promise<void> {
    const { folder } = this.#options
    for (let level = 0, unit = TILE_WIDTH; unit <= to; level++, unit *= TILE_WIDTH) {
      const first = Math.max(0, Math.floor(from / unit) - 1)
      for (let index = first; (index + 2) * unit <= to; index++) {
        await folder.remove(`${tilePath({ level, index, width: TILE_WIDTH })}.p`)
        if (level === 0) await folder.remove(`${tilePath({ level: 'entries', index, width: TILE_WIDTH })}.p`)
      }
    }
  }

  /** Says in the database what the folder has published since it last said so. */
  async #record(connection: Connection, published: PublishedCheckpoint): Promise<void> {
    const { origin, size, rootHash, note } = published
    const state = { origin, vkey: this.#vkey, size, root: rootHash, checkpoint: note }
    await writeState(connection, this.#options.name, state)
  }
}

/** Leaves that come next, and the rows of the queue that they are made of. */
interface Stamped {
  readonly leaves: readonly Uint8Array[]
  readonly seqs: readonly number[]
}

/** @throws LogError `ERR_LOG_QUEUE` */
function stampRow(
  format: LeafFormat,
  { seq, entry_id, body }: QueuedRow,
  atMs: number,
): readonly Uint8Array[] {
  try {
    const leaves = format.stamp(entry_id, body, atMs)
    if (leaves.length > 0 && leaves.every((leaf) => leaf.length <= LIMITS.maxEntryBytes)) return leaves
  } catch (cause) {
    throw new LogError('ERR_LOG_QUEUE', `row ${seq} of the queue cannot become an entry`, { cause })
  }
  throw new LogError('ERR_LOG_QUEUE', `row ${seq} of the queue is too long for an entry`)
}

function refuseBehind(state: LogState | null, published: PublishedCheckpoint | null): void {
  if (!state) return
  const size = published?.size ?? 0
  if (size > state.size || (published && size === state.size && equalBytes(published.rootHash, state.root)))
    return
  const message =
    size === state.size
      ? `the checkpoint in the log folder has another root at size ${size} than the database published`
      : `the log folder ends at ${size} entries, the database has published ${state.size}`
  throw new LogError('ERR_LOG_FOLDER_BEHIND', message)
}

/** A head of its own: one that is extended in vain leaves no trace. */
function copyOf({ edge, bundle, lastMs }: Head): Head {
  const levels: Uint8Array[][] = []
  for (const { level, hashes } of edge.partials()) levels[level] = [...hashes]
  const whole = Array.from(levels, (hashes) => hashes ?? [])
  return { edge: createTileEdge(edge.size, whole), bundle: [...bundle], lastMs }
}

/** Appends leaves to the head; returns every file that the longer log consists of and the shorter did not. */
function extend(head: Head, leaves: readonly Uint8Array[]): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>()
  const put = (tile: FullTile): void => {
    files.set(tilePath(tileOf(tile)), join(tile.hashes))
  }
  for (const leaf of leaves) {
    const index = Math.floor(head.edge.size / TILE_WIDTH)
    head.bundle.push(leaf)
    for (const tile of head.edge.append(hashLeaf(leaf))) put(tile)
    if (head.bundle.length === TILE_WIDTH) {
      files.set(tilePath({ level: 'entries', index, width: TILE_WIDTH }), formatBundle(head.bundle))
      head.bundle = []
    }
  }
  for (const tile of head.edge.partials()) put(tile)
  if (head.bundle.length > 0) {
    const index = Math.floor(head.edge.size / TILE_WIDTH)
    files.set(tilePath({ level: 'entries', index, width: head.bundle.length }), formatBundle(head.bundle))
  }
  return files
}

function tileOf({ level, index, hashes }: FullTile): Tile {
  return { level, index, width: hashes.length }
}
