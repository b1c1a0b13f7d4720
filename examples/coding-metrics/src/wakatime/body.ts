import { refuse, type Refusal } from './refusal.ts'

/** Greatest body in bytes; 25 real heartbeats are about 10 KB. */
export const MAX_BODY_BYTES = 1_048_576
/** Greatest depth of nested arrays and objects; a heartbeat needs three. */
export const MAX_DEPTH = 16
/** More items than this are not even answered one by one. */
export const MAX_ITEMS = 1_000

export interface DecodedBody {
  /** What the client sent, one entry per heartbeat, nothing checked yet. */
  readonly items: readonly unknown[]
  /** True when it sent one heartbeat and no array. */
  readonly single: boolean
}

/** The heartbeats of a request body: one object or an array, JSON once or (web plug-in) twice. */
export function decodeBody(bytes: Uint8Array): DecodedBody | Refusal {
  const value = decodeJson(bytes)
  if (value !== null && typeof value === 'object' && 'refusal' in value) return value.refusal
  const { json } = value
  if (Array.isArray(json)) {
    return json.length > MAX_ITEMS ? refuse('ERR_WAKATIME_BODY_ITEMS') : { items: json, single: false }
  }
  if (json !== null && typeof json === 'object') return { items: [json], single: true }
  return refuse('ERR_WAKATIME_BODY_SHAPE')
}

/** The one object of a request body, for routes that take no array. */
export function decodeObject(
  bytes: Uint8Array,
): { readonly object: Readonly<Record<string, unknown>> } | Refusal {
  const body = decodeBody(bytes)
  if (!('items' in body)) return body
  return body.single
    ? { object: body.items[0] as Readonly<Record<string, unknown>> }
    : refuse('ERR_WAKATIME_BODY_SHAPE')
}

type Decoded = { readonly json: unknown } | { readonly refusal: Refusal }

function decodeJson(bytes: Uint8Array): Decoded {
  if (bytes.length > MAX_BODY_BYTES) return { refusal: refuse('ERR_WAKATIME_BODY_LARGE') }
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return { refusal: refuse('ERR_WAKATIME_BODY_UTF8') }
  }
  const once = parse(text)
  if ('refusal' in once || typeof once.json !== 'string') return once
  return parse(once.json)
}

function parse(text: string): Decoded {
  if (nestsDeeperThan(text, MAX_DEPTH)) return { refusal: refuse('ERR_WAKATIME_BODY_DEEP') }
  try {
    return { json: JSON.parse(text) as unknown }
  } catch {
    return { refusal: refuse('ERR_WAKATIME_BODY_JSON') }
  }
}

/** Counts brackets outside strings before anything is built from them. */
function nestsDeeperThan(text: string, limit: number): boolean {
  let depth = 0
  let inString = false
  for (let i = 0; i < text.length; i++) {
    const char = text[i]
    if (inString) {
      if (char === '\\') i++
      else if (char === '"') inString = false
    } else if (char === '"') inString = true
    else if (char === '[' || char === '{') {
      if (++depth > limit) return true
    } else if (char === ']' || char === '}') depth--
  }
  return false
}

/**
 * Reads a request's body up to {@link MAX_BODY_BYTES}, and not a byte further: a longer one is
 * refused while it still arrives. A client that drops the connection ends in a refusal too.
 */
export async function readBody(request: Request): Promise<Uint8Array | Refusal> {
  const encoding = request.headers.get('content-encoding')
  if (encoding !== null && encoding !== 'identity') return refuse('ERR_WAKATIME_BODY_ENCODING')
  if (Number(request.headers.get('content-length') ?? 0) > MAX_BODY_BYTES) {
    return refuse('ERR_WAKATIME_BODY_LARGE')
  }
  const chunks: Uint8Array[] = []
  let length = 0
  try {
    for await (const chunk of request.body ?? []) {
      length += chunk.length
      if (length > MAX_BODY_BYTES) return refuse('ERR_WAKATIME_BODY_LARGE')
      chunks.push(chunk)
    }
  } catch {
    return refuse('ERR_WAKATIME_BODY_CUT')
  }
  return Buffer.concat(chunks, length)
}
