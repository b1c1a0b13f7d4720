import { isInside, parseRange } from '../../access/index.ts'

/** Whether a request may be sent to a network address. */
export type Reach = (address: string) => boolean

/** What is routed between networks at all (RFC 4291 §2.4: IPv6 only from here). */
const ROUTED = ['0.0.0.0/0', '2000::/3'].map(parseRange)

/** Of that, what no public machine has (RFC 6890 and the IANA registries of special-purpose addresses). */
const SPECIAL = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  // Link-local; clouds answer here with the machine's own credentials.
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
  // Teredo and 6to4 carry any IPv4 address inside.
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '3fff::/20',
].map(parseRange)

const LOOPBACK = ['127.0.0.0/8', '::1/128'].map(parseRange)
const LOCAL_NAMES = /^(localhost|127\.[0-9.]+|\[::1\])$/

/**
 * Public addresses, the private networks that are listed, and this machine where the configured address itself
 * names it.
 *
 * @param configured the address that stands in the configuration
 * @throws AccessError `ERR_ACCESS_RANGE`
 */
export function reachOf(configured: string, privateNetworks: readonly string[] = []): Reach {
  const listed = privateNetworks.map(parseRange)
  const own = LOCAL_NAMES.test(new URL(configured).hostname) ? [...listed, ...LOOPBACK] : listed
  return (address) => isInside(own, address) || (isInside(ROUTED, address) && !isInside(SPECIAL, address))
}
