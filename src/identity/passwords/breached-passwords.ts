import { createHash } from 'node:crypto'
import { IdentityError } from '../errors.ts'
import { boundedFetch } from '../outbound/bounded-fetch.ts'
import { reachOf } from '../outbound/reach.ts'
import { isCommonPassword } from './password-strength.ts'

/** Tells whether a password is known to thieves. */
export interface BreachedPasswords {
  /** @throws IdentityError `ERR_IDENTITY_BREACH_CHECK` where the service must answer and does not */
  includes(password: string): Promise<boolean>
}

export interface BreachedPasswordsOptions {
  /**
   * A service of the k-anonymity range protocol: `<url>/<first five hex digits of the SHA-1>` answers lines
   * `<the other 35>:<count>`. Nothing else of the password leaves. Default: only the list that is built in.
   */
  readonly url?: string
  /** Whether a password passes while the service is away. Default `'list-only'`: the built-in list decides. */
  readonly onOutage?: 'list-only' | 'refuse'
  /** Networks that are not public in which the service may be, such as `10.4.0.0/16`. Default none. */
  readonly privateNetworks?: readonly string[]
  /** Default 3 seconds. */
  readonly timeoutMs?: number
}

const PREFIX_DIGITS = 5
const DEFAULT_TIMEOUT_MS = 3_000
/** A padded answer of the well-known service is below 100 kB. */
const MAX_ANSWER_BYTES = 1_048_576

export function createBreachedPasswords(options: BreachedPasswordsOptions = {}): BreachedPasswords {
  return {
    async includes(password) {
      if (await isCommonPassword(password)) return true
      if (options.url === undefined) return false
      try {
        return await isInRange(options.url, password, options)
      } catch (cause) {
        if (options.onOutage !== 'refuse') return false
        throw new IdentityError(
          'ERR_IDENTITY_BREACH_CHECK',
          'the service of stolen passwords did not answer',
          { cause },
        )
      }
    },
  }
}

/** SHA-1 is the protocol's; it protects nothing here. */
async function isInRange(
  url: string,
  password: string,
  { privateNetworks, timeoutMs = DEFAULT_TIMEOUT_MS }: BreachedPasswordsOptions,
): Promise<boolean> {
  const ask = boundedFetch({ reach: reachOf(url, privateNetworks), timeoutMs, maxBytes: MAX_ANSWER_BYTES })
  const digest = createHash('sha1').update(password).digest('hex').toUpperCase()
  const response = await ask(`${url.replace(/\/$/, '')}/${digest.slice(0, PREFIX_DIGITS)}`, {
    // Padded, so that the length of the answer tells nothing of the range.
    headers: { 'add-padding': 'true' },
  })
  const text = await response.text()
  if (!response.ok) throw new TypeError('not an answer of a range service')
  return rangeIncludes(text, digest.slice(PREFIX_DIGITS))
}

/** Whether an answer lists the rest of a digest. Padding has a count of 0. */
export function rangeIncludes(answer: string, rest: string): boolean {
  return answer.split(/\r?\n/).some((line) => {
    const [suffix, count] = line.split(':')
    return suffix?.toUpperCase() === rest && Number(count) > 0
  })
}
