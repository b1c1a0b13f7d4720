import { createMiddleware } from 'hono/factory'
import type { Context } from 'hono'
import { toBase64 } from '../kernel/index.ts'
import type { SuretyEnv } from './context.ts'

export interface SecurityHeaderOptions {
  /**
   * Whether the visitor's connection is HTTPS: HSTS is sent only then. Default: the request URL's
   * scheme. Behind a terminator that you run, decide by what it tells you.
   */
  readonly isHttps?: (c: Context) => boolean
}

/** Seconds of HSTS: two years. */
const HSTS_SECONDS = 63_072_000

/**
 * The Content-Security-Policy of every response (CSP Level 3). Scripts run only with the nonce; modules
 * that such a script imports inherit it. Styles, data and forms stay on this site; nothing can frame it,
 * and no string becomes markup or script (Trusted Types).
 */
export function contentSecurityPolicy(nonce: string, https: boolean): string {
  return [
    `default-src 'none'`,
    `script-src 'nonce-${nonce}'`,
    `style-src 'self'`,
    `img-src 'self' data:`,
    `font-src 'self'`,
    `connect-src 'self'`,
    `form-action 'self'`,
    `base-uri 'none'`,
    `object-src 'none'`,
    `frame-ancestors 'none'`,
    `require-trusted-types-for 'script'`,
    `trusted-types 'none'`,
    ...(https ? ['upgrade-insecure-requests'] : []),
  ].join('; ')
}

const RESOURCE_POLICY = 'Cross-Origin-Resource-Policy'

const FIXED: readonly (readonly [string, string])[] = [
  ['X-Content-Type-Options', 'nosniff'],
  ['X-Frame-Options', 'DENY'],
  ['Referrer-Policy', 'no-referrer'],
  ['Cross-Origin-Opener-Policy', 'same-origin'],
  [
    'Permissions-Policy',
    'accelerometer=(), browsing-topics=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), microphone=(), payment=(), usb=()',
  ],
]

/** Lets scripts of every origin read a response: public evidence is there to be checked from anywhere. */
export function allowAnyone(c: Context): void {
  c.header('Access-Control-Allow-Origin', '*')
  c.header(RESOURCE_POLICY, 'cross-origin')
}

/**
 * Security headers on every response, those of errors included; sets `nonce` in the context. A handler
 * cannot weaken the policy, it is written last. HTML is never stored by caches: it holds the nonce.
 */
export function securityHeaders(options: SecurityHeaderOptions = {}) {
  const isHttps = options.isHttps ?? ((c) => new URL(c.req.url).protocol === 'https:')
  return createMiddleware<SuretyEnv>(async (c, next) => {
    const nonce = toBase64(crypto.getRandomValues(new Uint8Array(18)))
    c.set('nonce', nonce)
    await next()
    const https = isHttps(c)
    const type = c.res.headers.get('Content-Type') ?? ''
    const policy = contentSecurityPolicy(nonce, https)
    // An SVG opened by itself is a document: it gets no origin.
    c.header('Content-Security-Policy', type.startsWith('image/svg+xml') ? `${policy}; sandbox` : policy)
    for (const [name, value] of FIXED) c.header(name, value)
    if (!c.res.headers.has(RESOURCE_POLICY)) c.header(RESOURCE_POLICY, 'same-origin')
    if (https) c.header('Strict-Transport-Security', `max-age=${HSTS_SECONDS}; includeSubDomains`)
    if (type.startsWith('text/html') || !c.res.headers.has('Cache-Control'))
      c.header('Cache-Control', 'no-store')
  })
}
