import { VerifyRunError } from './errors.ts'
import { LIMITS } from './limits.ts'

/** The part of `fetch` that a verifier needs; the platform's own fits. */
export type Fetch = (url: string, init?: RequestInit) => Promise<Response>

/** Where the verifier reads a site. */
export interface Source {
  /**
   * Bytes at a path below the site's URL; null where the site says there is nothing (404, 410).
   * @throws VerifyRunError `ERR_VERIFY_RUN_NETWORK`, `ERR_VERIFY_RUN_HTTP`, `ERR_VERIFY_RUN_LIMIT`
   */
  get(path: string, maxBytes: number): Promise<Uint8Array | null>
}

/** Path of the evidence log below a site's URL. */
export const EVIDENCE_PATH = '/.well-known/surety/evidence/'
/** Where a site serves its audit log. */
export const AUDIT_PATH = '/.well-known/surety/audit/'

/**
 * A source over HTTP.
 * @throws VerifyRunError `ERR_VERIFY_RUN_URL`
 */
export function createSource(fetch: Fetch, siteUrl: string): Source {
  const base = baseOf(siteUrl)
  return {
    async get(path, maxBytes) {
      const url = base + path
      try {
        const response = await fetch(url, {
          cache: 'no-cache',
          credentials: 'omit',
          // Another address would answer for this one, and could lead into the verifier's own network.
          redirect: 'manual',
          signal: AbortSignal.timeout(LIMITS.requestTimeoutMs),
        })
        if (response.status === 404 || response.status === 410) return await dismiss(response, null)
        if (response.type === 'opaqueredirect' || (response.status >= 300 && response.status < 400)) {
          await dismiss(response, null)
          throw new VerifyRunError(
            'ERR_VERIFY_RUN_HTTP',
            `${url} redirects: give the address where the site itself answers`,
          )
        }
        if (!response.ok) {
          await dismiss(response, null)
          throw new VerifyRunError('ERR_VERIFY_RUN_HTTP', `${url} answered ${response.status}`)
        }
        return await readAll(response, maxBytes, url)
      } catch (cause) {
        if (cause instanceof VerifyRunError) throw cause
        throw new VerifyRunError('ERR_VERIFY_RUN_NETWORK', `${url} could not be read`, { cause })
      }
    },
  }
}

function baseOf(siteUrl: string): string {
  const url = URL.canParse(siteUrl) ? new URL(siteUrl) : null
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') {
    throw new VerifyRunError('ERR_VERIFY_RUN_URL', 'the site is not an http or https URL')
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '')
}

async function dismiss<T>(response: Response, value: T): Promise<T> {
  await response.body?.cancel()
  return value
}

/** Reads a body without ever holding more than `maxBytes` of it. */
async function readAll(response: Response, maxBytes: number, url: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  const reader = response.body?.getReader()
  for (let part = await reader?.read(); part?.value !== undefined; part = await reader?.read()) {
    chunks.push(part.value)
    length += part.value.length
    if (length > maxBytes) {
      await reader?.cancel()
      throw new VerifyRunError('ERR_VERIFY_RUN_LIMIT', `${url} is longer than ${maxBytes} bytes`)
    }
  }
  const whole = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.length
  }
  return whole
}

/** Runs a job for every item, {@link LIMITS.concurrency} at a time; the results keep the items' order. */
export async function mapConcurrently<Item, Result>(
  items: readonly Item[],
  job: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const i = next++
      results[i] = await job(items[i]!)
    }
  }
  await Promise.all(Array.from({ length: Math.min(LIMITS.concurrency, items.length) }, worker))
  return results
}
