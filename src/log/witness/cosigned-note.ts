import { concatBytes, utf8 } from '../../kernel/index.ts'
import { isWitnessedPath, witnessedPath } from '../../verify/index.ts'
import type { WitnessKey } from '../../verify/index.ts'
import type { LogFolder } from '../folder.ts'

/** Cosignatures served with one checkpoint: signed-note makes readers accept 16 signatures, the log's among them. */
const MAX_COSIGNATURES = 15

/** Publishes the newest checkpoint that a witness has cosigned: the log's note and the witness's line. */
export function writeCosigned(folder: LogFolder, key: WitnessKey, note: string, line: string): Promise<void> {
  return folder.write(witnessedPath(key), utf8(note + line))
}

/** The cosignature lines that witnesses have given on this very note; empty while they have not. */
export async function readCosignatureLines(folder: LogFolder, note: Uint8Array): Promise<Uint8Array> {
  const lines: Uint8Array[] = []
  for (const name of (await folder.names('witnessed')).toSorted()) {
    const path = `witnessed/${name}`
    const cosigned = isWitnessedPath(path) ? await folder.read(path) : null
    if (cosigned && startsWith(cosigned, note)) lines.push(cosigned.subarray(note.length))
  }
  return concatBytes(...lines.slice(0, MAX_COSIGNATURES))
}

function startsWith(bytes: Uint8Array, start: Uint8Array): boolean {
  return bytes.length > start.length && Buffer.compare(bytes.subarray(0, start.length), start) === 0
}
