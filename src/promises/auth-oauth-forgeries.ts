import type { SignInProvider } from '../declare/index.ts'

export interface Forgeries {
  /** Forged answers that were sent. */
  readonly tried: number
  /** What went otherwise than it should, in words. */
  readonly problems: readonly string[]
}

const PATH = '/account/sign-in/with'
/** 256 random bits, or 43 characters of base64url. */
const RANDOM = /^[A-Za-z0-9_-]{43,}$/

interface Begun {
  readonly asked: URLSearchParams
  readonly cookie: string
  readonly attributes: string
}

/**
 * Begins sign-ins as a browser does, looks whether each is bound to its browser, and sends answers that
 * no provider gave: none may open a session.
 */
export async function forgeAnswers(
  site: string,
  { id, kind }: SignInProvider,
  signal: AbortSignal,
): Promise<Forgeries> {
  const ask = (path: string, cookie?: string): Promise<Response> =>
    fetch(new URL(path, site), { headers: cookie ? { cookie } : {}, redirect: 'manual', signal })
  const [one, other] = [begun(await ask(`${PATH}/${id}`)), begun(await ask(`${PATH}/${id}`))]
  if (!one || !other) return { tried: 0, problems: ['a sign-in does not begin'] }
  const problems = [...problemsOf(one, kind, site), ...repeated(one, other)]
  const answers: readonly (readonly [string, string | undefined, string])[] = [
    [one.asked.get('state') ?? '', undefined, 'in another browser'],
    [other.asked.get('state') ?? '', one.cookie, 'to another sign-in'],
    ['forged', one.cookie, 'with an invented state'],
    [one.asked.get('state') ?? '', one.cookie, 'with an invented code'],
  ]
  for (const [state, cookie, what] of answers) {
    const query = new URLSearchParams({ state, code: 'forged', iss: one.asked.get('iss') ?? '' })
    const response = await ask(`${PATH}/${id}/callback?${query.toString()}`, cookie)
    await response.body?.cancel()
    if (response.status < 400 || setsSession(response)) problems.push(`an answer ${what} was taken`)
  }
  return { tried: answers.length, problems }
}

function begun(response: Response): Begun | null {
  const location = URL.parse(response.headers.get('location') ?? '')
  const [line] = response.headers.getSetCookie()
  if (response.status !== 303 || !location || line === undefined) return null
  const [cookie = '', ...attributes] = line.split(';')
  return { asked: location.searchParams, cookie, attributes: attributes.join(';').toLowerCase() }
}

function problemsOf({ asked, attributes }: Begun, kind: SignInProvider['kind'], site: string): string[] {
  const { origin, protocol } = new URL(site)
  const rules: readonly (readonly [boolean, string])[] = [
    [RANDOM.test(asked.get('state') ?? ''), 'its state can be guessed'],
    [kind === 'oauth' || RANDOM.test(asked.get('nonce') ?? ''), 'its nonce can be guessed'],
    [asked.get('code_challenge_method') === 'S256', 'it goes without PKCE'],
    [URL.parse(asked.get('redirect_uri') ?? '')?.origin === origin, 'it leads back to another site'],
    [attributes.includes('httponly'), 'scripts can read what binds it to the browser'],
    [
      protocol === 'http:' || attributes.includes('secure'),
      'what binds it to the browser travels in the clear',
    ],
  ]
  return rules.flatMap(([holds, problem]) => (holds ? [] : [problem]))
}

function repeated(one: Begun, other: Begun): string[] {
  return ['state', 'nonce', 'code_challenge']
    .filter((name) => one.asked.has(name) && one.asked.get(name) === other.asked.get(name))
    .map((name) => `its ${name} comes twice`)
}

/** Any cookie that is set to something: what only ends one has no value. */
function setsSession(response: Response): boolean {
  return response.headers.getSetCookie().some((line) => !/^[^=;]+=(?:;|$)/.test(line))
}
