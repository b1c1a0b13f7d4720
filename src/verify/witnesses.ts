import { equalBytes, toHex, utf8 } from '../kernel/index.ts'
import { openCheckpoint } from './checkpoint.ts'
import type { Checkpoint } from './checkpoint.ts'
import { formatWitnessKey, parseWitnessKey, readCosignatures } from './cosignature.ts'
import type { Cosignature, WitnessKey } from './cosignature.ts'
import { VerifyError, VerifyRunError } from './errors.ts'
import { LIMITS } from './limits.ts'
import { parseNote } from './note.ts'
import type { VerifierKey } from './note.ts'
import type { LogCopy, SignedCheckpoint } from './read-log.ts'
import type { SecurityPage } from './security-page.ts'
import { EVIDENCE_PATH } from './source.ts'
import type { Source } from './source.ts'

/** A witness that was asked for, and what it has confirmed; plain data. */
export interface WitnessReport {
  readonly name: string
  readonly vkey: string
  /** Entries of the largest tree it has cosigned. */
  readonly size: number
  /** When it says it did, UTC. */
  readonly cosignedAt: string
}

/** Path, below the log's, of the newest checkpoint that a witness has cosigned. */
export function witnessedPath(key: WitnessKey): string {
  return `witnessed/${toHex(key.keyId)}`
}

/** True for a path that {@link witnessedPath} makes. */
export function isWitnessedPath(path: string): boolean {
  return /^witnessed\/[0-9a-f]{8}$/.test(path)
}

/** Reads the keys of the witnesses asked for, each once. @throws VerifyRunError `ERR_VERIFY_RUN_VKEY` */
export function parseWitnesses(vkeys: readonly string[]): WitnessKey[] {
  return [...new Set(vkeys.map((vkey) => vkey.trim()))].map((vkey) => {
    try {
      return parseWitnessKey(vkey)
    } catch (cause) {
      if (!(cause instanceof VerifyError)) throw cause
      throw new VerifyRunError(
        'ERR_VERIFY_RUN_VKEY',
        `the key of a witness cannot be read: ${cause.message}`,
        {
          cause,
        },
      )
    }
  })
}

/** What is known of a log when its witnesses are looked at. */
export interface WitnessedLog {
  readonly source: Source
  readonly key: VerifierKey
  readonly copy: LogCopy
  readonly checkpoint: SignedCheckpoint
  /** Reads on in the log, which must have at least `size` entries by now. */
  catchUp(size: number, who: string): Promise<WitnessedLog>
  pause(ms: number): Promise<void>
  /** Unix milliseconds. */
  readonly now: number
}

/**
 * Holds a log, read whole, against what a witness has cosigned: all of it. Entries that it has not seen
 * yet are waited for: whoever shows a fork could date them as he likes, and put them behind any
 * checkpoint of the past that was cosigned.
 *
 * @throws VerifyError `ERR_VERIFY_UNWITNESSED`, `ERR_VERIFY_FORK`, `ERR_VERIFY_SIGNATURE`, and those of {@link openCheckpoint}
 */
export async function checkWitness(before: WitnessedLog, witness: WitnessKey): Promise<WitnessReport> {
  let log = before
  for (let tries = 0; ; tries++) {
    const onNewest = await cosignatureOn(utf8(log.checkpoint.note), witness, log.now)
    if (onNewest) return reportOf(onNewest, log.checkpoint.size)
    const { cosignature, seen } = await readWitnessed(log, witness)
    // The log may have grown, and been cosigned, since its checkpoint was read.
    if (seen.size > log.checkpoint.size) log = await log.catchUp(seen.size, witness.name)
    if (!equalBytes(log.copy.tree.root(seen.size), seen.rootHash)) {
      throw new VerifyError('ERR_VERIFY_FORK', `${witness.name} has cosigned other entries than those shown`)
    }
    if (seen.size === log.checkpoint.size) return reportOf(cosignature, seen.size)
    if (tries === LIMITS.witnessTries) {
      throw new VerifyError(
        'ERR_VERIFY_UNWITNESSED',
        `${witness.name} has cosigned ${seen.size} entries of ${log.checkpoint.size}`,
      )
    }
    await log.pause(LIMITS.witnessPauseMs)
  }
}

/** The newest checkpoint of this log that the witness has cosigned, as the site serves it. */
async function readWitnessed(
  { source, key, now }: WitnessedLog,
  witness: WitnessKey,
): Promise<{ cosignature: Cosignature; seen: Checkpoint }> {
  const note = await source.get(EVIDENCE_PATH + witnessedPath(witness), LIMITS.maxCheckpointBytes)
  const cosignature = note && (await cosignatureOn(note, witness, now))
  if (!note || !cosignature) {
    throw new VerifyError('ERR_VERIFY_UNWITNESSED', `${witness.name} has cosigned no checkpoint of this log`)
  }
  return { cosignature, seen: await openCheckpoint(note, key) }
}

async function cosignatureOn(
  note: Uint8Array,
  witness: WitnessKey,
  now: number,
): Promise<Cosignature | null> {
  const [cosignature] = await readCosignatures(note, [witness])
  if (!cosignature) return null
  if (cosignature.atMs > now + LIMITS.maxFutureMs) {
    throw new VerifyError('ERR_VERIFY_SIGNATURE', `the cosignature of ${witness.name} is dated in the future`)
  }
  return cosignature
}

function reportOf({ key, atMs }: Cosignature, size: number): WitnessReport {
  return { name: key.name, vkey: formatWitnessKey(key), size, cosignedAt: new Date(atMs).toISOString() }
}

/**
 * Holds what the page says of its witnesses against its own checkpoint. Returns what a reader should know.
 * @throws VerifyError `ERR_VERIFY_PAGE_CLAIM`
 */
export async function checkWitnessClaim(
  page: SecurityPage,
  log: VerifierKey,
  asked: readonly WitnessKey[],
): Promise<string[]> {
  if (!page.witnessed) return []
  if (parseNote(utf8(page.checkpoint)).signatures.every(({ name }) => name === log.name)) {
    throw claimed('the page says that a witness has cosigned, its checkpoint has no other signature')
  }
  const named = page.witnesses.map(readNamed)
  const found = await readCosignatures(utf8(page.checkpoint), named).catch((cause: unknown) => {
    throw cause instanceof VerifyError ? claimed(cause.message) : cause
  })
  const missing = named.find((key) => !found.some((cosignature) => cosignature.key === key))
  if (missing)
    throw claimed(`the page names ${missing.name} as a witness, its checkpoint lacks that cosignature`)
  const known = new Set(asked.map(formatWitnessKey))
  const unasked = page.witnesses.filter((vkey) => !known.has(vkey))
  if (unasked.length > 0) {
    return [`the page names as its witness ${unasked.join(', ')}: if you trust it, ask for it with --witness`]
  }
  return named.length > 0 ? [] : ['the page says that a witness has cosigned, and does not say who']
}

function readNamed(vkey: string): WitnessKey {
  try {
    return parseWitnessKey(vkey)
  } catch (cause) {
    if (cause instanceof VerifyError) throw claimed('the page names a witness whose key cannot be read')
    throw cause
  }
}

function claimed(message: string) {
  return new VerifyError('ERR_VERIFY_PAGE_CLAIM', message)
}
