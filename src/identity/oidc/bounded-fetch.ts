/** Milliseconds that a provider has for one answer. */
const TIMEOUT_MS = 10_000
/** Greatest body of an answer: key sets and user records stay far below. */
const MAX_BYTES = 256 * 1_024

interface BoundedRequest {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: URLSearchParams | string | undefined
}

/** `fetch` that ends in time, reads no more than it should and follows no redirect. */
export async function boundedFetch(url: string, request: BoundedRequest = {}): Promise<Response> {
  const { method = 'GET', headers = {}, body: sent = null } = request
  const response = await fetch(url, {
    method,
    headers,
    body: sent,
    redirect: 'manual',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
  const body = await readBounded(response)
  const isEmpty = response.status === 204 || response.status === 304
  return new Response(isEmpty ? null : body, { status: response.status, headers: response.headers })
}

async function readBounded(response: Response): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of response.body ?? []) {
    bytes += piece.length
    if (bytes > MAX_BYTES) throw new RangeError(`an answer of more than ${MAX_BYTES} bytes`)
    pieces.push(piece)
  }
  return new Uint8Array(Buffer.concat(pieces))
}
