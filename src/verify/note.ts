import { concatBytes, equalBytes, fromBase64, fromUtf8, toBase64, toHex, utf8 } from '../kernel/index.ts'
import { VerifyError, VerifyRunError } from './errors.ts'
import { LIMITS } from './limits.ts'
import { hashBytes } from './hash-bytes.ts'

/** Signature types (C2SP signed-note, "Signature types"). */
export const SIGNATURE_TYPE = { ed25519: 0x01, cosignature: 0x04 } as const
type SignatureType = (typeof SIGNATURE_TYPE)[keyof typeof SIGNATURE_TYPE]

const SIGNATURE_BYTES = 64
const PUBLIC_KEY_BYTES = 32

/** A verifier key, `vkey` for short (C2SP signed-note, "Verifier keys"). */
export interface VerifierKey {
  readonly name: string
  /** Four bytes; with the name they identify the key. */
  readonly keyId: Uint8Array
  /** 32 bytes (RFC 8032 §5.1.5). */
  readonly publicKey: Uint8Array
}

/** One signature line, not yet verified. */
export interface NoteSignature {
  readonly name: string
  readonly keyId: Uint8Array
  readonly signature: Uint8Array
}

/** A note split into its parts. Nothing in it may be believed before {@link verifyNote}. */
export interface Note {
  /** The signed text, its final newline included. */
  readonly text: string
  readonly signatures: readonly NoteSignature[]
}

/** What signs notes: the private key stays behind `sign`. */
export interface NoteSigner {
  readonly key: VerifierKey
  /** Ed25519 over the bytes (RFC 8032 §5.1.6): 64 bytes. */
  sign(bytes: Uint8Array): Promise<Uint8Array>
}

/**
 * The key of an Ed25519 public key under a name.
 * @throws VerifyError `ERR_VERIFY_VKEY` for an empty name, or one with spaces, plus or control characters
 */
export function createVerifierKey(name: string, publicKey: Uint8Array): VerifierKey {
  return createKey(SIGNATURE_TYPE.ed25519, name, publicKey)
}

/** Text of a verifier key: `name+keyid+base64`. */
export function formatVerifierKey(key: VerifierKey): string {
  return formatKey(SIGNATURE_TYPE.ed25519, key)
}

/**
 * Reads a verifier key; one trailing newline is allowed.
 * @throws VerifyError `ERR_VERIFY_VKEY` for anything but an Ed25519 key whose id fits
 */
export function parseVerifierKey(text: string): VerifierKey {
  return parseKey(SIGNATURE_TYPE.ed25519, text)
}

/** A key of one signature type: the type is part of its id. @throws VerifyError `ERR_VERIFY_VKEY` */
export function createKey(type: SignatureType, name: string, publicKey: Uint8Array): VerifierKey {
  if (!isKeyName(name))
    throw new VerifyError('ERR_VERIFY_VKEY', 'a key name is not empty and has no space or plus')
  if (publicKey.length !== PUBLIC_KEY_BYTES) {
    throw new VerifyError('ERR_VERIFY_VKEY', `an Ed25519 public key has 32 bytes, not ${publicKey.length}`)
  }
  const hash = hashBytes(concatBytes(utf8(name), Uint8Array.of(0x0a, type), publicKey))
  return { name, keyId: hash.slice(0, 4), publicKey: new Uint8Array(publicKey) }
}

/** Text of a key of one signature type. */
export function formatKey(type: SignatureType, key: VerifierKey): string {
  return `${key.name}+${toHex(key.keyId)}+${toBase64(concatBytes(Uint8Array.of(type), key.publicKey))}`
}

/** Reads a key of one signature type. @throws VerifyError `ERR_VERIFY_VKEY` */
export function parseKey(type: SignatureType, text: string): VerifierKey {
  const match = /^([^+\n]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)\n?$/.exec(text)
  const material = match && text.length <= LIMITS.maxVkeyBytes ? fromBase64(match[3]!) : null
  if (!match || !material) throw new VerifyError('ERR_VERIFY_VKEY', 'this is not a verifier key')
  if (material[0] !== type) {
    throw new VerifyError(
      'ERR_VERIFY_VKEY',
      `the verifier key is not of type 0x0${type}: ${TYPE_WORDS[type]}`,
    )
  }
  const key = createKey(type, match[1]!, material.slice(1))
  if (toHex(key.keyId) !== match[2]) {
    throw new VerifyError('ERR_VERIFY_VKEY', 'the id of the verifier key does not fit its name and key')
  }
  return key
}

const TYPE_WORDS: Readonly<Record<SignatureType, string>> = {
  [SIGNATURE_TYPE.ed25519]: 'Ed25519, what logs sign with',
  [SIGNATURE_TYPE.cosignature]: 'Ed25519 cosignatures, what witnesses sign with',
}

/**
 * Splits a signed note (C2SP signed-note, "Format").
 * @throws VerifyError `ERR_VERIFY_NOTE`
 */
export function parseNote(bytes: Uint8Array): Note {
  if (bytes.length > LIMITS.maxCheckpointBytes) throw malformed('the note is too long')
  const whole = textOf(bytes)
  const split = whole.lastIndexOf('\n\n')
  if (split < 0 || !whole.endsWith('\n')) throw malformed('the note has no signatures')
  const lines = whole.slice(split + 2, -1).split('\n')
  if (lines.length > LIMITS.maxSignatures) throw malformed('the note has too many signatures')
  return { text: whole.slice(0, split + 1), signatures: lines.map(parseSignature) }
}

/**
 * The text of a note that at least one of the given keys signed. Signatures of other keys are
 * ignored; one of a known key that does not verify refuses the whole note (C2SP signed-note, "Signatures").
 *
 * @throws VerifyError `ERR_VERIFY_NOTE`, `ERR_VERIFY_SIGNATURE`
 * @throws VerifyRunError `ERR_VERIFY_RUN_CRYPTO`
 */
export async function verifyNote(
  bytes: Uint8Array,
  keys: readonly VerifierKey[],
): Promise<{ text: string; signedBy: readonly VerifierKey[] }> {
  const note = parseNote(bytes)
  const message = utf8(note.text)
  const signedBy: VerifierKey[] = []
  for (const { name, keyId, signature } of note.signatures) {
    const key = keys.find((known) => known.name === name && equalBytes(known.keyId, keyId))
    if (!key) continue
    if (!(await verifyEd25519(key.publicKey, signature, message))) {
      throw new VerifyError('ERR_VERIFY_SIGNATURE', `the signature of ${name} does not verify`)
    }
    if (!signedBy.includes(key)) signedBy.push(key)
  }
  if (signedBy.length === 0) throw new VerifyError('ERR_VERIFY_SIGNATURE', 'no known key has signed the note')
  return { text: note.text, signedBy }
}

/**
 * Signs a text into a note.
 * @throws VerifyError `ERR_VERIFY_NOTE` for a text that is no note text
 */
export async function signNote(text: string, signer: NoteSigner): Promise<string> {
  if (!isNoteText(text)) throw malformed('a note text ends in a newline and has no other control characters')
  const signature = await signer.sign(utf8(text))
  return `${text}\n${formatSignature(signer.key, signature)}`
}

/** A signature line with its newline (C2SP signed-note, "Format"). */
export function formatSignature({ name, keyId }: VerifierKey, signature: Uint8Array): string {
  return `— ${name} ${toBase64(concatBytes(keyId, signature))}\n`
}

/** Reads a signature line, without its newline. @throws VerifyError `ERR_VERIFY_NOTE` */
export function parseSignature(line: string): NoteSignature {
  const match = /^— ([^ ]+) ([A-Za-z0-9+/=]+)$/.exec(line)
  const bytes = match ? fromBase64(match[2]!) : null
  if (!match || !bytes || bytes.length < 5 || !isKeyName(match[1]!))
    throw malformed('a signature line is malformed')
  return { name: match[1]!, keyId: bytes.slice(0, 4), signature: bytes.slice(4) }
}

function textOf(bytes: Uint8Array): string {
  let text: string
  try {
    text = fromUtf8(bytes)
  } catch (cause) {
    throw new VerifyError('ERR_VERIFY_NOTE', 'the note is not UTF-8', { cause })
  }
  if (hasControlCharacters(text)) throw malformed('the note has control characters')
  return text
}

function isNoteText(text: string): boolean {
  return text.endsWith('\n') && text.isWellFormed() && !hasControlCharacters(text)
}

function hasControlCharacters(text: string): boolean {
  // eslint-disable-next-line no-control-regex
  return /[\u0000-\u0009\u000b-\u001f]/.test(text)
}

function isKeyName(name: string): boolean {
  return name.length > 0 && name.isWellFormed() && !/[\s+\u0085]/u.test(name) && !hasControlCharacters(name)
}

/** RFC 8032 §5.1.7. @throws VerifyRunError `ERR_VERIFY_RUN_CRYPTO` */
export async function verifyEd25519(
  publicKey: Uint8Array,
  signature: Uint8Array,
  message: Uint8Array,
): Promise<boolean> {
  if (signature.length !== SIGNATURE_BYTES) return false
  // Absent outside secure contexts, whatever its type says.
  const subtle = globalThis.crypto?.subtle as SubtleCrypto | undefined
  if (!subtle) throw new VerifyRunError('ERR_VERIFY_RUN_CRYPTO', 'WebCrypto is not available here')
  let key: CryptoKey
  try {
    key = await subtle.importKey('raw', new Uint8Array(publicKey), 'Ed25519', false, ['verify'])
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'NotSupportedError') {
      throw new VerifyRunError('ERR_VERIFY_RUN_CRYPTO', 'WebCrypto has no Ed25519 here', { cause })
    }
    return false
  }
  return subtle.verify('Ed25519', key, new Uint8Array(signature), new Uint8Array(message))
}

function malformed(message: string) {
  return new VerifyError('ERR_VERIFY_NOTE', message)
}
