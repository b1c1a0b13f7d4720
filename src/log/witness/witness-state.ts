import { fromBase64, fromUtf8, toBase64, toHex, utf8 } from '../../kernel/index.ts'
import { emptyRoot, HASH_BYTES, hashBytes } from '../../verify/index.ts'
import type { Checkpoint } from '../../verify/index.ts'
import { LogError } from '../errors.ts'
import type { LogFolder } from '../folder.ts'

/** The largest tree of one log that a witness has cosigned. */
export interface WitnessedTree {
  readonly size: number
  readonly rootHash: Uint8Array
}

const SCHEMA = 1

/** Files of one log are named after its origin's hash: an origin is no file name. */
export function nameOfLog(origin: string): string {
  return toHex(hashBytes(utf8(origin)).slice(0, 16))
}

/**
 * The tree cosigned last; the empty one for a log never cosigned.
 * @throws LogError `ERR_LOG_WITNESS_STATE`: what a witness has signed must not be forgotten
 */
export async function readWitnessed(folder: LogFolder, origin: string): Promise<WitnessedTree> {
  const bytes = await folder.read(fileOf(origin))
  if (bytes === null) return { size: 0, rootHash: emptyRoot() }
  try {
    const state = Object(JSON.parse(fromUtf8(bytes))) as Record<string, unknown>
    const rootHash = fromBase64(String(state['rootHash']))
    const { schema, size } = state
    const whole = schema === SCHEMA && state['origin'] === origin && rootHash?.length === HASH_BYTES
    if (whole && typeof size === 'number' && Number.isSafeInteger(size) && size >= 0)
      return { size, rootHash }
  } catch (cause) {
    throw unreadable(origin, cause)
  }
  throw unreadable(origin)
}

/** Durable when it resolves. */
export async function writeWitnessed(
  folder: LogFolder,
  { origin, size, rootHash }: Checkpoint,
  note: Uint8Array,
): Promise<void> {
  const state = { schema: SCHEMA, origin, size, rootHash: toBase64(rootHash), checkpoint: fromUtf8(note) }
  await folder.write(fileOf(origin), utf8(`${JSON.stringify(state, null, 2)}\n`))
}

function fileOf(origin: string): string {
  return `logs/${nameOfLog(origin)}.json`
}

function unreadable(origin: string, cause?: unknown) {
  return new LogError('ERR_LOG_WITNESS_STATE', `the state of the log ${origin} cannot be read`, { cause })
}
