import { createHmac, timingSafeEqual } from 'node:crypto'

/** The cookie that carries a session's token. */
export interface SessionCookie {
  readonly name: string
  /** A `Set-Cookie` value that hands the token to the browser until the session ends in any case. */
  set(token: string): string
  /** A `Set-Cookie` value that takes it away. */
  clear(): string
  /** The token of a request, if its signature is ours; null otherwise. */
  read(request: Request): string | null
}

export interface SessionCookieOptions {
  /** Name of the system: browsers do not tell the ports of one host apart. */
  readonly system: string
  /** Whether the site is served over HTTPS: then the cookie is Secure and bound to the host by its prefix. */
  readonly secure: boolean
  readonly secret: string
  readonly maxAgeSeconds: number
}

/** `__Host-` (RFC 6265bis §4.1.3.2) keeps sub-domains and plain HTTP from setting the cookie. */
export function sessionCookieName(system: string, secure: boolean): string {
  return `${secure ? '__Host-' : ''}${system}-session`
}

/**
 * The signature is Better Auth's (HMAC-SHA256, base64, behind a dot), so that both read each other's
 * cookies. The token alone is the secret; the signature keeps guesses away from the database.
 */
export function createSessionCookie({
  system,
  secure,
  secret,
  maxAgeSeconds,
}: SessionCookieOptions): SessionCookie {
  const name = sessionCookieName(system, secure)
  const attributes = `Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`
  const sign = (token: string): string => createHmac('sha256', secret).update(token).digest('base64')
  return {
    name,
    set: (token) =>
      `${name}=${encodeURIComponent(`${token}.${sign(token)}`)}; Max-Age=${maxAgeSeconds}; ${attributes}`,
    clear: () => `${name}=; Max-Age=0; ${attributes}`,
    read(request) {
      const value = cookieOf(request, name)
      if (value === null) return null
      const dot = value.lastIndexOf('.')
      const token = value.slice(0, Math.max(dot, 0))
      const [given, own] = [Buffer.from(value.slice(dot + 1)), Buffer.from(sign(token))]
      return given.length === own.length && timingSafeEqual(given, own) ? token : null
    },
  }
}

/** The value of one cookie; null where it is missing, sent twice, or no percent-encoded text. */
export function cookieOf(request: Request, name: string): string | null {
  const pairs = (request.headers.get('cookie') ?? '').split(';').map((pair) => pair.trim())
  const values = pairs.filter((pair) => pair.startsWith(`${name}=`))
  if (values.length !== 1) return null
  try {
    return decodeURIComponent(values[0]!.slice(name.length + 1))
  } catch {
    return null
  }
}
