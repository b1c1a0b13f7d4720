import { equalBytes, toHex } from '../../kernel/index.ts'
import type { Clock } from '../../kernel/index.ts'
import {
  cosign,
  emptyRoot,
  formatWitnessKey,
  parseCheckpoint,
  parseNote,
  verifyConsistency,
  VerifyError,
  verifyNote,
} from '../../verify/index.ts'
import type { Checkpoint, VerifierKey, WitnessSigner } from '../../verify/index.ts'
import { LogError } from '../errors.ts'
import { createLogFolder } from '../folder.ts'
import { parseAddCheckpoint } from './add-checkpoint.ts'
import type { AddCheckpoint } from './add-checkpoint.ts'
import { nameOfLog, readWitnessed, writeWitnessed } from './witness-state.ts'
import type { WitnessedTree } from './witness-state.ts'

export interface WitnessOptions {
  /** Folder of its state. One process at a time: the caller sees to it. */
  readonly folder: string
  readonly signer: WitnessSigner
  /** Keys of the logs it watches; a log is known by the name of its key. */
  readonly logs: readonly VerifierKey[]
  readonly clock: Clock
  /** Told of every request that concerns a known log. */
  readonly onEvent?: (event: WitnessEvent) => void
}

/** `conflict`: the log signed two trees that cannot both be its own, or failed to show that they can. */
export interface WitnessEvent {
  readonly kind: 'cosigned' | 'refused' | 'conflict'
  readonly origin: string
  readonly size: number
  readonly message: string
}

/** An answer of the protocol, for HTTP to carry. */
export interface WitnessAnswer {
  readonly status: 200 | 400 | 403 | 404 | 409 | 422
  readonly contentType: 'text/plain; charset=utf-8' | 'text/x.tlog.size'
  readonly body: string
}

/** One who cosigns what logs publish, if it only ever grows (C2SP tlog-witness). */
export interface Witness {
  /** Text of its key. */
  readonly vkey: string
  /**
   * Answers an `add-checkpoint` request. What it has cosigned is durable before it answers.
   * @throws LogError `ERR_LOG_WITNESS_STATE` where its own state cannot be read: then it signs nothing
   */
  addCheckpoint(body: Uint8Array): Promise<WitnessAnswer>
}

/** Requests kept as proof of what a log's key signed; a log that floods must not fill the disk. */
const MAX_CONFLICTS = 100

/**
 * Opens a witness. It never cosigns two roots for one size, nor a tree that does not continue the one
 * before: check and record of one log run one after the other, and the record is on the disk before the
 * cosignature exists.
 *
 * LIMIT: a state folder put back from an older copy makes it forget what it signed since.
 */
export function createWitness(options: WitnessOptions): Witness {
  const watched = new Map<string, Watched>()
  for (const key of options.logs) {
    const same = options.logs.filter(({ name }) => name === key.name)
    watched.set(key.name, { ...options, keys: same, store: createLogFolder(options.folder) })
  }
  const turns = new Map<string, Promise<unknown>>()
  return {
    vkey: formatWitnessKey(options.signer.key),
    async addCheckpoint(body) {
      const request = readRequest(body)
      if (request === null) return plain(400, 'this is no add-checkpoint request')
      const log = watched.get(request.checkpoint.origin)
      if (!log) return plain(404, 'this witness does not watch that log')
      const turn = (turns.get(request.checkpoint.origin) ?? Promise.resolve()).then(() => judge(log, request))
      turns.set(
        request.checkpoint.origin,
        turn.catch(() => {}),
      )
      return turn
    },
  }
}

interface Watched extends WitnessOptions {
  readonly keys: readonly VerifierKey[]
  readonly store: ReturnType<typeof createLogFolder>
}

interface Request extends Omit<AddCheckpoint, 'checkpoint'> {
  readonly body: Uint8Array
  readonly note: Uint8Array
  readonly text: string
  readonly checkpoint: Checkpoint
}

function readRequest(body: Uint8Array): Request | null {
  try {
    const { oldSize, proof, checkpoint: note } = parseAddCheckpoint(body)
    const { text } = parseNote(note)
    return { body, oldSize, proof, note, text, checkpoint: parseCheckpoint(text) }
  } catch (error) {
    if (error instanceof LogError || error instanceof VerifyError) return null
    throw error
  }
}

/** The checks of C2SP tlog-witness, "add-checkpoint", in its order. */
async function judge(log: Watched, request: Request): Promise<WitnessAnswer> {
  const { oldSize, checkpoint, note } = request
  const { origin, size } = checkpoint
  const tell = (kind: WitnessEvent['kind'], message: string) => log.onEvent?.({ kind, origin, size, message })
  if (!(await isSigned(log, note))) {
    tell('refused', 'no known key has signed the checkpoint')
    return plain(403, 'no key known for this log has signed the checkpoint')
  }
  if (oldSize > size) return plain(400, 'the old size is greater than the checkpoint')
  const last = await readWitnessed(log.store, origin)
  if (oldSize !== last.size) {
    tell('refused', `the log continues from ${oldSize} entries, ${last.size} are cosigned`)
    return { status: 409, contentType: 'text/x.tlog.size', body: `${last.size}\n` }
  }
  const conflict = conflictOf(request, last)
  if (conflict) {
    await keepProof(log, request)
    tell('conflict', conflict.message)
    return plain(conflict.status, conflict.message)
  }
  await writeWitnessed(log.store, checkpoint, note)
  const line = await cosign(request.text, log.signer, log.clock.now())
  tell('cosigned', `${size} entries`)
  return plain(200, line)
}

async function isSigned({ keys }: Watched, note: Uint8Array): Promise<boolean> {
  try {
    await verifyNote(note, keys)
    return true
  } catch (error) {
    if (error instanceof VerifyError) return false
    throw error
  }
}

function conflictOf(
  { oldSize, proof, checkpoint }: Request,
  last: WitnessedTree,
): { status: 409 | 422; message: string } | null {
  const { size, rootHash } = checkpoint
  if (oldSize === size && !equalBytes(rootHash, last.rootHash)) {
    return { status: 409, message: `the log has signed two trees of ${size} entries` }
  }
  const message = `the log does not show that its ${size} entries continue the ${oldSize} cosigned before`
  if (oldSize === 0) {
    const sound = proof.length === 0 && (size > 0 || equalBytes(rootHash, emptyRoot()))
    return sound ? null : { status: 422, message }
  }
  try {
    verifyConsistency(oldSize, size, last.rootHash, rootHash, proof)
    return null
  } catch (error) {
    if (error instanceof VerifyError) return { status: 422, message }
    throw error
  }
}

/** The request holds the log's own signature under a tree that contradicts the one cosigned. */
async function keepProof({ store }: Watched, { body, checkpoint }: Request): Promise<void> {
  const kept = await store.names('conflicts')
  if (kept.length >= MAX_CONFLICTS) return
  const { origin, size, rootHash } = checkpoint
  const name = `${nameOfLog(origin)}-${size}-${toHex(rootHash.slice(0, 8))}`
  if (!kept.includes(name)) await store.write(`conflicts/${name}`, body)
}

function plain(status: WitnessAnswer['status'], text: string): WitnessAnswer {
  return { status, contentType: 'text/plain; charset=utf-8', body: text.endsWith('\n') ? text : `${text}\n` }
}
