/**
 * PKCS#11 2.40 by its C interface, as little of it as a key provider needs. Calls block: only the
 * process of `hsm-process.ts` makes them. Linux and macOS, where `CK_ULONG` has 64 bits and
 * structures are not packed.
 */
import type { TypeObject } from 'koffi'

export const CKO_SECRET_KEY = 4
export const CKK_AES = 0x1f
export const CKM_AES_KEY_GEN = 0x1080
const CKM_AES_GCM = 0x1087
const CKU_USER = 1
const CKF_SERIAL_SESSION = 4
const CKF_RW_SESSION = 2

/** Attributes (PKCS#11 2.40, `pkcs11t.h`). */
export const CKA = {
  class: 0x0,
  token: 0x1,
  private: 0x2,
  label: 0x3,
  keyType: 0x100,
  id: 0x102,
  sensitive: 0x103,
  encrypt: 0x104,
  decrypt: 0x105,
  wrap: 0x106,
  unwrap: 0x107,
  sign: 0x108,
  verify: 0x10a,
  derive: 0x10c,
  valueLen: 0x161,
  extractable: 0x162,
  local: 0x163,
  neverExtractable: 0x164,
  alwaysSensitive: 0x165,
  modifiable: 0x170,
} as const

/** What a function of the module returned instead of `CKR_OK`. */
export class CryptokiRefusal extends Error {
  override readonly name = 'CryptokiRefusal'
  readonly call: string
  readonly rv: number

  constructor(call: string, rv: number) {
    super(`${call} returned 0x${rv.toString(16)}`)
    this.call = call
    this.rv = rv
  }
}

export interface Attribute {
  readonly type: number
  readonly value: Buffer
}

export interface Token {
  readonly slot: number
  readonly label: string
  readonly serial: string
}

/** GCM as the module takes it (PKCS#11 2.40 §2.12.3, with the `ulIvBits` of its errata). */
export interface GcmParameters {
  readonly iv: Buffer
  readonly associated: Buffer
  readonly tagBits: number
}

/** A loaded module. Handles are numbers. */
export interface Cryptoki {
  initialize(): void
  tokens(): Token[]
  openSession(slot: number): number
  login(session: number, pin: string): void
  generateKey(session: number, template: readonly Attribute[]): number
  find(session: number, template: readonly Attribute[]): number[]
  attribute(session: number, object: number, type: number): Buffer
  destroyObject(session: number, object: number): void
  encrypt(session: number, key: number, gcm: GcmParameters, data: Buffer): Buffer
  decrypt(session: number, key: number, gcm: GcmParameters, data: Buffer): Buffer
}

/** Places in `CK_FUNCTION_LIST`, in the order of `pkcs11f.h`, with their arguments. */
const FUNCTIONS = {
  C_Initialize: [0, ['void *']],
  C_GetSlotList: [4, ['uint8_t', 'void *', 'void *']],
  C_GetTokenInfo: [6, ['ulong', 'void *']],
  C_OpenSession: [12, ['ulong', 'ulong', 'void *', 'void *', 'void *']],
  C_Login: [18, ['ulong', 'ulong', 'void *', 'ulong']],
  C_DestroyObject: [22, ['ulong', 'ulong']],
  C_GetAttributeValue: [24, ['ulong', 'ulong', 'void *', 'ulong']],
  C_FindObjectsInit: [26, ['ulong', 'void *', 'ulong']],
  C_FindObjects: [27, ['ulong', 'void *', 'ulong', 'void *']],
  C_FindObjectsFinal: [28, ['ulong']],
  C_EncryptInit: [29, ['ulong', 'void *', 'ulong']],
  C_Encrypt: [30, ['ulong', 'void *', 'ulong', 'void *', 'void *']],
  C_DecryptInit: [33, ['ulong', 'void *', 'ulong']],
  C_Decrypt: [34, ['ulong', 'void *', 'ulong', 'void *', 'void *']],
  C_GenerateKey: [58, ['ulong', 'void *', 'void *', 'ulong', 'void *']],
} as const

type FunctionName = keyof typeof FUNCTIONS
type Argument = number | Buffer | null
type Call = (name: FunctionName, ...values: Argument[]) => void

const TOKEN_INFO_BYTES = 208
const MOST_FOUND = 256
const TAG_BYTES = 16

/** Loads a module; rejects when koffi is not installed or the module cannot be loaded. */
export async function loadCryptoki(module: string): Promise<Cryptoki> {
  const { default: koffi } = await import('koffi')
  const library = koffi.load(module)
  const out = [null] as unknown as [bigint]
  const rv = library.func('ulong C_GetFunctionList(_Out_ void **list)')(out) as number
  if (rv !== 0) throw new CryptokiRefusal('C_GetFunctionList', rv)
  const functions = Object.entries(FUNCTIONS).map(([name, [place, parameters]]) => {
    const type: TypeObject = koffi.proto(name, 'ulong', [...parameters])
    // The list begins with a version, padded to the size of a pointer.
    const address: unknown = koffi.decode(out[0], 8 + place * 8, 'void *')
    return [name, koffi.decode(address, type) as (...values: Argument[]) => number] as const
  })
  const byName = new Map<string, (...values: Argument[]) => number>(functions)
  const call: Call = (name, ...values) => {
    const returned = byName.get(name)!(...values)
    if (returned !== 0) throw new CryptokiRefusal(name, returned)
  }
  /** Memory that does not move, for what a structure points to; never freed while the call lasts. */
  const pin = (bytes: Buffer): { address: bigint; bytes: Buffer; free(): void } => {
    const address = koffi.alloc('uint8_t', Math.max(bytes.length, 1)) as bigint
    const view = Buffer.from(koffi.view(address, bytes.length))
    bytes.copy(view)
    return { address, bytes: view, free: () => (view.fill(0), koffi.free(address)) }
  }
  return bind(call, createPinned(pin))
}

type Pin = (bytes: Buffer) => { address: bigint; bytes: Buffer; free(): void }
type Pinned = <T>(
  values: readonly Buffer[],
  work: (memory: readonly { address: bigint; bytes: Buffer }[]) => T,
) => T

function createPinned(pin: Pin): Pinned {
  return (values, work) => {
    const memory = values.map(pin)
    try {
      return work(memory)
    } finally {
      for (const each of memory) each.free()
    }
  }
}

function bind(call: Call, pinned: Pinned): Cryptoki {
  const withTemplate = <T>(template: readonly Attribute[], work: (packed: Buffer) => T): T =>
    pinned(
      template.map(({ value }) => value),
      (memory) =>
        work(
          words(template.flatMap(({ type }, at) => [type, memory[at]!.address, memory[at]!.bytes.length])),
        ),
    )
  return {
    initialize: () => call('C_Initialize', null),
    tokens: () => listTokens(call),
    openSession(slot) {
      const session = words([0])
      call('C_OpenSession', slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, null, null, session)
      return wordAt(session, 0)
    },
    login(session, pin) {
      const bytes = Buffer.from(pin, 'utf8')
      call('C_Login', session, CKU_USER, bytes, bytes.length)
      bytes.fill(0)
    },
    generateKey: (session, template) =>
      withTemplate(template, (packed) => {
        const handle = words([0])
        call('C_GenerateKey', session, words([CKM_AES_KEY_GEN, 0, 0]), packed, template.length, handle)
        return wordAt(handle, 0)
      }),
    find: (session, template) =>
      withTemplate(template, (packed) => findObjects(call, session, packed, template.length)),
    attribute: (session, object, type) =>
      pinned([Buffer.alloc(256)], ([at]) => {
        const packed = words([type, at!.address, at!.bytes.length])
        call('C_GetAttributeValue', session, object, packed, 1)
        return Buffer.from(at!.bytes.subarray(0, wordAt(packed, 2)))
      }),
    destroyObject: (session, object) => call('C_DestroyObject', session, object),
    encrypt: (...values) => transform(call, pinned, 'Encrypt', ...values),
    decrypt: (...values) => transform(call, pinned, 'Decrypt', ...values),
  }
}

function transform(
  call: Call,
  pinned: Pinned,
  name: 'Encrypt' | 'Decrypt',
  session: number,
  key: number,
  { iv, associated, tagBits }: GcmParameters,
  data: Buffer,
): Buffer {
  return pinned([iv, associated], ([ivAt, associatedAt]) => {
    const ivWords = [ivAt!.address, iv.length, iv.length * 8]
    const parameters = words([...ivWords, associatedAt!.address, associated.length, tagBits])
    // They have to stand still until the operation ends: some modules read them again then.
    return pinned([parameters], ([at]) => {
      call(`C_${name}Init`, session, words([CKM_AES_GCM, at!.address, parameters.length]), key)
      const result = Buffer.alloc(data.length + TAG_BYTES)
      const length = words([result.length])
      call(`C_${name}`, session, data, data.length, result, length)
      return result.subarray(0, wordAt(length, 0))
    })
  })
}

function findObjects(call: Call, session: number, packed: Buffer, attributes: number): number[] {
  call('C_FindObjectsInit', session, packed, attributes)
  const found: number[] = []
  const [handles, count] = [Buffer.alloc(MOST_FOUND * 8), words([0])]
  do {
    call('C_FindObjects', session, handles, MOST_FOUND, count)
    for (let at = 0; at < wordAt(count, 0); at++) found.push(wordAt(handles, at))
  } while (wordAt(count, 0) === MOST_FOUND)
  call('C_FindObjectsFinal', session)
  return found
}

function listTokens(call: Call): Token[] {
  const count = words([0])
  call('C_GetSlotList', 1, null, count)
  const slots = Buffer.alloc(wordAt(count, 0) * 8)
  call('C_GetSlotList', 1, slots, count)
  return Array.from({ length: wordAt(count, 0) }, (_, at) => {
    const info = Buffer.alloc(TOKEN_INFO_BYTES)
    const slot = wordAt(slots, at)
    call('C_GetTokenInfo', slot, info)
    // label[32], manufacturerID[32], model[16], serialNumber[16]: padded with blanks.
    return { slot, label: textOf(info.subarray(0, 32)), serial: textOf(info.subarray(80, 96)) }
  })
}

function textOf(bytes: Buffer): string {
  return bytes.toString('utf8').replace(/[\0 ]+$/, '')
}

/** `CK_ULONG`s and pointers, one behind the other, in the machine's order of bytes (little-endian wherever Node runs it). */
export function words(values: readonly (number | bigint)[]): Buffer {
  const bytes = Buffer.alloc(values.length * 8)
  for (const [at, value] of values.entries()) bytes.writeBigUInt64LE(BigInt(value), at * 8)
  return bytes
}

function wordAt(bytes: Buffer, at: number): number {
  return Number(bytes.readBigUInt64LE(at * 8))
}
