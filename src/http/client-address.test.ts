import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Hono } from 'hono'
import { limitBody } from './body-limit.ts'
import {
  addressOfClient,
  clientAddress,
  noteClientAddress,
  trustedProxies,
  type TrustedProxies,
} from './client-address.ts'
import { serveNode } from './node.ts'

const PROXY = '127.0.0.1'
const proxies = trustedProxies({ addresses: ['127.0.0.1/32', '10.0.0.0/8', '2001:db8:ffff::/48'] })
const forwarding: TrustedProxies = { ...proxies, header: 'forwarded' }
const from = (header: string, connection: string | null = PROXY) =>
  clientAddress(connection, new Headers({ 'x-forwarded-for': header }), proxies)
const forwarded = (header: string) => clientAddress(PROXY, new Headers({ forwarded: header }), forwarding)

describe('a client’s address', () => {
  test('is the connection’s, whatever the headers say, where no proxy is declared', () => {
    const headers = new Headers({
      'x-forwarded-for': '192.0.2.1',
      forwarded: 'for=192.0.2.1',
      'x-real-ip': '192.0.2.1',
    })
    expect(clientAddress('198.51.100.7', headers)).toBe('198.51.100.7')
    expect(clientAddress('198.51.100.7', headers, proxies)).toBe('198.51.100.7')
    expect(clientAddress(null, headers, proxies)).toBeNull()
    // The other header is nobody's either.
    expect(clientAddress(PROXY, new Headers({ forwarded: 'for=192.0.2.1' }), proxies)).toBe(PROXY)
  })

  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['6.6.6.6, 192.0.2.1', '192.0.2.1'],
    ['6.6.6.6, 192.0.2.1, 10.1.2.3', '192.0.2.1'],
    ['192.0.2.1:4711', '192.0.2.1'],
    ['[2001:db8::7]:443', '2001:db8::7'],
    ['2001:DB8:0:0::7', '2001:db8::7'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['6.6.6.6, ::ffff:10.0.0.9', '6.6.6.6'],
    ['10.0.0.1, 10.0.0.2', '10.0.0.1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['', PROXY],
    ['unknown', PROXY],
    ['6.6.6.6, unknown', PROXY],
    ['6.6.6.6, 10.0.0.4, ,', PROXY],
    ['6.6.6.6 7.7.7.7', PROXY],
    ['010.0.0.1', PROXY],
    [`6.6.6.6, ${'1'.repeat(10_000)}`, PROXY],
  ])('in X-Forwarded-For: %.40s is %s', (header, client) => expect(from(header)).toBe(client))

  test.each([
    ['for=192.0.2.60;proto=http;by=203.0.113.43', '192.0.2.60'],
    ['for=6.6.6.6, for=192.0.2.60', '192.0.2.60'],
    ['proto=https;For="[2001:db8:cafe::17]:4711"', '2001:db8:cafe::17'],
    ['for="6.6.6.6, for=7.7.7.7", for=192.0.2.60', '192.0.2.60'],
    ['for=192.0.2.60, for="[2001:db8:ffff::1]"', '192.0.2.60'],
    ['for=unknown', PROXY],
    ['for=_hidden', PROXY],
    ['for=6.6.6.6, proto=http', PROXY],
    // A quote left open or escaped must not swallow what the proxy says.
    ['for="6.6.6.6, for=192.0.2.60', PROXY],
    ['for=6.6.6.6;x=\\", for="[2001:db8::1]"', PROXY],
  ])('in Forwarded: %s is %s', (header, client) => expect(forwarded(header)).toBe(client))

  test('reads a connection by IPv6 that carries IPv4', () => {
    expect(from('192.0.2.1', '::ffff:127.0.0.1')).toBe('192.0.2.1')
  })

  test('is what the proxy adds, whatever the client has written before it', () => {
    const address = fc.oneof(
      fc.ipV4().filter((ip) => !/^(10|127)\./.test(ip)),
      fc.constant('2001:db8::99'),
    )
    const written = fc.oneof(
      fc.string(),
      fc.ipV4(),
      fc.constantFrom('"', '\\"', 'for="', ',', ';for=6.6.6.6;x="'),
    )
    const text = fc
      .array(written, { maxLength: 8 })
      .map((parts) => parts.join(', ').replaceAll(/[^\x20-\x7e]/g, ''))
    fc.assert(
      fc.property(text, address, (before, client) => {
        expect(from(`${before}, ${client}`)).toBe(client)
        const added = client.includes(':') ? `for="[${client}]"` : `for=${client}`
        expect([client, PROXY]).toContain(forwarded(`${before}, ${added}`))
      }),
      { numRuns: 500 },
    )
  })

  test('never throws, and is an address or nothing', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (connection, header) => {
        const headers = { get: () => header } as unknown as Headers
        for (const one of [proxies, forwarding]) {
          expect(clientAddress(connection, headers, one) ?? '0.0.0.0').toMatch(/^[0-9a-f:.]+$/)
          expect(clientAddress(PROXY, headers, one)).toMatch(/^[0-9a-f:.]+$/)
        }
      }),
    )
  })

  test('is read in time that does not grow with what is sent', () => {
    expect(forwarded(`for=${'"a",'.repeat(4_000)}`)).toBe(PROXY)
    expect(from(`${'1.1.1.1,'.repeat(4_000)}10.0.0.1`.replace(/,10/, ', 10'))).toBe('1.1.1.1')
  })
})

describe('a served request', () => {
  async function addressSeen(proxies: TrustedProxies | undefined, sent: RequestInit = {}): Promise<string> {
    const app = new Hono()
    app.use(noteClientAddress(proxies), limitBody(1_000))
    app.all('/', (c) => c.text(addressOfClient(c.req.raw) ?? 'unknown'))
    // As an app that passes on the request, and nothing that the adapter puts beside it.
    const server = await serveNode({ fetch: (request) => app.fetch(request), port: 0 })
    try {
      const answer = await fetch(server.url, { headers: { 'X-Forwarded-For': '198.51.100.7' }, ...sent })
      return await answer.text()
    } finally {
      await server.close(0)
    }
  }

  test('comes from its connection, whatever it says of itself', async () => {
    expect(await addressSeen(undefined)).toBe('127.0.0.1')
  })

  test('comes from there also when its body comes in pieces, whose length nobody announced', async () => {
    const body = new Blob(['x'.repeat(100)]).stream()
    expect(await addressSeen(undefined, { method: 'POST', body, duplex: 'half' } as RequestInit)).toBe(
      '127.0.0.1',
    )
  })

  test('comes from whom a declared proxy speaks for', async () => {
    expect(await addressSeen(trustedProxies({ addresses: ['127.0.0.1/32'] }))).toBe('198.51.100.7')
  })
})
