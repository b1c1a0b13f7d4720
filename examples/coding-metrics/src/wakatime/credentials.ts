/** Keys are opaque to us beyond this shape: it keeps anything odd away from the look-up. */
const KEY = /^[A-Za-z0-9_-]{16,128}$/

/**
 * The API key of a request, or null: from `Authorization: Basic base64(key)` (the key alone, or as
 * the user name of a pair), from `Authorization: Bearer key`, else from `?api_key=`.
 *
 * The key in a URL is what the web build of an editor plug-in sends. Never log a URL's query.
 */
export function readApiKey(authorization: string | null, apiKeyParameter: string | null): string | null {
  const key = authorization === null ? apiKeyParameter : fromHeader(authorization)
  return key !== null && KEY.test(key) ? key : null
}

function fromHeader(authorization: string): string | null {
  const [, scheme, credentials] = /^(Basic|Bearer) +([A-Za-z0-9+/=_.~-]+)$/i.exec(authorization.trim()) ?? []
  if (scheme === undefined || credentials === undefined) return null
  if (scheme.toLowerCase() === 'bearer') return credentials
  const decoded = Buffer.from(credentials, 'base64').toString('latin1')
  return decoded.split(':', 1)[0] ?? null
}
