import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto'
import { equalBytes, fromUtf8, utf8 } from '../kernel/index.ts'
import { AccessError } from './errors.ts'

/** COSE algorithms (RFC 9053, RFC 8812): ES256, EdDSA, RS256. */
export type PasskeyAlgorithm = -7 | -8 | -257

/** A public key that somebody's authenticator made for this site. */
export interface Passkey {
  /** Credential id, base64url. */
  readonly credential: string
  readonly algorithm: PasskeyAlgorithm
  /** SubjectPublicKeyInfo (DER), base64url. */
  readonly publicKey: string
}

/** What `navigator.credentials.get` gave, each member base64url. */
export interface PasskeyAssertion {
  readonly credential: string
  readonly authenticatorData: string
  readonly clientData: string
  readonly signature: string
}

/** What `navigator.credentials.create` gave: the key as `getPublicKey()` tells it, the rest base64url. */
export interface PasskeyRegistration extends Passkey {
  readonly authenticatorData: string
  readonly clientData: string
}

/** The site that passkeys are bound to. */
export interface RelyingParty {
  /** A host name, without scheme and port. */
  readonly id: string
  /** Where the ceremony may run, such as `https://staff.codetime.example`. */
  readonly origins: readonly string[]
}

/** Bits of the flags in authenticator data (WebAuthn §6.1). */
const USER_PRESENT = 0x01
const USER_VERIFIED = 0x04
const HAS_CREDENTIAL = 0x40
const FLAGS_AT = 32
const LEAST_DATA_BYTES = 37
const CREDENTIAL_AT = 55
/** Base64url characters of any one member: far beyond what an authenticator makes. */
const MOST_TEXT = 16_384

/**
 * Verifies that the holder of `passkey` signed `challenge` for this site, with user verification
 * (WebAuthn §7.2, steps 11 to 20; signature counters are not looked at: synced passkeys keep them at 0).
 *
 * @throws AccessError `ERR_ACCESS_PASSKEY` naming the step
 */
export function verifyAssertion(
  site: RelyingParty,
  passkey: Passkey,
  challenge: Uint8Array,
  assertion: PasskeyAssertion,
): void {
  if (assertion.credential !== passkey.credential) throw refused('another credential answered')
  checkClientData(site, 'webauthn.get', challenge, assertion.clientData)
  const data = checkAuthenticatorData(site, assertion.authenticatorData)
  const clientHash = sha256(bytesOf(assertion.clientData))
  const signed = Buffer.concat([data, clientHash])
  const { key, digest } = readKey(passkey)
  if (!verify(digest, signed, key, bytesOf(assertion.signature)))
    throw refused('the signature does not verify')
}

/**
 * The passkey that a registration made for this site and `challenge`. Without attestation nobody vouches
 * for the authenticator's make: who may register is decided by whoever handed out the challenge.
 *
 * @throws AccessError `ERR_ACCESS_PASSKEY`
 */
export function readRegistration(
  site: RelyingParty,
  challenge: Uint8Array,
  registration: PasskeyRegistration,
): Passkey {
  checkClientData(site, 'webauthn.create', challenge, registration.clientData)
  const data = checkAuthenticatorData(site, registration.authenticatorData)
  const length = data.length >= CREDENTIAL_AT ? data.readUInt16BE(CREDENTIAL_AT - 2) : 0
  const credential = data.subarray(CREDENTIAL_AT, CREDENTIAL_AT + length)
  const named = bytesOf(registration.credential)
  if ((data[FLAGS_AT]! & HAS_CREDENTIAL) === 0 || length === 0 || !equalBytes(credential, named)) {
    throw refused('the credential is not the one that the authenticator made')
  }
  const { algorithm, publicKey } = registration
  const passkey = { credential: registration.credential, algorithm, publicKey }
  readKey(passkey)
  return passkey
}

function checkClientData(site: RelyingParty, type: string, challenge: Uint8Array, text: string): void {
  let said: Record<string, unknown>
  try {
    said = JSON.parse(fromUtf8(bytesOf(text))) as Record<string, unknown>
  } catch {
    throw refused('the client data is no JSON')
  }
  if (said['type'] !== type) throw refused('the client data is of another ceremony')
  if (said['challenge'] !== Buffer.from(challenge).toString('base64url'))
    throw refused('it signs something else')
  if (!site.origins.includes(String(said['origin']))) throw refused('it was made at another origin')
  if (said['crossOrigin'] === true) throw refused('it was made inside a page of another origin')
}

function checkAuthenticatorData(site: RelyingParty, text: string): Buffer {
  const data = bytesOf(text)
  if (data.length < LEAST_DATA_BYTES) throw refused('the authenticator data is too short')
  if (!equalBytes(data.subarray(0, FLAGS_AT), sha256(utf8(site.id))))
    throw refused('it is bound to another site')
  const flags = data[FLAGS_AT]!
  if ((flags & USER_PRESENT) === 0) throw refused('nobody was present')
  if ((flags & USER_VERIFIED) === 0) throw refused('the user was not verified')
  return data
}

/** The key, held against its algorithm: a key of another kind would verify under rules nobody meant. */
function readKey({ algorithm, publicKey }: Passkey): { key: KeyObject; digest: 'sha256' | null } {
  let key: KeyObject
  try {
    key = createPublicKey({ key: bytesOf(publicKey), format: 'der', type: 'spki' })
  } catch {
    throw refused('the public key cannot be read')
  }
  const { namedCurve, modulusLength = 0 } = key.asymmetricKeyDetails ?? {}
  const type = key.asymmetricKeyType
  const fits =
    (algorithm === -7 && type === 'ec' && namedCurve === 'prime256v1') ||
    (algorithm === -8 && type === 'ed25519') ||
    (algorithm === -257 && type === 'rsa' && modulusLength >= 2048)
  if (!fits) throw refused('the public key is not of its algorithm')
  return { key, digest: algorithm === -8 ? null : 'sha256' }
}

function bytesOf(text: unknown): Buffer {
  const plain = typeof text === 'string' && text.length <= MOST_TEXT && /^[A-Za-z0-9_-]*$/.test(text)
  if (!plain) throw refused('a member is not base64url')
  return Buffer.from(text, 'base64url')
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest()
}

function refused(why: string): Error {
  return new AccessError('ERR_ACCESS_PASSKEY', `the passkey’s answer is refused: ${why}`)
}
