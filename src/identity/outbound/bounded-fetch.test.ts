import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { boundedFetch, UNREACHABLE, type BoundedFetchOptions } from './bounded-fetch.ts'
import { reachOf } from './reach.ts'

describe('what may be reached', () => {
  const open = reachOf('https://id.example')
  test.each([
    '127.0.0.1',
    '127.9.9.9',
    '0.0.0.0',
    '10.0.0.1',
    '100.64.0.1',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::1',
    '::',
    '::ffff:10.0.0.1',
    '::ffff:7f00:1',
    'fe80::1',
    'fd00:ec2::254',
    'fec0::1',
    'ff02::1',
    '64:ff9b::a9fe:a9fe',
    '2002:a9fe:a9fe::1',
    '2001:0:1234::1',
    '2001:db8::1',
    'not an address',
    '',
  ])('is not %j', (address) => expect(open(address)).toBe(false))

  test.each(['8.8.8.8', '172.15.255.255', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '2a00:1450::1'])(
    'is %s',
    (address) => expect(open(address)).toBe(true),
  )

  test('is this machine where the configured address names it, and no other private one', () => {
    for (const configured of ['http://localhost:4009', 'http://127.0.0.1:1', 'http://[::1]:1']) {
      const reach = reachOf(configured)
      expect(['127.0.0.1', '::1', '10.0.0.1', '169.254.169.254'].map(reach)).toEqual([
        true,
        true,
        false,
        false,
      ])
    }
    expect(reachOf('https://localhost.example')('127.0.0.1')).toBe(false)
  })

  test('is a private network that is listed', () => {
    const reach = reachOf('https://id.internal.example', ['10.4.0.0/16'])
    expect(['10.4.9.9', '10.5.0.1', '127.0.0.1'].map(reach)).toEqual([true, false, false])
    expect(() => reachOf('https://id.example', ['10.4.0.1/16'])).toThrow(
      expect.objectContaining({ code: 'ERR_ACCESS_RANGE' }),
    )
  })
})

describe('a request to an address that others have a say in', { timeout: 120_000 }, () => {
  let server: Server
  let port: number
  let seen: string[]
  let answer: { status: number; headers?: Record<string, string>; body?: string }

  beforeAll(async () => {
    server = createServer((request, response) => {
      const pieces: Buffer[] = []
      request.on('data', (piece: Buffer) => pieces.push(piece))
      request.on('end', () => {
        seen.push(`${request.method} ${request.headers.host} ${Buffer.concat(pieces).toString()}`)
        response.writeHead(answer.status, answer.headers).end(answer.body)
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    port = (server.address() as AddressInfo).port
  })
  afterAll(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  beforeEach(() => {
    seen = []
    answer = { status: 200, body: 'hello' }
  })

  type Resolve = NonNullable<BoundedFetchOptions['resolve']>
  const here = [{ address: '127.0.0.1', family: 4 }]
  const leadingTo =
    (found: typeof here): Resolve =>
    (_, told) =>
      told(null, found)
  const refused = { code: 'ERR_IDENTITY_PRIVATE_ADDRESS' }
  const toStranger = reachOf('https://id.example')

  test('is not sent where a name leads to this machine', async () => {
    const get = boundedFetch({ reach: toStranger, resolve: leadingTo(here) })
    await expect(get(`http://id.example:${port}/`)).rejects.toMatchObject(refused)
    await expect(boundedFetch({ reach: toStranger })(`http://localhost:${port}/`)).rejects.toMatchObject(
      refused,
    )
    expect(seen).toEqual([])
  })

  test.each(['127.0.0.1', '0x7f.1', '2130706433', '[::ffff:127.0.0.1]', '[::1]', '169.254.169.254'])(
    'is not sent to the private address %s, however it is written',
    async (host) => {
      const get = boundedFetch({ reach: toStranger })
      await expect(get(`http://${host}:${port}/`)).rejects.toMatchObject(refused)
      expect(seen).toEqual([])
    },
  )

  test('is not sent where one of several addresses is private', async () => {
    const mixed = [{ address: '8.8.8.8', family: 4 }, ...here]
    const get = boundedFetch({ reach: toStranger, resolve: leadingTo(mixed) })
    await expect(get(`http://id.example:${port}/`)).rejects.toMatchObject(refused)
  })

  test('connects to what was checked, and looks the name up once', async () => {
    let looks = 0
    const resolve: Resolve = (name, told) => {
      looks += 1
      leadingTo(looks === 1 ? here : [{ address: '127.0.0.2', family: 4 }])(name, told)
    }
    const get = boundedFetch({ reach: reachOf('http://localhost'), resolve })
    expect(await (await get(`http://rebinding.example:${port}/`)).text()).toBe('hello')
    expect([looks, seen]).toEqual([1, [`GET rebinding.example:${port} `]])
  })

  test('carries a form, and gives status, headers and body back', async () => {
    answer = { status: 400, headers: { 'x-one': '1', 'set-cookie': 'a=b' }, body: '{}' }
    const post = boundedFetch({ reach: reachOf(`http://127.0.0.1:${port}`) })
    const given = await post(`http://127.0.0.1:${port}/`, {
      method: 'POST',
      body: new URLSearchParams({ code: 'c d' }),
    })
    expect([given.status, given.headers.get('x-one'), await given.json()]).toEqual([400, '1', {}])
    expect(seen).toEqual([`POST 127.0.0.1:${port} code=c+d`])
  })

  test('follows no redirect, reads no long answer, and ends in time', async () => {
    const reach = reachOf('http://localhost')
    const url = `http://127.0.0.1:${port}/`
    answer = { status: 302, headers: { location: 'http://169.254.169.254/' } }
    expect((await boundedFetch({ reach })(url)).status).toBe(302)
    answer = { status: 200, body: 'x'.repeat(101) }
    await expect(boundedFetch({ reach, maxBytes: 100 })(url)).rejects.toThrow(RangeError)
    expect((await boundedFetch({ reach, maxBytes: 101 })(url)).status).toBe(200)
    const silent = createServer(() => {})
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const late = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/`
    await expect(boundedFetch({ reach, timeoutMs: 20 })(late)).rejects.toMatchObject({ name: 'TimeoutError' })
    silent.closeAllConnections()
    await new Promise((resolve) => silent.close(resolve))
    await expect(boundedFetch({ reach })(late)).rejects.toThrow(UNREACHABLE)
  })
})
