import { connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { serveNode } from './node.ts'
import type { RunningServer, ServeOptions } from './node.ts'

let server: RunningServer | null = null
afterEach(async () => {
  await server?.close(0)
  server = null
})

const start = async (options: Partial<ServeOptions> = {}): Promise<RunningServer> =>
  (server = await serveNode({ fetch: () => new Response('hello'), port: 0, ...options }))

/** Sends raw bytes and resolves with everything that came back when the connection ended. */
function talk(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    socket.setEncoding('utf8')
    socket.on('data', (chunk) => (received += chunk))
    socket.on('close', () => resolve(received))
    socket.on('error', reject)
  })
}

describe('the server', () => {
  it('listens on loopback, on a free port, and answers', async () => {
    const { url, port } = await start()
    expect(url).toBe(`http://127.0.0.1:${port}`)
    expect(await (await fetch(url)).text()).toBe('hello')
  })

  it('refuses a port that is taken, with a code', async () => {
    const { port } = await start()
    await expect(serveNode({ fetch: () => new Response(''), port })).rejects.toMatchObject({
      code: 'ERR_HTTP_LISTEN',
    })
  })

  it('cuts off a client that never ends its header lines', async () => {
    const { port } = await start({ headersTimeoutMs: 300, requestTimeoutMs: 600 })
    expect(await talk(port, 'GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ')).toContain('408')
  })

  it('cuts off a client that never ends its body', async () => {
    const { port } = await start({
      headersTimeoutMs: 300,
      requestTimeoutMs: 600,
      fetch: async (request) => new Response(await request.text()),
    })
    const answer = await talk(port, 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc')
    expect(answer).not.toContain('200 OK')
  })

  it('refuses header lines over 16 KiB', async () => {
    const { port } = await start()
    expect(
      await talk(
        port,
        `GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Big: ${'x'.repeat(17_000)}\r\n\r\n`,
      ),
    ).toContain('431')
  })

  it('stays up when a client drops the connection', async () => {
    const { port, url } = await start({ fetch: async (request) => new Response(await request.text()) })
    await new Promise<void>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc', () => {
          socket.destroy()
          resolve()
        })
      })
    })
    expect((await fetch(url, { method: 'POST', body: 'still here' })).status).toBe(200)
  })

  it('lets a request under way end before it closes', async () => {
    const [arrived, waiting] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const { url, close } = await start({
      async fetch() {
        arrived.resolve()
        await waiting.promise
        return new Response('finished')
      },
    })
    const answer = fetch(url)
    await arrived.promise
    const closed = close()
    waiting.resolve()
    expect(await (await answer).text()).toBe('finished')
    await closed
    await expect(fetch(url)).rejects.toThrow()
  })

  it('cuts off what does not end within the grace time', async () => {
    const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>()
    const { url, close } = await start({ fetch: () => (arrive(), new Promise<Response>(() => {})) })
    const answer = fetch(url).catch(() => 'cut off')
    await arrived
    await close(100)
    expect(await answer).toBe('cut off')
  })
})
