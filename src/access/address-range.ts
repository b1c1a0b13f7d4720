import { AccessError } from './errors.ts'

/** A network address as a number, and of which family: an IPv4 address in IPv6 form is an IPv4 address. */
interface Address {
  readonly bits: 32 | 128
  readonly value: bigint
}

/** Addresses that have their first bits in common. */
export interface AddressRange extends Address {
  readonly prefix: number
  /** The one text of the range, such as `198.51.100.0/24` or `2001:db8::/32`. */
  readonly text: string
}

/** `::ffff:0:0/96` (RFC 4291 §2.5.5.2). */
const MAPPED = 0xffffn

/**
 * Reads a range in CIDR notation (RFC 4632 §3.1, RFC 4291 §2.3), or one address. Bits behind the prefix
 * must be zero: `198.51.100.7/24` is more likely a mistake than a way to say a network.
 *
 * @throws AccessError `ERR_ACCESS_RANGE`
 */
export function parseRange(text: string): AddressRange {
  const [, address = '', length] = /^([^/]+)(?:\/(0|[1-9][0-9]{0,2}))?$/.exec(text) ?? []
  const written = readAddress(address)
  if (written === null) return refuse('is no address')
  const mapped = unmap(written)
  const prefix = Number(length ?? written.bits) - (written.bits - mapped.bits)
  if (prefix < 0 || prefix > mapped.bits) return refuse('has a length that does not fit its address')
  if ((mapped.value & ((1n << BigInt(mapped.bits - prefix)) - 1n)) !== 0n)
    return refuse('has bits behind its length')
  return { ...mapped, prefix, text: `${formatAddress(mapped)}/${prefix}` }
}

/** True when the address lies in one of the ranges; never for what is no address. */
export function isInside(ranges: readonly AddressRange[], address: string): boolean {
  const read = readAddress(address)
  if (read === null) return false
  const { bits, value } = unmap(read)
  return ranges.some((range) => {
    const rest = BigInt(range.bits - range.prefix)
    return range.bits === bits && range.value >> rest === value >> rest
  })
}

/**
 * The least range that is somebody's from one day to the next: an IPv4 address itself, of IPv6 its /64,
 * within which devices change their address by themselves (RFC 8981).
 *
 * @throws AccessError `ERR_ACCESS_RANGE`
 */
export function lastingRange(address: string): string {
  const { bits, value, text } = parseRange(address)
  if (bits === 32) return text
  return `${formatAddress({ bits, value: (value >> 64n) << 64n })}/64`
}

function refuse(problem: string): never {
  throw new AccessError('ERR_ACCESS_RANGE', `a range of addresses ${problem}`)
}

function readAddress(text: string): Address | null {
  const value = text.includes(':') ? readVersion6(text) : readVersion4(text)
  return value === null ? null : { bits: text.includes(':') ? 128 : 32, value }
}

function unmap(address: Address): Address {
  const isMapped = address.bits === 128 && address.value >> 32n === MAPPED
  return isMapped ? { bits: 32, value: address.value & 0xffff_ffffn } : address
}

/** Four decimal numbers without leading zeros, which some readers take as octal. */
function readVersion4(text: string): bigint | null {
  const parts = text.split('.')
  const numbers = parts.map((part) => (/^(0|[1-9][0-9]{0,2})$/.test(part) ? Number(part) : 256))
  if (parts.length !== 4 || numbers.some((number) => number > 255)) return null
  return numbers.reduce((value, number) => value * 256n + BigInt(number), 0n)
}

/** RFC 4291 §2.2, without a zone: which interface it came by is no part of who it is. */
function readVersion6(text: string): bigint | null {
  const sides = text.split('::')
  if (sides.length > 2) return null
  const [head, tail] = sides.map(readGroups)
  if (!head || tail === null) return null
  if (tail === undefined) return head.length === 8 ? joinGroups(head) : null
  const missing = 8 - head.length - tail.length
  return missing < 1 ? null : joinGroups([...head, ...Array<number>(missing).fill(0), ...tail])
}

/** Groups of one side of `::`; the last two may be written as an IPv4 address. */
function readGroups(side: string): number[] | null {
  if (side === '') return []
  const parts = side.split(':')
  const last = parts.at(-1)!
  const tail = last.includes('.') ? readVersion4(last) : undefined
  if (tail === null) return null
  const groups = (tail === undefined ? parts : parts.slice(0, -1)).map((part) =>
    /^[0-9a-f]{1,4}$/i.test(part) ? Number.parseInt(part, 16) : -1,
  )
  if (groups.includes(-1)) return null
  return tail === undefined ? groups : [...groups, Number(tail >> 16n), Number(tail & 0xffffn)]
}

function joinGroups(groups: readonly number[]): bigint {
  return groups.reduce((value, group) => (value << 16n) | BigInt(group), 0n)
}

function formatAddress({ bits, value }: Address): string {
  if (bits === 32) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.')
  const groups = Array.from({ length: 8 }, (_, i) => ((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16))
  return compress(groups)
}

/** The longest run of two zeros or more is left out, the first of equals (RFC 5952 §4.2). */
function compress(groups: readonly string[]): string {
  let [from, length] = [0, 0]
  for (let start = 0; start < 8; start++) {
    let end = start
    while (end < 8 && groups[end] === '0') end++
    if (end - start > length) [from, length] = [start, end - start]
  }
  if (length < 2) return groups.join(':')
  return `${groups.slice(0, from).join(':')}::${groups.slice(from + length).join(':')}`
}
