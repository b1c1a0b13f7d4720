import { createAdaptorServer } from '@hono/node-server'
import { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { noteConnection, type NodeBindings } from './client-address.ts'
import { HttpError } from './errors.ts'

export interface ServeOptions {
  readonly fetch: (request: Request) => Response | Promise<Response>
  /** Port to listen on; 0 takes a free one. */
  readonly port: number
  /** Address to listen on; default `127.0.0.1`. */
  readonly hostname?: string
  /** Milliseconds a client has for its header lines; default 10,000. */
  readonly headersTimeoutMs?: number
  /** Milliseconds a client has for its whole request; default 30,000. */
  readonly requestTimeoutMs?: number
}

export interface RunningServer {
  readonly port: number
  /** `http://127.0.0.1:4001`, without a trailing slash. */
  readonly url: string
  /** Takes no new connection, lets requests under way end, and cuts them off after `graceMs` (default 5,000). */
  close(graceMs?: number): Promise<void>
}

/** Greatest size of all header lines of a request, in bytes. */
const MAX_HEADER_BYTES = 16_384
/** Milliseconds an idle connection is kept. */
const KEEP_ALIVE_MS = 5_000

/**
 * Serves a Web-standard handler over Node's HTTP server; resolves once it listens.
 * @throws HttpError `ERR_HTTP_LISTEN`
 */
export async function serveNode(options: ServeOptions): Promise<RunningServer> {
  const hostname = options.hostname ?? '127.0.0.1'
  const server = createAdaptorServer({
    fetch(request, bindings) {
      noteConnection(request, bindings as NodeBindings)
      return options.fetch(request)
    },
    overrideGlobalObjects: false,
    serverOptions: {
      headersTimeout: options.headersTimeoutMs ?? 10_000,
      requestTimeout: options.requestTimeoutMs ?? 30_000,
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
      connectionsCheckingInterval: 1_000,
    },
  })
  if (!(server instanceof Server)) throw new TypeError('the adapter made no HTTP/1.1 server')
  await listen(server, options.port, hostname)
  const { port } = server.address() as AddressInfo
  return { port, url: `http://${hostname}:${port}`, close: (graceMs = 5_000) => close(server, graceMs) }
}

function listen(server: Server, port: number, hostname: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const refused = (cause: Error): void => {
      reject(new HttpError('ERR_HTTP_LISTEN', `cannot listen on ${hostname}:${port}`, { cause }))
    }
    server.once('error', refused)
    server.listen(port, hostname, () => {
      server.off('error', refused)
      resolve()
    })
  })
}

function close(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const cutOff = setTimeout(() => server.closeAllConnections(), graceMs)
    server.close(() => {
      clearTimeout(cutOff)
      resolve()
    })
    server.closeIdleConnections()
  })
}
