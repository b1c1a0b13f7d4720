import { connect } from 'node:net'
import { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { limitBody } from './body-limit.ts'
import { serveNode, type RunningServer } from './node.ts'

const MAX = 1_000

describe('the body limit, over a real connection', () => {
  let server: RunningServer
  beforeAll(async () => {
    const app = new Hono()
    app.use('*', limitBody(MAX))
    app.all('/echo', async (c) => c.text(`${c.req.method} ${(await c.req.text()).length}`))
    server = await serveNode({ fetch: (request) => app.fetch(request), port: 0 })
  })
  afterAll(() => server.close(0))

  /** Without a length, `fetch` sends the body in chunks. */
  function chunked(size: number): Promise<Response> {
    const body = new ReadableStream({
      start(controller) {
        for (let left = size; left > 0; left -= 100)
          controller.enqueue(new TextEncoder().encode('x'.repeat(Math.min(100, left))))
        controller.close()
      },
    })
    return fetch(`${server.url}/echo`, { method: 'POST', body, duplex: 'half' } as RequestInit)
  }

  it.each([0, 1, MAX])('passes a chunked body of %i bytes whole', async (size) => {
    expect(await (await chunked(size)).text()).toBe(`POST ${size}`)
  })

  it('refuses a chunked body of one byte more', async () => {
    const refused = await chunked(MAX + 1)
    expect([refused.status, await refused.json()]).toMatchObject([413, { code: 'ERR_HTTP_BODY_TOO_LARGE' }])
  })

  it.each(['GET', 'DELETE'])('lets a %s without a body through', async (method) => {
    expect(await (await fetch(`${server.url}/echo`, { method })).text()).toBe(`${method} 0`)
  })

  it('refuses an announced length before reading', async () => {
    const refused = await fetch(`${server.url}/echo`, { method: 'POST', body: 'x'.repeat(MAX + 1) })
    expect(refused.status).toBe(413)
  })

  it('stays up when a chunked body breaks off', async () => {
    await new Promise<void>((resolve) => {
      const socket = connect(server.port, '127.0.0.1', () => {
        socket.write('POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab', () =>
          socket.destroy(),
        )
      })
      socket.on('close', () => resolve())
    })
    expect((await chunked(1)).status).toBe(200)
  })
})
