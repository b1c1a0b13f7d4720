import { fromUtf8, utf8 } from '../../kernel/index.ts'
import { findSignatureLine, makeConsistencyProof, tileHashReader } from '../../verify/index.ts'
import type { VerifierKey, WitnessKey } from '../../verify/index.ts'
import { LogError } from '../errors.ts'
import type { LogFolder } from '../folder.ts'
import { readPublished, readTile } from '../published.ts'
import type { PublishedCheckpoint } from '../published.ts'
import { formatAddCheckpoint } from './add-checkpoint.ts'
import { readLimited } from './witness-http.ts'

/** Greatest length of a witness's answer. */
const MAX_ANSWER_BYTES = 16_384

/** One checkpoint for one witness. */
export interface Question {
  readonly url: string
  readonly key: WitnessKey
  readonly folder: LogFolder
  readonly published: PublishedCheckpoint
  readonly log: VerifierKey
  /** Size of the tree that the witness is thought to have cosigned last. */
  readonly knownSize: number
  readonly signal: AbortSignal
}

/**
 * Asks a witness to cosign (C2SP tlog-witness, "add-checkpoint"); when it remembers another size than was
 * thought, once more from there. Returns its signature line, not verified yet.
 *
 * @throws LogError `ERR_LOG_WITNESS` where it refuses or talks nonsense, `ERR_LOG_WITNESS_CONFLICT` where it
 *   has seen another log; whatever `fetch` throws where it does not answer
 */
export async function askWitness(question: Question): Promise<string> {
  const first = await send(question, Math.min(question.knownSize, question.published.size))
  if (first.size === null) return lineOf(first, question)
  const second = await send(question, await reachable(question, first.size))
  if (second.size !== null) throw refused(question, 'it remembers another size at each question')
  return lineOf(second, question)
}

interface Answer {
  readonly status: number
  readonly body: string
  /** The size that the witness remembers, where it answers with that. */
  readonly size: number | null
}

async function send({ url, folder, published, signal }: Question, oldSize: number): Promise<Answer> {
  const { size, note } = published
  const read = tileHashReader(size, (tile) => readTile(folder, tile))
  const proof = oldSize === 0 || oldSize === size ? [] : await makeConsistencyProof(oldSize, size, read)
  const response = await fetch(`${url.replace(/\/+$/, '')}/add-checkpoint`, {
    method: 'POST',
    headers: { 'content-type': 'text/plain; charset=utf-8' },
    body: new Uint8Array(formatAddCheckpoint({ oldSize, proof, checkpoint: utf8(note) })),
    redirect: 'error',
    signal,
  })
  const bytes = await readLimited(response, MAX_ANSWER_BYTES)
  if (bytes === null)
    throw new LogError('ERR_LOG_WITNESS', 'a witness answers at greater length than allowed')
  const isSize = response.status === 409 && response.headers.get('content-type') === 'text/x.tlog.size'
  const body = textOf(bytes)
  return { status: response.status, body, size: isSize ? sizeOf(body) : null }
}

/** A witness that has seen more than this log ever published has seen another one. */
async function reachable(question: Question, size: number): Promise<number> {
  const { published, folder, log, key } = question
  if (size <= published.size) return size
  const newest = await readPublished(folder, log)
  if (newest && size <= newest.size) throw refused(question, 'the log has grown meanwhile')
  throw new LogError(
    'ERR_LOG_WITNESS_CONFLICT',
    `${key.name} has cosigned ${size} entries, this log has ${published.size}`,
  )
}

function lineOf({ status, body }: Answer, question: Question): string {
  if (status === 409 || status === 422) {
    throw new LogError(
      'ERR_LOG_WITNESS_CONFLICT',
      `${question.key.name} has cosigned another tree than the ${question.published.size} entries of this log continue`,
    )
  }
  if (status !== 200) throw refused(question, `it answers ${status}`)
  const line = findSignatureLine(body, question.key)
  if (line === null) throw refused(question, 'it answers with the signature of another key')
  return line
}

function sizeOf(body: string): number {
  const size = /^(0|[1-9][0-9]{0,15})\n$/.exec(body)?.[1]
  if (size === undefined) throw new LogError('ERR_LOG_WITNESS', 'a witness answers with a size that is none')
  return Number(size)
}

function textOf(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes)
  } catch (cause) {
    throw new LogError('ERR_LOG_WITNESS', 'a witness answers with what is no text', { cause })
  }
}

function refused({ key }: Question, what: string) {
  return new LogError('ERR_LOG_WITNESS', `${key.name} did not cosign: ${what}`)
}
