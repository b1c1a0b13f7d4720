import { concatBytes, equalBytes, utf8 } from '../kernel/index.ts'
import { parseCheckpoint } from './checkpoint.ts'
import { VerifyError } from './errors.ts'
import {
  createKey,
  formatKey,
  formatSignature,
  parseKey,
  parseNote,
  parseSignature,
  SIGNATURE_TYPE,
  verifyEd25519,
} from './note.ts'
import type { NoteSignature, NoteSigner, VerifierKey } from './note.ts'

const TIMESTAMP_BYTES = 8

/** A witness's key: Ed25519, signature type 0x04 (C2SP tlog-cosignature, "Format"). */
export interface WitnessKey extends VerifierKey {
  /** Sets it apart from the key of a log, whose signatures mean something else. */
  readonly cosigns: true
}

/** What cosigns checkpoints: the private key stays behind `sign`. */
export interface WitnessSigner extends NoteSigner {
  readonly key: WitnessKey
}

/** A verified statement of a witness: of all trees of this log that it has seen, this is the largest. */
export interface Cosignature {
  readonly key: WitnessKey
  /** When the witness says it signed, in Unix milliseconds; whole seconds. */
  readonly atMs: number
}

/** The key of a witness. @throws VerifyError `ERR_VERIFY_VKEY` */
export function createWitnessKey(name: string, publicKey: Uint8Array): WitnessKey {
  return { ...createKey(SIGNATURE_TYPE.cosignature, name, publicKey), cosigns: true }
}

/** Text of a witness's key: `name+keyid+base64`. */
export function formatWitnessKey(key: WitnessKey): string {
  return formatKey(SIGNATURE_TYPE.cosignature, key)
}

/**
 * Reads a witness's key; one trailing newline is allowed.
 * @throws VerifyError `ERR_VERIFY_VKEY` for anything but a cosigner's Ed25519 key whose id fits
 */
export function parseWitnessKey(text: string): WitnessKey {
  return { ...parseKey(SIGNATURE_TYPE.cosignature, text), cosigns: true }
}

/**
 * Cosigns a checkpoint: the signature line, with its newline (C2SP tlog-cosignature, "Ed25519 signed message").
 *
 * @param text the checkpoint's note text
 * @param atMs Unix milliseconds; the line holds whole seconds
 * @throws VerifyError `ERR_VERIFY_CHECKPOINT`
 */
export async function cosign(text: string, signer: WitnessSigner, atMs: number): Promise<string> {
  parseCheckpoint(text)
  const seconds = Math.floor(atMs / 1000)
  const signature = await signer.sign(messageOf(text, seconds))
  return formatSignature(signer.key, concatBytes(timestampOf(seconds), signature))
}

/**
 * The cosignatures of the given witnesses on a signed checkpoint, the newest of each. Signatures of others
 * are ignored, the log's own among them: {@link openCheckpoint} is for that.
 *
 * @throws VerifyError `ERR_VERIFY_NOTE`, `ERR_VERIFY_CHECKPOINT`; `ERR_VERIFY_SIGNATURE` where one of a
 *   given witness does not verify (C2SP signed-note, "Signatures")
 * @throws VerifyRunError `ERR_VERIFY_RUN_CRYPTO`
 */
export async function readCosignatures(
  note: Uint8Array,
  witnesses: readonly WitnessKey[],
): Promise<Cosignature[]> {
  const { text, signatures } = parseNote(note)
  parseCheckpoint(text)
  const newest = new Map<WitnessKey, Cosignature>()
  for (const signature of signatures) {
    const key = witnesses.find((known) => isOf(signature, known))
    if (!key) continue
    const cosignature = await verifyCosignature(text, signature, key)
    if (cosignature.atMs >= (newest.get(key)?.atMs ?? 0)) newest.set(key, cosignature)
  }
  return [...newest.values()]
}

/**
 * The signature line of a witness among lines that it answered with; null where there is none. Not
 * verified yet.
 * @throws VerifyError `ERR_VERIFY_NOTE`
 */
export function findSignatureLine(lines: string, key: WitnessKey): string | null {
  if (!lines.endsWith('\n')) throw new VerifyError('ERR_VERIFY_NOTE', 'the signature lines do not end')
  for (const line of lines.slice(0, -1).split('\n')) {
    if (isOf(parseSignature(line), key)) return `${line}\n`
  }
  return null
}

function isOf(signature: NoteSignature, key: WitnessKey): boolean {
  return signature.name === key.name && equalBytes(signature.keyId, key.keyId)
}

async function verifyCosignature(
  text: string,
  { signature }: NoteSignature,
  key: WitnessKey,
): Promise<Cosignature> {
  const bytes = new Uint8Array(signature)
  const seconds = bytes.length > TIMESTAMP_BYTES ? new DataView(bytes.buffer).getBigUint64(0) : -1n
  const valid =
    seconds >= 0n &&
    // A date that JavaScript can hold; the specification's own limit is 2^63 - 1.
    seconds <= 8_640_000_000_000n &&
    (await verifyEd25519(key.publicKey, bytes.slice(TIMESTAMP_BYTES), messageOf(text, Number(seconds))))
  if (!valid) throw new VerifyError('ERR_VERIFY_SIGNATURE', `the cosignature of ${key.name} does not verify`)
  return { key, atMs: Number(seconds) * 1000 }
}

function messageOf(text: string, seconds: number): Uint8Array {
  return utf8(`cosignature/v1\ntime ${seconds}\n${text}`)
}

function timestampOf(seconds: number): Uint8Array {
  const bytes = new Uint8Array(TIMESTAMP_BYTES)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(seconds))
  return bytes
}
