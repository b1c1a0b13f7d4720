import { lookup as systemLookup, type LookupAddress } from 'node:dns'
import { request as plainRequest, type IncomingMessage } from 'node:http'
import { request as closedRequest } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { IdentityError } from '../errors.ts'
import type { Reach } from './reach.ts'

export interface BoundedFetchOptions {
  readonly reach: Reach
  /** For the whole answer. Default 10 seconds. */
  readonly timeoutMs?: number
  /** Greatest body of an answer. Default 256 KiB: key sets and user records stay far below. */
  readonly maxBytes?: number
  /** Which addresses a name has. Default: as the machine resolves it. */
  readonly resolve?: Resolve
}

type Resolve = (name: string, told: (failure: Error | null, found: readonly LookupAddress[]) => void) => void

const resolveBySystem: Resolve = (name, told) => {
  systemLookup(name, { all: true }, (failure, found) => told(failure, found ?? []))
}

interface BoundedRequest {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: URLSearchParams | string | undefined
}

/** The part of `fetch` that is needed of it. */
export type BoundedFetch = (url: string, request?: BoundedRequest) => Promise<Response>

/** What a request is rejected with that got no answer: a `TypeError` of this message. */
export const UNREACHABLE = 'the other side cannot be reached'

/**
 * `fetch` for addresses that others have a say in: it sends nothing where it may not reach, ends in time, reads no
 * more than it should and follows no redirect. A name is resolved once, and what was checked is connected to: a
 * second answer of its name server changes nothing.
 *
 * @throws IdentityError `ERR_IDENTITY_PRIVATE_ADDRESS`; TypeError {@link UNREACHABLE}; DOMException `TimeoutError`;
 *   RangeError for a longer answer
 */
export function boundedFetch(options: BoundedFetchOptions): BoundedFetch {
  const { timeoutMs = 10_000, maxBytes = 262_144 } = options
  return async (url, request = {}) => {
    const signal = AbortSignal.timeout(timeoutMs)
    try {
      const answer = await send(new URL(url), request, signal, options)
      const body = await readBounded(answer, maxBytes)
      const status = answer.statusCode ?? 0
      const isEmpty = status === 204 || status === 304
      return new Response(isEmpty ? null : body, { status, headers: headersOf(answer) })
    } catch (cause) {
      if (cause instanceof IdentityError || cause instanceof RangeError) throw cause
      if (signal.aborted) throw signal.reason
      throw new TypeError(UNREACHABLE, { cause })
    }
  }
}

function send(
  url: URL,
  { method = 'GET', headers = {}, body }: BoundedRequest,
  signal: AbortSignal,
  { reach, resolve = resolveBySystem }: BoundedFetchOptions,
): Promise<IncomingMessage> {
  const literal = url.hostname.replace(/^\[(.*)\]$/, '$1')
  // A literal address is connected to without being looked up.
  const error = isIP(literal) === 0 ? null : outOfReach(reach, [{ address: literal }])
  if (error) return Promise.reject(error)
  const open = url.protocol === 'https:' ? closedRequest : plainRequest
  const form = body instanceof URLSearchParams && { 'content-type': 'application/x-www-form-urlencoded' }
  return new Promise((answered, failed) => {
    // No agent: a connection that somebody else opened to this name was not checked.
    const options = { method, signal, agent: false, lookup: checkedLookup(reach, resolve) } as const
    const request = open(url, { ...options, headers: { 'user-agent': 'surety', ...form, ...headers } })
    request.on('response', answered).on('error', failed).end(body?.toString())
  })
}

function checkedLookup(reach: Reach, resolve: Resolve): LookupFunction {
  return (name, { all }, callback) => {
    resolve(name, (failure, found) => {
      const error = failure ?? outOfReach(reach, found)
      const [first] = found
      if (error || all || !first) callback(error, error ? [] : [...found])
      else callback(null, first.address, first.family)
    })
  }
}

/** One address out of reach among several is enough: which of them is taken is not for the other side to choose. */
function outOfReach(reach: Reach, found: readonly Pick<LookupAddress, 'address'>[]): Error | null {
  return found.every(({ address }) => reach(address))
    ? null
    : new IdentityError('ERR_IDENTITY_PRIVATE_ADDRESS', 'the name leads to an address that is not public')
}

function headersOf({ headers }: IncomingMessage): Headers {
  const all = new Headers()
  for (const [name, value] of Object.entries(headers))
    for (const one of [value ?? []].flat()) all.append(name, one)
  return all
}

async function readBounded(answer: IncomingMessage, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of answer as AsyncIterable<Buffer>) {
    bytes += piece.length
    if (bytes > maxBytes) throw new RangeError(`an answer of more than ${maxBytes} bytes`)
    pieces.push(piece)
  }
  return new Uint8Array(Buffer.concat(pieces))
}
