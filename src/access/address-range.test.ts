import { isIP } from 'node:net'
import { BlockList } from 'node:net'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isInside, lastingRange, parseRange } from './index.ts'

const inside = (range: string, address: string): boolean => isInside([parseRange(range)], address)

describe('a range of addresses', () => {
  test.each([
    ['198.51.100.0/24', '198.51.100.0', true],
    ['198.51.100.0/24', '198.51.100.255', true],
    ['198.51.100.0/24', '198.51.101.0', false],
    ['198.51.100.7', '198.51.100.7', true],
    ['198.51.100.7', '198.51.100.8', false],
    ['0.0.0.0/0', '255.255.255.255', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['2001:db8::/32', '2001:db8:ffff::1', true],
    ['2001:db8::/32', '2001:db9::', false],
    ['::/0', '198.51.100.7', false],
    ['198.51.100.0/24', '::ffff:198.51.100.9', true],
    ['198.51.100.0/24', '::FFFF:c633:6409', true],
    ['::ffff:198.51.100.0/120', '198.51.100.9', true],
    ['2001:db8::/32', '2001:db8::1%eth0', false],
    ['198.51.100.0/24', '198.51.100.9:443', false],
    ['198.51.100.0/24', '', false],
  ])('%s and %s: %s', (range, address, expected) => {
    expect(inside(range, address)).toBe(expected)
  })

  test.each([
    '',
    '/24',
    '198.51.100.0/33',
    '198.51.100.7/24',
    '198.51.100.0/024',
    '198.51.100.0/ 24',
    '198.51.100/24',
    '198.051.100.0/24',
    '0xc6336400/24',
    '2001:db8::/129',
    '2001:db8::1/32',
    '1:2:3:4:5:6:7:8:9',
    '1::2::3',
    ':::',
    '::ffff:198.51.100.0/24',
    'fe80::1%eth0/64',
    'example.com',
  ])('refuses %j, and does not repeat it', (text) => {
    const refused = expect.objectContaining({ code: 'ERR_ACCESS_RANGE' }) as Error
    expect(() => parseRange(text)).toThrow(refused)
  })

  test('has one text however it was written', () => {
    expect(parseRange('2001:0DB8:0:0:0::/32').text).toBe('2001:db8::/32')
    expect(parseRange('::ffff:198.51.100.0/120').text).toBe('198.51.100.0/24')
    expect(parseRange('::').text).toBe('::/128')
  })

  test('agrees with the platform on any address and range', () => {
    const any = fc.oneof(
      fc.tuple(fc.ipV4(), fc.ipV4(), fc.integer({ min: 1, max: 32 })),
      fc.tuple(fc.ipV6(), fc.ipV6(), fc.integer({ min: 1, max: 128 })),
    )
    fc.assert(
      fc.property(any, ([network, address, prefix]) => {
        const family = isIP(network) === 4 ? 'ipv4' : 'ipv6'
        const list = new BlockList()
        list.addSubnet(network, prefix, family)
        // The platform takes bits behind the prefix; ours are cut off for it.
        const own = parseRange(network)
        const rest = BigInt(own.bits - Math.min(prefix, own.bits))
        const range = { ...own, prefix: Number(BigInt(own.bits) - rest) }
        if (own.bits === 32 && family === 'ipv6') return
        for (const each of [network, address]) expect(isInside([range], each)).toBe(list.check(each, family))
      }),
    )
  })

  test('takes of an address what stays somebody’s: of IPv6 the /64', () => {
    expect(lastingRange('198.51.100.7')).toBe('198.51.100.7/32')
    expect(lastingRange('::ffff:198.51.100.7')).toBe('198.51.100.7/32')
    expect(lastingRange('2001:db8:1:2:a:b:c:d')).toBe('2001:db8:1:2::/64')
    fc.assert(fc.property(fc.ipV6(), (address) => isInside([parseRange(lastingRange(address))], address)))
    expect(() => lastingRange('unknown')).toThrow(
      expect.objectContaining({ code: 'ERR_ACCESS_RANGE' }) as Error,
    )
  })

  test('answers any text with true, false or a coded refusal', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (range, address) => {
        try {
          inside(range, address)
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_ACCESS_RANGE' })
        }
      }),
    )
  })
})
