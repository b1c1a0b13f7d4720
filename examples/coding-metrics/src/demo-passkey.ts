import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto'
import type { StaffRoom } from 'surety'

type Registration = Parameters<StaffRoom['members']['enrol']>[1]

/** The security key of somebody invented, in software: a real key, whose owner is nobody. */
export interface DemoPasskey {
  readonly schema: 1
  readonly registration: Registration
  /** PKCS #8, base64: what a browser's virtual authenticator takes. */
  readonly privateKey: string
}

/** ES256 (RFC 9053 §2.1). */
const ES256 = -7
/** Present, verified, with a credential (WebAuthn §6.1). */
const FLAGS = 0x45

/** Makes a key for a site and answers its challenge, as an authenticator does at registration (WebAuthn §6.5). */
export function createDemoPasskey(
  { id: site, origins }: StaffRoom['passkeys'],
  challenge: Uint8Array,
): DemoPasskey {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const id = randomBytes(16)
  const clientData = {
    type: 'webauthn.create',
    challenge: Buffer.from(challenge).toString('base64url'),
    origin: origins[0],
    crossOrigin: false,
  }
  const authenticatorData = Buffer.concat([
    createHash('sha256').update(site).digest(),
    Buffer.of(FLAGS, 0, 0, 0, 0),
    Buffer.alloc(16),
    Buffer.of(0, id.length),
    id,
  ])
  return {
    schema: 1,
    registration: {
      credential: id.toString('base64url'),
      algorithm: ES256,
      publicKey: publicKey.export({ format: 'der', type: 'spki' }).toString('base64url'),
      authenticatorData: authenticatorData.toString('base64url'),
      clientData: Buffer.from(JSON.stringify(clientData)).toString('base64url'),
    },
    privateKey: privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64'),
  }
}
