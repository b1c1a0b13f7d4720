import type { MiddlewareHandler } from 'hono'
import { passOnAddress } from './client-address.ts'
import { HTTP_PROBLEMS, problemDetails } from './problem.ts'

/** Greatest request body unless said otherwise, in bytes: 1 MiB. */
export const DEFAULT_MAX_BODY_BYTES = 1_048_576

/**
 * Answers 413 to a body over the limit. A length that is announced is trusted, for Node's parser cuts
 * the body there; a body without one is read up to the limit before any handler runs.
 *
 * Hono's own `bodyLimit` wraps the request in a global `Request`, which fails over the Node adapter's.
 */
export function limitBody(maxBytes: number = DEFAULT_MAX_BODY_BYTES): MiddlewareHandler {
  return async (c, next) => {
    const { raw } = c.req
    const announced = raw.headers.has('transfer-encoding') ? null : raw.headers.get('content-length')
    if (announced !== null) return Number(announced) > maxBytes ? refuse(c) : next()
    if (!raw.body) return next()
    const body = await readUpTo(raw.body, maxBytes)
    if (body === null) return refuse(c)
    const { url, method, headers, signal } = raw
    c.req.raw = new Request(url, { method, headers, signal, ...(body.length > 0 ? { body } : {}) })
    passOnAddress(raw, c.req.raw)
    return next()
  }
}

function refuse(c: Parameters<MiddlewareHandler>[0]): Response {
  const code = 'ERR_HTTP_BODY_TOO_LARGE'
  return problemDetails(c, HTTP_PROBLEMS[code]!, code)
}

/** The whole body, or null as soon as it is longer than `maxBytes`. */
async function readUpTo(
  body: ReadableStream<Uint8Array>,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > maxBytes) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, size)
}
