/** Redirects a sign-in takes at most; beyond that it goes in circles. */
const MAX_STEPS = 12
const TIMEOUT_MS = 15_000

export interface ScriptedSignIn {
  /** The system's address that begins the sign-in. */
  readonly start: string
  /** Whom to choose on the provider's page. */
  readonly sub: string
}

export interface SignedIn {
  /** A `Cookie` header's value with what the system set. */
  readonly cookie: string
  /** Status of the system's last answer. */
  readonly status: number
  /** Where it led. */
  readonly url: string
}

/** Signs somebody in as a browser does: it follows every redirect and answers the provider's page. */
export async function signInThrough({ start, sub }: ScriptedSignIn): Promise<SignedIn> {
  const jars = new Map<string, Map<string, string>>()
  const home = new URL(start).origin
  let next = new URL(start)
  let form: URLSearchParams | null = null
  for (let step = 0; step < MAX_STEPS; step += 1) {
    const jar = jars.get(next.origin) ?? new Map<string, string>()
    jars.set(next.origin, jar)
    const response = await fetch(next, {
      method: form ? 'POST' : 'GET',
      headers: { cookie: cookieHeader(jar) },
      ...(form ? { body: form } : {}),
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    keepCookies(jar, response)
    await response.body?.cancel()
    form = null
    const location = response.headers.get('location')
    if (location !== null) next = new URL(location, next)
    else if (next.origin === home) {
      return { cookie: cookieHeader(jar), status: response.status, url: next.href }
    } else if (response.ok) form = new URLSearchParams({ person: sub })
    else throw new TypeError(`the identity provider answered with ${response.status}`)
  }
  throw new TypeError(`a sign-in at ${home} does not end`)
}

function cookieHeader(jar: ReadonlyMap<string, string>): string {
  return [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
}

function keepCookies(jar: Map<string, string>, response: Response): void {
  for (const line of response.headers.getSetCookie()) {
    const [pair = '', ...attributes] = line.split(';')
    const at = pair.indexOf('=')
    const ends = attributes.some((attribute) => /^\s*max-age=0\s*$/i.test(attribute))
    const value = pair.slice(at + 1).trim()
    if (ends || value === '') jar.delete(pair.slice(0, at).trim())
    else jar.set(pair.slice(0, at).trim(), value)
  }
}
