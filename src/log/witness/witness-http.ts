import { MAX_REQUEST_BYTES } from './add-checkpoint.ts'
import type { Witness } from './witness.ts'

/**
 * Carries the protocol of a witness over HTTP: `POST /add-checkpoint` and nothing else.
 * @returns a handler of Web requests; it rejects only with what the witness throws
 */
export function witnessHandler(witness: Witness): (request: Request) => Promise<Response> {
  return async (request) => {
    if (new URL(request.url).pathname !== '/add-checkpoint')
      return text(404, 'there is only POST /add-checkpoint')
    if (request.method !== 'POST') return text(405, 'there is only POST /add-checkpoint', { allow: 'POST' })
    const body = await readLimited(request, MAX_REQUEST_BYTES)
    if (body === null) return text(413, `a request has at most ${MAX_REQUEST_BYTES} bytes`)
    const answer = await witness.addCheckpoint(body)
    return new Response(answer.body, { status: answer.status, headers: headers(answer.contentType) })
  }
}

/** The body of a request or response; null where it has more than `maxBytes`. */
export async function readLimited(message: Request | Response, maxBytes: number): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = []
  let length = 0
  const reader = message.body?.getReader()
  for (let part = await reader?.read(); part?.value !== undefined; part = await reader?.read()) {
    length += part.value.length
    if (length > maxBytes) {
      await reader?.cancel()
      return null
    }
    chunks.push(part.value)
  }
  return Buffer.concat(chunks)
}

function text(status: number, line: string, more: Record<string, string> = {}): Response {
  return new Response(`${line}\n`, { status, headers: { ...headers('text/plain; charset=utf-8'), ...more } })
}

function headers(contentType: string): Record<string, string> {
  return { 'content-type': contentType, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }
}
