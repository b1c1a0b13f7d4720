/** One answer of a site, as any visitor gets it. */
export interface HeaderSample {
  readonly path: string
  readonly secure: boolean
  readonly headers: Headers
}

/** A rule that an answer breaks. */
export interface HeaderFinding {
  readonly path: string
  readonly rule: string
  readonly problem: string
}

type Rule = (sample: HeaderSample) => string | null

/**
 * What protects a visitor's browser. Sources: CSP Level 3, HSTS (RFC 6797 §6.1), Fetch, Referrer
 * Policy, HTML §7.1.3 (cross-origin opener policy), and the Mozilla Observatory's scoring rules.
 */
const RULES: Readonly<Record<string, Rule>> = {
  'content-security-policy': (sample) => judgeCsp(readCsp(sample.headers.get('content-security-policy'))),
  'strict-transport-security': ({ secure, headers }) =>
    secure ? judgeHsts(headers.get('strict-transport-security')) : null,
  'x-content-type-options': ({ headers }) =>
    headers.get('x-content-type-options')?.toLowerCase() === 'nosniff' ? null : 'is not nosniff',
  'referrer-policy': ({ headers }) =>
    REFERRER_POLICIES.has(headers.get('referrer-policy') ?? '') ? null : 'lets addresses leak to other sites',
  'permissions-policy': ({ headers }) => (headers.get('permissions-policy') ? null : 'is missing'),
  'cross-origin-opener-policy': ({ headers }) =>
    headers.get('cross-origin-opener-policy') === 'same-origin' ? null : 'is not same-origin',
  'server-software': ({ headers }) =>
    headers.has('x-powered-by') || /\d/.test(headers.get('server') ?? '')
      ? 'tells which software answers'
      : null,
}

const REFERRER_POLICIES = new Set([
  'no-referrer',
  'same-origin',
  'strict-origin',
  'strict-origin-when-cross-origin',
])
const LEAST_HSTS_SECONDS = 15_552_000

/** The names of the rules that {@link gradeHeaders} holds each answer against. */
export const HEADER_RULES: readonly string[] = [...Object.keys(RULES), 'fresh-nonce']

/**
 * Holds answers against every rule. Two answers of one path must not share a CSP nonce: a nonce
 * that stays is known to an attacker (CSP Level 3 §7.1).
 */
export function gradeHeaders(samples: readonly HeaderSample[]): HeaderFinding[] {
  const findings = samples.flatMap((sample) =>
    Object.entries(RULES).flatMap(([rule, judge]) => {
      const problem = judge(sample)
      return problem ? [{ path: sample.path, rule, problem }] : []
    }),
  )
  return [...findings, ...repeatedNonces(samples)]
}

function repeatedNonces(samples: readonly HeaderSample[]): HeaderFinding[] {
  const seen = new Set<string>()
  return samples.flatMap(({ path, headers }) => {
    const nonces = new Set(headers.get('content-security-policy')?.match(/'nonce-[^']+'/g) ?? [])
    const repeated = [...nonces].some((nonce) => seen.has(nonce))
    for (const nonce of nonces) seen.add(nonce)
    return repeated ? [{ path, rule: 'fresh-nonce', problem: 'repeats a nonce of an earlier answer' }] : []
  })
}

type Csp = ReadonlyMap<string, readonly string[]>

function readCsp(header: string | null): Csp | null {
  if (!header) return null
  const directives = new Map<string, readonly string[]>()
  for (const directive of header.split(';')) {
    const [name, ...sources] = directive.trim().split(/\s+/)
    // CSP Level 3 §2.2.1: of a repeated directive only the first counts.
    if (name && !directives.has(name.toLowerCase())) directives.set(name.toLowerCase(), sources)
  }
  return directives
}

const LOOSE_SOURCES = /^(\*|https?:|data:|blob:|'unsafe-(inline|eval|hashes)')$/i

function judgeCsp(csp: Csp | null): string | null {
  if (!csp) return 'is missing'
  const fallback = csp.get('default-src')
  for (const name of ['script-src', 'style-src', 'object-src', 'connect-src']) {
    const sources = csp.get(name) ?? fallback
    if (!sources) return `does not restrict ${name}`
    const loose = sources.find((source) => LOOSE_SOURCES.test(source))
    if (loose) return `allows ${loose} in ${name}`
  }
  for (const name of ['base-uri', 'form-action', 'frame-ancestors']) {
    const sources = csp.get(name)
    if (!sources || sources.some((source) => LOOSE_SOURCES.test(source))) return `does not restrict ${name}`
  }
  return null
}

function judgeHsts(header: string | null): string | null {
  const seconds = Number(/max-age="?(\d+)/i.exec(header ?? '')?.[1] ?? 0)
  return seconds >= LEAST_HSTS_SECONDS ? null : 'is missing or shorter than 180 days'
}
