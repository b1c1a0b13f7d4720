import { createHmac, timingSafeEqual } from 'node:crypto'

/** What a form of a session carries, so that no other site can send it in the person's name. */
export interface FormTokens {
  of(sessionId: string): string
  isOf(sessionId: string, given: string): boolean
}

export function createFormTokens(secret: string): FormTokens {
  const of = (sessionId: string): string =>
    createHmac('sha256', secret).update(`form of ${sessionId}`).digest('base64url')
  return {
    of,
    isOf(sessionId, given) {
      const [own, other] = [Buffer.from(of(sessionId)), Buffer.from(given)]
      return own.length === other.length && timingSafeEqual(own, other)
    },
  }
}

/**
 * Whether a page of this site sent the request. Browsers say where a request comes from (Fetch Metadata); those
 * that do not say name the origin. Who says neither is no browser that shows our pages.
 */
export function isSameOrigin(request: Request, url: string): boolean {
  const site = request.headers.get('sec-fetch-site')
  if (site !== null) return site === 'same-origin'
  return request.headers.get('origin') === new URL(url).origin
}

/** Where to go after sign-in: a path of this site, or the fallback for anything else. */
export function returnPath(given: unknown, fallback: string): string {
  if (typeof given !== 'string' || given.length > 2_000 || !given.startsWith('/')) return fallback
  const base = 'https://site.invalid'
  const target = URL.parse(given, base)
  // A browser takes `\` for `/` and drops tabs (URL Standard §4.4): the parsed form decides, and is what is sent.
  if (target?.origin !== base || target.pathname.startsWith('//')) return fallback
  return `${target.pathname}${target.search}`
}
