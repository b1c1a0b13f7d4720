import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAccountVisitor } from './account-visitor.ts'
import type { ProbeContext } from './probe-context.ts'
import { config } from './testing.ts'

let server: Server
const seen: (string | undefined)[] = []
beforeAll(async () => {
  server = createServer(({ headers }, response) => {
    seen.push(String(headers['x-forwarded-for'] ?? headers['forwarded'] ?? 'nothing'))
    response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterAll(() => server.close())

/** What the site is told of where each visitor of one run comes from. */
async function addressesOfRun(proxies?: ProbeContext['config']['proxies']): Promise<readonly unknown[]> {
  const context = {
    config: { ...config, ...(proxies && { proxies }) },
    site: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    signal: AbortSignal.timeout(60_000),
  } as ProbeContext
  seen.length = 0
  for (const visitor of [createAccountVisitor(context), createAccountVisitor(context)]) await visitor.get('/')
  return [...seen]
}

test('a run comes from one address, in a network that no other run and nobody real has', async () => {
  const proxies = { addresses: ['127.0.0.1/32'] }
  const [one, other] = [await addressesOfRun(proxies), await addressesOfRun(proxies)]
  expect(one[0]).toMatch(/^2001:db8:[0-9a-f]{4}:[0-9a-f]{4}::1$/)
  expect(one[1]).toBe(one[0])
  expect(other[0]).not.toBe(one[0])
  const [first] = await addressesOfRun({ ...proxies, header: 'forwarded' })
  expect(first).toMatch(/^for="\[2001:db8:[0-9a-f]{4}:[0-9a-f]{4}::1\]"$/)
})

test('a run claims no address where no proxy is declared', async () => {
  expect(await addressesOfRun()).toEqual(['nothing', 'nothing'])
})
