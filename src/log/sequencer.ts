import type { Connection } from '../database/index.ts'
import { equalBytes, utf8 } from '../kernel/index.ts'
import type { Clock } from '../kernel/index.ts'
import { formatCheckpoint, formatVerifierKey, LIMITS, signNote } from '../verify/index.ts'
import type { NoteSigner } from '../verify/index.ts'
import { LogError } from './errors.ts'
import type { LogFolder } from './folder.ts'
import { formatIntent, intentName, type Intent } from './intent.ts'
import { CHECKPOINT_FILE, readLeaves, readPublished, readRoot, vkeyFile, VKEY_FILE } from './published.ts'
import type { PublishedCheckpoint } from './published.ts'
import { deleteQueued, readQueue, takeTurn, writeState } from './queue.ts'
import type { QueuedRow, Turn } from './queue.ts'
import { readEnding, recoverHead, settle } from './settling.ts'
import { copyHead, extendHead, type TreeHead } from './tree-head.ts'

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

/**
 * Publishes queued entries: decide (intent), sign, write tiles and bundles, publish the checkpoint, then
 * say so in the database. Whatever line a crash hits, the next tick goes on from there.
 *
 * What must be on the disk before what: the intent before anything is signed. Tiles, bundles and the
 * checkpoint follow from the intents, whose leaves are those of the queue and whose signatures are the
 * same each time: they need not be on the disk before their intents are removed (`settling.ts`), and one
 * tick waits for the disk once.
 *
 * LIMIT: the lock is the database's. A process that loses its connection between the last check of
 * the lock and the renaming of the checkpoint can still put an older, valid checkpoint over a newer
 * one; the next tick then goes back to the newer one, if its intent is there still, or else refuses with
 * `ERR_LOG_FOLDER_BEHIND`.
 */
export class Sequencer {
  readonly #options: SequencerOptions
  readonly #origin: string
  readonly #vkey: string
  #head: TreeHead | null = null
  #published: PublishedCheckpoint | null = null
  /** Entries whose tiles and bundles are on the disk. */
  #settled = 0
  #distrusted = false

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
    if (this.#distrusted) [this.#head, this.#distrusted] = [null, false]
    const turn = await takeTurn(connection, name, maxBatch, this.#head === null)
    if (turn.taken === null) return 'idle'
    if (!turn.taken) return 'busy'
    try {
      const before = this.#published
      const head = await this.#align(connection, turn)
      // Where somebody published since, or a crash had to be made good, the rows are no longer those that wait.
      const isCurrent = before !== null && before === this.#published && turn.state?.size === before.size
      const rows = isCurrent ? turn.rows : await readQueue(connection, name, maxBatch)
      const stamped = this.#stamp(head, rows, maxBatch)
      if (stamped.leaves.length === 0) return 'idle'
      return (await this.#publishNew(connection, head, stamped)) ? 'published' : 'busy'
    } catch (error) {
      this.#head = null
      throw error
    }
  }

  /** Brings to the disk what is published. In a tick or beside it, once at a time. */
  async settle(): Promise<void> {
    const size = this.#head?.edge.size ?? 0
    if (size <= this.#settled) return
    try {
      await settle(this.#options.folder, this.#settled, size)
      this.#settled = Math.max(this.#settled, size)
    } catch (error) {
      // What a disk refused once it can forget without a word: only the intents still have it.
      this.#distrusted = true
      throw error
    }
  }

  /** Brings memory, folder and database to one state, finishing what a crash interrupted. */
  async #align(connection: Connection, { state }: Turn): Promise<TreeHead> {
    const { name, folder, leaves: format } = this.#options
    this.#checkIdentity(state)
    const [head, published] = (await this.#follow()) ?? (await this.#load(connection))
    refuseBehind(state, published)
    await this.#refuseFork(state, head)
    const said = state?.size ?? 0
    if (published && published.size > said) {
      const leaves = await readLeaves(folder, said, published.size)
      await deleteQueued(connection, name, leaves.map(format.idOf))
      await this.#record(connection, published, [])
    }
    this.#published = published
    this.#head = head
    return head
  }

  #checkIdentity(state: Turn['state']): void {
    if (!state) return
    if (state.origin !== this.#origin) {
      throw new LogError('ERR_LOG_ORIGIN', `this log’s origin is ${state.origin}, not ${this.#origin}`)
    }
    if (state.vkey !== this.#vkey)
      throw new LogError('ERR_LOG_KEY', 'the private key is not the one that signed this log')
  }

  /** The log as memory has it, and what another process has published meanwhile; null where that does not do. */
  async #follow(): Promise<Reached | null> {
    const { folder, signer, leaves: format } = this.#options
    const head = this.#head
    if (head === null) return null
    const published = await readPublished(folder, signer.key, this.#published)
    if (published === this.#published) return [head, published]
    // An intent that goes on from there is one whose process did not finish.
    if (!published || (await folder.read(intentName(published.size))) !== null) return null
    const fresh = await readLeaves(folder, head.edge.size, published.size)
    const ahead = copyHead(head)
    extendHead(ahead, fresh)
    ahead.lastMs = fresh.length > 0 ? format.timeOf(fresh.at(-1)!) : head.lastMs
    return equalBytes(ahead.edge.root(), published.rootHash) ? [ahead, published] : null
  }

  async #load(connection: Connection): Promise<Reached> {
    const { folder, signer, leaves } = this.#options
    const ending = await readEnding(folder, signer.key)
    const head = await recoverHead(folder, leaves, ending)
    this.#settled = ending.chain[0]?.from ?? ending.size
    const vkey = await folder.read(VKEY_FILE)
    if (vkey === null) await folder.write(VKEY_FILE, vkeyFile(signer.key))
    else if (!equalBytes(vkey, vkeyFile(signer.key))) {
      throw new LogError('ERR_LOG_KEY', 'the log folder belongs to another verifier key')
    }
    const last = ending.chain.at(-1)
    return [head, last ? await this.#publishAgain(connection, head, last) : ending.published]
  }

  /** Publishes what an intent decided that a crash left behind. */
  async #publishAgain(connection: Connection, head: TreeHead, last: Intent): Promise<PublishedCheckpoint> {
    const { folder, signer } = this.#options
    // Whoever wrote it may have been stopped before it was on the disk.
    await folder.write(intentName(last.from), await formatIntent(last, signer))
    const published = await this.#sign(head)
    // Fails where the connection, and with it the lock, has gone.
    await connection.query('select 1')
    await folder.put(CHECKPOINT_FILE, utf8(published.note))
    return published
  }

  async #refuseFork(state: Turn['state'], head: TreeHead): Promise<void> {
    if (!state || state.size === head.edge.size) return
    if (equalBytes(await readRoot(this.#options.folder, state.size, head.edge.size), state.root)) return
    throw new LogError(
      'ERR_LOG_FORK',
      `the first ${state.size} entries in the log folder are not those the database published`,
    )
  }

  #stamp(head: TreeHead, rows: readonly QueuedRow[], maxLeaves: number): Stamped {
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
  async #publishNew(connection: Connection, head: TreeHead, { leaves, seqs }: Stamped): Promise<boolean> {
    const { folder, signer, leaves: format } = this.#options
    const from = head.edge.size
    const ahead = copyHead(head)
    const files = extendHead(ahead, leaves)
    ahead.lastMs = format.timeOf(leaves.at(-1)!)
    const intent = { origin: this.#origin, from, leaves, rootHash: ahead.edge.root() }
    if (!(await folder.claim(intentName(from), await formatIntent(intent, signer)))) {
      this.#head = null
      return false
    }
    const published = await this.#sign(ahead)
    await Promise.all([
      // Fails where the connection, and with it the lock, has gone; it is committed after the checkpoint.
      this.#record(connection, published, seqs),
      ...[...files].map(([path, bytes]) => folder.put(path, bytes)),
    ])
    await folder.put(CHECKPOINT_FILE, utf8(published.note))
    this.#published = published
    this.#head = ahead
    return true
  }

  async #sign({ edge }: TreeHead): Promise<PublishedCheckpoint> {
    const checkpoint = { origin: this.#origin, size: edge.size, rootHash: edge.root() }
    return { ...checkpoint, note: await signNote(formatCheckpoint(checkpoint), this.#options.signer) }
  }

  /** Says in the database what the folder has published since it last said so, and of which rows. */
  async #record(
    connection: Connection,
    published: PublishedCheckpoint,
    seqs: readonly number[],
  ): Promise<void> {
    const { origin, size, rootHash, note } = published
    const state = { origin, vkey: this.#vkey, size, root: rootHash, checkpoint: note }
    await writeState(connection, this.#options.name, state, seqs)
  }
}

type Reached = readonly [head: TreeHead, published: PublishedCheckpoint | null]

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

function refuseBehind(state: Turn['state'], published: PublishedCheckpoint | null): void {
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
