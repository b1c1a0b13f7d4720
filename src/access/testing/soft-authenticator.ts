import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto'
import type { PasskeyAlgorithm, PasskeyAssertion, PasskeyRegistration, RelyingParty } from '../passkey.ts'

/** What a test bends of an otherwise right answer. */
export interface Bent {
  /** 0x01: somebody was there; 0x04: the device has checked who. Default both. */
  readonly flags?: number
  readonly origin?: string
  /** Id of the site that the device believes to answer. */
  readonly site?: string
  readonly type?: string
  readonly crossOrigin?: boolean
  /** How often the key has signed; default 0. */
  readonly counter?: number
}

/** A real authenticator in software: it makes real keys and real signatures, and asks nobody. */
export interface SoftAuthenticator {
  create(challenge: Uint8Array, bent?: Bent): PasskeyRegistration
  get(challenge: Uint8Array, bent?: Bent): PasskeyAssertion
}

/** User present and verified (WebAuthn Level 3 §6.1). */
const PRESENT_AND_VERIFIED = 0x05
/** A credential follows. */
const HAS_CREDENTIAL = 0x40

export function createSoftAuthenticator(
  site: RelyingParty,
  algorithm: PasskeyAlgorithm = -7,
): SoftAuthenticator {
  const { publicKey, privateKey } = makeKeys(algorithm)
  const id = randomBytes(16)
  const credential = id.toString('base64url')
  const clientData = (type: string, challenge: Uint8Array, bent: Bent): Buffer =>
    Buffer.from(
      JSON.stringify({
        type: bent.type ?? type,
        challenge: Buffer.from(challenge).toString('base64url'),
        origin: bent.origin ?? site.origins[0],
        crossOrigin: bent.crossOrigin ?? false,
      }),
    )
  const head = (more: number, bent: Bent): Buffer => {
    const counter = Buffer.alloc(4)
    counter.writeUInt32BE(bent.counter ?? 0)
    const flags = Buffer.of((bent.flags ?? PRESENT_AND_VERIFIED) | more)
    return Buffer.concat([sha256(Buffer.from(bent.site ?? site.id)), flags, counter])
  }
  return {
    create(challenge, bent = {}) {
      const data = Buffer.concat([head(HAS_CREDENTIAL, bent), Buffer.alloc(16), Buffer.of(0, id.length), id])
      return {
        credential,
        algorithm,
        publicKey: publicKey.export({ format: 'der', type: 'spki' }).toString('base64url'),
        authenticatorData: data.toString('base64url'),
        clientData: clientData('webauthn.create', challenge, bent).toString('base64url'),
      }
    },
    get(challenge, bent = {}) {
      const data = head(0, bent)
      const client = clientData('webauthn.get', challenge, bent)
      const signed = Buffer.concat([data, sha256(client)])
      return {
        credential,
        authenticatorData: data.toString('base64url'),
        clientData: client.toString('base64url'),
        signature: sign(algorithm === -8 ? null : 'sha256', signed, privateKey).toString('base64url'),
      }
    },
  }
}

function makeKeys(algorithm: PasskeyAlgorithm): { publicKey: KeyObject; privateKey: KeyObject } {
  if (algorithm === -8) return generateKeyPairSync('ed25519')
  if (algorithm === -257) return generateKeyPairSync('rsa', { modulusLength: 2048 })
  return generateKeyPairSync('ec', { namedCurve: 'P-256' })
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest()
}
