import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ProviderOutage } from '../providers/provider-contract.ts'

export interface DoubleRequest {
  readonly method: string
  /** Path with query. */
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export interface DoubleAnswer {
  readonly status: number
  readonly body?: unknown
}

/** A protocol double on loopback: our reading of a service's HTTP protocol, not the service. */
export interface HttpDouble {
  readonly url: string
  /** Every request that came in. */
  readonly requests: DoubleRequest[]
  /** `refuses connections`, `never answers`, `answers 503`, `cuts connections off`. */
  readonly outages: readonly ProviderOutage[]
  close(): Promise<void>
}

type Mode = 'answers' | 'never answers' | 'answers 503' | 'cuts connections off'

export const OUTAGES = ['refuses connections', 'never answers', 'answers 503', 'cuts connections off']

/** Starts a double that answers by `handle`. */
export async function startHttpDouble(handle: (request: DoubleRequest) => DoubleAnswer): Promise<HttpDouble> {
  let mode: Mode = 'answers'
  const requests: DoubleRequest[] = []
  const server = createServer((incoming, response) => {
    if (mode === 'never answers') return
    if (mode === 'cuts connections off') return void incoming.socket.destroy()
    if (mode === 'answers 503') return answer(response, { status: 503, body: { errors: ['busy'] } })
    void readAll(incoming).then((body) => {
      const { method = '', url = '', headers } = incoming
      const request = { method, path: url, headers, body }
      requests.push(request)
      answer(response, handle(request))
    })
  })
  await listen(server, 0)
  const { port } = server.address() as AddressInfo
  const close = async (): Promise<void> => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  const as = (name: Exclude<Mode, 'answers'>): ProviderOutage => ({
    name,
    begin: async () => void (mode = name),
    end: async () => {
      mode = 'answers'
      server.closeAllConnections()
    },
  })
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    outages: [
      { name: 'refuses connections', begin: close, end: () => listen(server, port) },
      as('never answers'),
      as('answers 503'),
      as('cuts connections off'),
    ],
    close,
  }
}

function answer(response: ServerResponse, { status, body }: DoubleAnswer): void {
  response.writeHead(status, { 'Content-Type': 'application/json' })
  response.end(body === undefined ? undefined : JSON.stringify(body))
}

async function readAll(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject)
      resolve()
    })
  })
}
