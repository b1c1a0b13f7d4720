import { createHmac } from 'node:crypto'

/** What a form of a session carries, so that no other site can send it in the person's name. */
export interface FormTokens {
  of(sessionId: string): string
}

export function createFormTokens(secret: string): FormTokens {
  return {
    of: (sessionId) => createHmac('sha256', secret).update(`form of ${sessionId}`).digest('base64url'),
  }
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
