import type { Context, MiddlewareHandler } from 'hono'
import { isInside, parseRange, type AddressRange } from '../access/index.ts'

/** Proxies that stand between people and the app, and the header in which they say whom they speak for. */
export interface TrustedProxies {
  readonly ranges: readonly AddressRange[]
  readonly header: 'x-forwarded-for' | 'forwarded'
}

const addresses = new WeakMap<Request, string | null>()

/** Where the request came from, as {@link noteClientAddress} found it; null where it did not see the request. */
export function addressOfClient(request: Request): string | null {
  return addresses.get(request) ?? null
}

/** For a request that takes another's place, such as one whose body was read. */
export function passOnAddress(from: Request, to: Request): void {
  addresses.set(to, addressOfClient(from))
}

/** Keeps where each request comes from, for whoever is asked about the request later. */
export function noteClientAddress(proxies?: TrustedProxies): MiddlewareHandler {
  return async (c, next) => {
    const { raw } = c.req
    addresses.set(raw, clientAddress(connectionOf(c), raw.headers, proxies))
    await next()
  }
}

/** What the Node adapter puts beside a request. */
export interface NodeBindings {
  readonly incoming?: { readonly socket?: { readonly remoteAddress?: string | undefined } }
}

const connections = new WeakMap<Request, string>()

/** Keeps who is at the other end of the connection, also where the app passes on nothing but the request. */
export function noteConnection(request: Request, bindings: NodeBindings | undefined): void {
  const address = bindings?.incoming?.socket?.remoteAddress
  if (address !== undefined) connections.set(request, address)
}

/** The address at the other end of the connection; null where no adapter of Node's told it. */
export function connectionOf({ env, req }: Context): string | null {
  const bindings = env as NodeBindings | undefined
  return bindings?.incoming?.socket?.remoteAddress ?? connections.get(req.raw) ?? null
}

/** Nobody has more proxies before them; what stands further left is not read. */
const MOST_HOPS = 32

/** Reads the declared addresses or ranges. @throws AccessError `ERR_ACCESS_RANGE` */
export function trustedProxies(declared: {
  readonly addresses: readonly string[]
  readonly header?: TrustedProxies['header']
}): TrustedProxies {
  return { ranges: declared.addresses.map(parseRange), header: declared.header ?? 'x-forwarded-for' }
}

/**
 * Where a request comes from. Only what a declared proxy adds is believed: from the connection leftwards
 * through the header, as long as who spoke is a proxy. What a client wrote itself stands further left.
 * Where a proxy names no address (`unknown`, RFC 7239 §6.2), the proxy itself is the client.
 *
 * @param connection the connection's own address; null where it is not known, and then nothing else is
 * @returns an address in one form, IPv4 also where it was written as IPv6; null where there is none
 */
export function clientAddress(
  connection: string | null,
  headers: Headers,
  proxies?: TrustedProxies,
): string | null {
  let client = canonicalAddress(connection ?? '')
  if (client === null || !proxies || !isInside(proxies.ranges, client)) return client
  const given = headers.get(proxies.header) ?? ''
  const hops = proxies.header === 'forwarded' ? forwardedFor(given) : given.split(',')
  for (const hop of hops.slice(-MOST_HOPS).toReversed()) {
    const address = canonicalAddress(hop)
    if (address === null) return client
    client = address
    if (!isInside(proxies.ranges, client)) return client
  }
  return client
}

/** `198.51.100.7`, `198.51.100.7:443`, `2001:db8::7`, `[2001:db8::7]:443`, with a zone or without. */
const WRITTEN =
  /^\s*(?:\[([0-9a-f:.]+)(?:%[^\]]*)?\](?::\d{1,5})?|([0-9.]+)(?::\d{1,5})?|([0-9a-f:.]+)(?:%\S*)?)\s*$/i

function canonicalAddress(written: string): string | null {
  const [, bracketed, version4, version6] = (written.length <= 100 && WRITTEN.exec(written)) || []
  try {
    return parseRange(bracketed ?? version4 ?? version6 ?? '').text.replace(/\/.*$/, '')
  } catch {
    return null
  }
}

/** One element of `Forwarded`, quoted texts in one piece (RFC 7239 §4). */
const ELEMENT = /(?:"[^"]*"|[^",])+/g
const FOR = /(?:^|;)\s*for\s*=\s*(?:"([^"]*)"|([^;",\s]*))/i

/** Whom each element speaks for; the empty text where it does not say. */
function forwardedFor(header: string): string[] {
  // A quote that a client leaves open, or escapes where none is, would swallow what the proxy adds behind it.
  // Addresses need no escapes, and what proxies add has its quotes in pairs.
  const quotes = header.split('"').length - 1
  if (header.includes('\\') || quotes % 2 !== 0) return ['']
  return (header.match(ELEMENT) ?? []).map((element) => {
    const [, quoted, token] = FOR.exec(element) ?? []
    return quoted ?? token ?? ''
  })
}
