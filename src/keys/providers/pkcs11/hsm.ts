import { randomBytes } from 'node:crypto'
import { formatId, isId, parseId } from '../../../kernel/index.ts'
import { frame } from '../../frame.ts'
import {
  CKA,
  CKK_AES,
  CKO_SECRET_KEY,
  CryptokiRefusal,
  words,
  type Attribute,
  type Cryptoki,
} from './cryptoki.ts'
import { HsmFailure } from './protocol.ts'

/** An open session on one token. */
export interface Hsm {
  create(uuid: string, label: string): { serial: string }
  wrap(key: string, plaintext: Uint8Array, context: Uint8Array): Uint8Array
  unwrap(key: string, wrapped: Uint8Array, context: Uint8Array): Uint8Array
  destroy(key: string): void
  list(): { id: string; label: string }[]
}

const FORMAT = 0x01
const NONCE_BYTES = 12
const TAG_BITS = 128
const OVERHEAD_BYTES = 1 + NONCE_BYTES + TAG_BITS / 8
/** Every key of ours carries it, so that `list` leaves the token's other keys out. */
const LABEL_PREFIX = 'surety '

const YES = Buffer.from([1])
const NO = Buffer.from([0])
const KIND: readonly Attribute[] = [
  { type: CKA.class, value: words([CKO_SECRET_KEY]) },
  { type: CKA.keyType, value: words([CKK_AES]) },
  { type: CKA.token, value: YES },
]
/** What a fresh key has to be, as the token itself says after making it. */
const DEMANDED = [
  [CKA.sensitive, 'sensitive', 1],
  [CKA.extractable, 'extractable', 0],
  [CKA.alwaysSensitive, 'always sensitive', 1],
  [CKA.neverExtractable, 'never extractable', 1],
  [CKA.local, 'made on the token', 1],
] as const

const CKR_USER_ALREADY_LOGGED_IN = 0x100
const WRONG_PIN = [0xa0, 0xa1, 0xa2, 0xa3, 0xa4]
/** What `C_Decrypt` says about bytes that the key and the context do not open; SoftHSM says the first. */
const DOES_NOT_OPEN = [0x5, 0x20, 0x21, 0x40, 0x41, 0x42]

/**
 * Logs in to the token with this label.
 *
 * @throws HsmFailure `lost` while the token is absent, `pin` when it refuses the PIN
 */
export function openHsm(cryptoki: Cryptoki, label: string, pin: string): Hsm {
  cryptoki.initialize()
  const found = cryptoki.tokens().filter((token) => token.label === label)
  if (found.length > 1) throw new HsmFailure('config', `${found.length} tokens have the configured label`)
  const [token] = found
  if (!token) throw new HsmFailure('lost', 'no token with the configured label is present')
  const session = cryptoki.openSession(token.slot)
  try {
    cryptoki.login(session, pin)
  } catch (error) {
    if (!(error instanceof CryptokiRefusal)) throw error
    if (WRONG_PIN.includes(error.rv)) throw new HsmFailure('pin', 'the token refuses the PIN')
    if (error.rv !== CKR_USER_ALREADY_LOGGED_IN) throw error
  }
  return operations(cryptoki, session, token.serial)
}

function operations(cryptoki: Cryptoki, session: number, serial: string): Hsm {
  const handlesOf = (uuid: string): number[] =>
    cryptoki.find(session, [...KIND, { type: CKA.id, value: Buffer.from(parseId(uuid)) }])
  /** Looked up each time: another process may have destroyed the key. */
  const handleOf = (key: string): { handle: number; uuid: string } => {
    const { uuid, home } = parseKey(key)
    const [handle] = handlesOf(uuid)
    if (handle !== undefined) return { handle, uuid }
    if (home === serial) throw new HsmFailure('gone', 'the key is not on its token any more')
    throw new HsmFailure('elsewhere', 'the key was made on another token, and this one does not hold it')
  }
  return {
    create(uuid, label) {
      const handle = cryptoki.generateKey(session, templateOf(uuid, label))
      for (const [type, what, expected] of DEMANDED) {
        if (cryptoki.attribute(session, handle, type)[0] === expected) continue
        cryptoki.destroyObject(session, handle)
        throw new HsmFailure('config', `a key of this token is not as demanded: ${what} is not ${expected}`)
      }
      return { serial }
    },
    wrap(key, plaintext, context) {
      const { handle, uuid } = handleOf(key)
      const gcm = gcmOf(randomBytes(NONCE_BYTES), uuid, context)
      const sealed = cryptoki.encrypt(session, handle, gcm, Buffer.from(plaintext))
      return Buffer.concat([Buffer.from([FORMAT]), gcm.iv, sealed])
    },
    unwrap(key, wrapped, context) {
      const { handle, uuid } = handleOf(key)
      if (wrapped.length <= OVERHEAD_BYTES || wrapped[0] !== FORMAT) return refuseWrapped()
      const gcm = gcmOf(Buffer.from(wrapped.subarray(1, 1 + NONCE_BYTES)), uuid, context)
      try {
        return cryptoki.decrypt(session, handle, gcm, Buffer.from(wrapped.subarray(1 + NONCE_BYTES)))
      } catch (error) {
        const opens = error instanceof CryptokiRefusal && error.call === 'C_Decrypt'
        if (opens && DOES_NOT_OPEN.includes(error.rv)) return refuseWrapped()
        throw error
      }
    },
    destroy(key) {
      const { uuid, home } = parseKey(key)
      const handles = handlesOf(uuid)
      if (handles.length === 0 && home !== serial)
        throw new HsmFailure('elsewhere', 'the key was made on another token, and this one does not hold it')
      for (const handle of handles) cryptoki.destroyObject(session, handle)
      if (handlesOf(uuid).length > 0) throw new HsmFailure('lost', 'the token still holds a destroyed key')
    },
    list() {
      return cryptoki.find(session, KIND).flatMap((handle) => {
        const label = cryptoki.attribute(session, handle, CKA.label).toString('utf8')
        const id = cryptoki.attribute(session, handle, CKA.id)
        const uuid = id.length === 16 ? formatId(id) : ''
        if (!label.startsWith(LABEL_PREFIX) || !isId(uuid)) return []
        return [{ id: `${serial}/${uuid}`, label: label.slice(LABEL_PREFIX.length) }]
      })
    },
  }
}

/** A key's id: `<serial number of the token>/<UUID>`. */
function parseKey(key: string): { home: string; uuid: string } {
  const at = key.lastIndexOf('/')
  const uuid = key.slice(at + 1)
  if (at < 0 || !isId(uuid)) throw new HsmFailure('unwrap', 'the provider key id is malformed')
  return { home: key.slice(0, at), uuid }
}

function templateOf(uuid: string, label: string): Attribute[] {
  const text = Buffer.from(`${LABEL_PREFIX}${label}`, 'utf8')
  return [
    ...KIND,
    { type: CKA.id, value: Buffer.from(parseId(uuid)) },
    { type: CKA.label, value: text },
    { type: CKA.valueLen, value: words([32]) },
    ...[CKA.private, CKA.sensitive, CKA.encrypt, CKA.decrypt].map((type) => ({ type, value: YES })),
    ...[CKA.extractable, CKA.modifiable, CKA.wrap, CKA.unwrap, CKA.sign, CKA.verify, CKA.derive].map(
      (type) => ({ type, value: NO }),
    ),
  ]
}

function gcmOf(
  iv: Buffer,
  uuid: string,
  context: Uint8Array,
): { iv: Buffer; associated: Buffer; tagBits: number } {
  return { iv, associated: frame('surety/pkcs11/1', uuid, context), tagBits: TAG_BITS }
}

function refuseWrapped(): never {
  throw new HsmFailure('unwrap', 'what the key wrapped does not open')
}
