import { createPublicKey } from 'node:crypto'
import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server'
import { createSoftAuthenticator, type Bent } from '../../access/testing/soft-authenticator.ts'

/** What a test bends of an otherwise right answer. */
export interface BentAnswer extends Bent {
  /** Id of the passkey that the answer names. */
  readonly id?: string
}

/** An authenticator in software that answers as a browser does, to one with its key. */
export interface PasskeyDevice {
  readonly id: string
  create(challenge: string, bent?: BentAnswer): RegistrationResponseJSON
  get(challenge: string, bent?: BentAnswer): AuthenticationResponseJSON
}

export function createPasskeyDevice(origin: string): PasskeyDevice {
  const site = { id: new URL(origin).hostname, origins: [origin] }
  const authenticator = createSoftAuthenticator(site)
  const { credential: id, publicKey } = authenticator.create(new Uint8Array())
  const common = { type: 'public-key', clientExtensionResults: {} } as const
  return {
    id,
    create(challenge, bent) {
      const made = authenticator.create(Buffer.from(challenge, 'base64url'), bent)
      const data = Buffer.concat([Buffer.from(made.authenticatorData, 'base64url'), coseKey(publicKey)])
      const response = {
        clientDataJSON: made.clientData,
        attestationObject: attestation(data).toString('base64url'),
      }
      return { ...common, id, rawId: id, response }
    },
    get(challenge, bent) {
      const made = authenticator.get(Buffer.from(challenge, 'base64url'), bent)
      const named = bent?.id ?? id
      const { authenticatorData, clientData: clientDataJSON, signature } = made
      return {
        ...common,
        id: named,
        rawId: named,
        response: { clientDataJSON, authenticatorData, signature },
      }
    },
  }
}

/** An ES256 key in COSE (RFC 9053 §7.1.1): a map of kty, alg, crv, x and y. */
function coseKey(spki: string): Buffer {
  const key = createPublicKey({ key: Buffer.from(spki, 'base64url'), format: 'der', type: 'spki' })
  const { x = '', y = '' } = key.export({ format: 'jwk' })
  return Buffer.concat([
    Buffer.of(0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20),
    Buffer.from(x, 'base64url'),
    Buffer.of(0x22, 0x58, 0x20),
    Buffer.from(y, 'base64url'),
  ])
}

/** An attestation object of the format `none` (WebAuthn Level 3 §8.7). */
function attestation(data: Buffer): Buffer {
  const text = (word: string): Buffer => Buffer.concat([Buffer.of(0x60 + word.length), Buffer.from(word)])
  const length = Buffer.of(0x59, data.length >> 8, data.length & 0xff)
  const parts = [text('fmt'), text('none'), text('attStmt'), Buffer.of(0xa0), text('authData'), length, data]
  return Buffer.concat([Buffer.of(0xa3), ...parts])
}
