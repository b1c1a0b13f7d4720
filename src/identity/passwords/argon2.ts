import { AsyncLocalStorage } from 'node:async_hooks'
import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { createTurns, type Caller } from './turns.ts'

const derive = promisify(argon2)

/** Cost of one Argon2id hash. */
export interface Argon2Parameters {
  /** m: memory in KiB. */
  readonly memoryKib: number
  /** t: passes over it. */
  readonly passes: number
  /** p: lanes. */
  readonly lanes: number
}

/** OWASP Password Storage Cheat Sheet, "Argon2id": the least of its recommended sets (m=19456, t=2, p=1). */
export const OWASP_ARGON2: Argon2Parameters = { memoryKib: 19_456, passes: 2, lanes: 1 }

const SALT_BYTES = 16
const TAG_BYTES = 32
/** For whom it is where nobody says so. */
const SOMEBODY: Caller = { network: null, standing: 'calm' }
/** No stored hash may ask for more memory than this, in KiB: a row edited in SQL must not exhaust the host. */
const MOST_MEMORY_KIB = 1_048_576

/** A hash as stored: the PHC string format, version 19 of Argon2id (RFC 9106). */
export interface ParsedHash extends Argon2Parameters {
  readonly salt: Buffer
  readonly tag: Buffer
}

/** Hashes and checks passwords, a bounded number at a time. */
export interface PasswordHasher {
  /** @throws IdentityError `ERR_IDENTITY_BUSY` */
  hash(password: string): Promise<string>
  /** False for another password and for a text that is no Argon2id hash. @throws IdentityError `ERR_IDENTITY_BUSY` */
  verify(stored: string, password: string): Promise<boolean>
  /** Whether the hash was made with less than today's parameters. */
  isOutdated(stored: string): boolean
  /** Whatever the work hashes and checks waits as this caller does, through foreign code as well. */
  servedAs<T>(caller: Caller, work: () => Promise<T>): Promise<T>
}

export function createPasswordHasher(parameters: Argon2Parameters = OWASP_ARGON2): PasswordHasher {
  const turns = createTurns()
  const caller = new AsyncLocalStorage<Caller>()
  const turn = <T>(work: () => Promise<T>): Promise<T> => turns(caller.getStore() ?? SOMEBODY, work)
  return {
    servedAs: (who, work) => caller.run(who, work),
    async hash(password) {
      const salt = randomBytes(SALT_BYTES)
      const tag = await turn(() => tagOf(password, { ...parameters, salt, length: TAG_BYTES }))
      return formatHash({ ...parameters, salt, tag })
    },
    async verify(stored, password) {
      const parsed = parseHash(stored)
      if (!parsed) return false
      const tag = await turn(() => tagOf(password, { ...parsed, length: parsed.tag.length }))
      return timingSafeEqual(tag, parsed.tag)
    },
    isOutdated(stored) {
      const parsed = parseHash(stored)
      return parsed === null || isWeaker(parsed, parameters)
    },
  }
}

/** True where a hash costs an attacker less memory or fewer passes than the parameters ask. */
export function isWeaker(hash: Argon2Parameters, than: Argon2Parameters): boolean {
  return hash.memoryKib < than.memoryKib || hash.passes < than.passes || hash.lanes < than.lanes
}

/** `$argon2id$v=19$m=…,t=…,p=…$salt$tag`, base64 without padding. */
function formatHash({ memoryKib, passes, lanes, salt, tag }: ParsedHash): string {
  const text = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '')
  return `$argon2id$v=19$m=${memoryKib},t=${passes},p=${lanes}$${text(salt)}$${text(tag)}`
}

const PHC =
  /^\$argon2id\$v=19\$m=([1-9]\d{0,6}),t=([1-9]\d{0,2}),p=([1-9]\d{0,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/

/** The parts of a stored hash; null for anything that is none. */
export function parseHash(stored: string): ParsedHash | null {
  const match = PHC.exec(stored)
  if (!match) return null
  const [memoryKib, passes, lanes] = match.slice(1, 4).map(Number) as [number, number, number]
  if (memoryKib > MOST_MEMORY_KIB || memoryKib < 8 * lanes) return null
  const [salt, tag] = match.slice(4, 6).map((text) => Buffer.from(text, 'base64')) as [Buffer, Buffer]
  return { memoryKib, passes, lanes, salt, tag }
}

interface Derivation extends Argon2Parameters {
  readonly salt: Buffer
  readonly length: number
}

/** The password in the form in which it is compared: as typed on any keyboard (NFC). */
function tagOf(password: string, { memoryKib, passes, lanes, salt, length }: Derivation): Promise<Buffer> {
  return derive('argon2id', {
    message: Buffer.from(password.normalize('NFC'), 'utf8'),
    nonce: salt,
    memory: memoryKib,
    passes,
    parallelism: lanes,
    tagLength: length,
  })
}
