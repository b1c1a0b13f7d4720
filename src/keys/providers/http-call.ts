import { setTimeout as wait } from 'node:timers/promises'
import { KeysError } from '../errors.ts'

export interface HttpRequest {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

export interface HttpAnswer {
  readonly status: number
  /** The parsed body; null when there is none or it is no JSON. */
  readonly body: unknown
}

export interface HttpCallOptions {
  /** What answers, for error messages: `AWS KMS`, `Vault`. */
  readonly service: string
  readonly timeoutMs: number
  /** Signs or otherwise completes a request; asked anew for each attempt. */
  readonly prepare: () => Promise<HttpRequest>
  /** False where doing it twice would matter. */
  readonly repeatable: boolean
}

const MOST_BYTES = 4 * 1024 * 1024
const ATTEMPTS = 3
const PAUSE_MS = 100

/**
 * One call of a key service, repeated after a refusal to serve (429, 5xx) or a broken connection, all
 * within `timeoutMs`. Redirects are refused: they would carry the credentials elsewhere.
 *
 * @throws KeysError `ERR_KEYS_PROVIDER_UNAVAILABLE`; no message or cause holds a request or an answer
 */
export async function callService(options: HttpCallOptions): Promise<HttpAnswer> {
  const { service, timeoutMs, repeatable } = options
  const signal = AbortSignal.timeout(timeoutMs)
  for (let attempt = 1; ; attempt++) {
    const answer = await once(await options.prepare(), signal)
    const failed = answer === null || answer.status === 429 || answer.status >= 500
    if (!failed) return answer
    if (signal.aborted) throw unavailable(`${service} did not answer within ${timeoutMs} ms`)
    if (!repeatable || attempt === ATTEMPTS)
      throw unavailable(
        answer === null ? `${service} cannot be reached` : `${service} answered ${answer.status}`,
      )
    await wait(PAUSE_MS * attempt, undefined, { signal }).catch(() => undefined)
  }
}

async function once(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer | null> {
  try {
    const { method, headers } = request
    const body = request.body === undefined ? {} : { body: request.body }
    const response = await fetch(request.url, { method, headers, ...body, redirect: 'error', signal })
    const text = await readText(response)
    return text === null ? null : { status: response.status, body: parse(text) }
  } catch {
    // What fetch says may quote the address; whoever calls names the service.
    return null
  }
}

async function readText(response: Response): Promise<string | null> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body ?? []) {
    length += chunk.length
    if (length > MOST_BYTES) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

export function unavailable(message: string, mend?: string): InstanceType<typeof KeysError> {
  return new KeysError('ERR_KEYS_PROVIDER_UNAVAILABLE', message, mend === undefined ? {} : { mend })
}

/** A member of a JSON object that has to be there; a service that leaves it out does not work as known. */
export function member<T extends 'string' | 'number' | 'boolean'>(
  value: unknown,
  name: string,
  type: T,
): T extends 'string' ? string : T extends 'number' ? number : boolean {
  const found =
    typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
  if (typeof found !== type) throw unavailable(`the key service answered without ${name}`)
  return found as never
}
