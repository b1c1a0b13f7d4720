import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server'

/** What a test bends of an otherwise right answer. */
export interface BentAnswer {
  readonly origin?: string
  /** RP id that the device believes to answer. */
  readonly site?: string
  /** 0x01: somebody was there; 0x04: the device has checked who. */
  readonly flags?: number
  readonly type?: string
  readonly counter?: number
  /** Id of the passkey that the answer names. */
  readonly id?: string
}

/** A device with one passkey, in software: real keys and signatures, and it asks nobody. */
export interface PasskeyDevice {
  readonly id: string
  create(challenge: string, bent?: BentAnswer): RegistrationResponseJSON
  get(challenge: string, bent?: BentAnswer): AuthenticationResponseJSON
}

const PRESENT_AND_CHECKED = 0x05
const HAS_KEY = 0x40

export function createPasskeyDevice(origin: string): PasskeyDevice {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' })
  const raw = randomBytes(16)
  const id = raw.toString('base64url')
  const clientData = (type: string, challenge: string, bent: BentAnswer): Buffer =>
    Buffer.from(
      JSON.stringify({
        type: bent.type ?? type,
        challenge,
        origin: bent.origin ?? origin,
        crossOrigin: false,
      }),
    )
  const head = (more: number, bent: BentAnswer): Buffer => {
    const counter = Buffer.alloc(4)
    counter.writeUInt32BE(bent.counter ?? 0)
    const flags = Buffer.of((bent.flags ?? PRESENT_AND_CHECKED) | more)
    return Buffer.concat([sha256(bent.site ?? new URL(origin).hostname), flags, counter])
  }
  const common = { rawId: id, type: 'public-key', clientExtensionResults: {} } as const
  return {
    id,
    create(challenge, bent = {}) {
      const key = coseKey(Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url'))
      const data = Buffer.concat([head(HAS_KEY, bent), Buffer.alloc(16), Buffer.of(0, raw.length), raw, key])
      const response = {
        clientDataJSON: clientData('webauthn.create', challenge, bent).toString('base64url'),
        attestationObject: attestation(data).toString('base64url'),
      }
      return { ...common, id, response }
    },
    get(challenge, bent = {}) {
      const data = head(0, bent)
      const client = clientData('webauthn.get', challenge, bent)
      const named = bent.id ?? id
      const response = {
        clientDataJSON: client.toString('base64url'),
        authenticatorData: data.toString('base64url'),
        signature: sign('sha256', Buffer.concat([data, sha256(client)]), privateKey).toString('base64url'),
      }
      return { ...common, id: named, rawId: named, response }
    },
  }
}

/** An ES256 key in COSE (RFC 9053 §7.1.1): a map of kty, alg, crv, x and y. */
function coseKey(x: Buffer, y: Buffer): Buffer {
  return Buffer.concat([
    Buffer.of(0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20),
    x,
    Buffer.of(0x22, 0x58, 0x20),
    y,
  ])
}

/** An attestation object of the format `none` (WebAuthn Level 3 §8.7). */
function attestation(data: Buffer): Buffer {
  const text = (word: string): Buffer => Buffer.concat([Buffer.of(0x60 + word.length), Buffer.from(word)])
  const length = Buffer.of(0x59, data.length >> 8, data.length & 0xff)
  const parts = [text('fmt'), text('none'), text('attStmt'), Buffer.of(0xa0), text('authData'), length, data]
  return Buffer.concat([Buffer.of(0xa3), ...parts])
}

function sha256(bytes: Uint8Array | string): Buffer {
  return createHash('sha256').update(bytes).digest()
}
