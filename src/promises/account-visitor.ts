import { PromiseError } from './errors.ts'
import type { ProbeContext } from './probe-context.ts'
import { createMarker } from './canaries.ts'
import { siteOf } from './site.ts'

/** Where the library's own sign-in answers. */
export const ACCOUNT = {
  signUp: '/account/sign-up',
  signIn: '/account/sign-in',
  signOut: '/account/sign-out',
  secondFactor: '/account/second-factor',
  security: '/account/security',
} as const

/** As much of a browser as the account pages need: cookies, and the site's own origin. */
export interface AccountVisitor {
  get(path: string): Promise<Response>
  /** Sends a form as a page of the site would, with the form token of the page at `from`, where one is named. */
  send(path: string, fields: Readonly<Record<string, string>>, from?: string): Promise<Response>
}

/**
 * A visitor of the running app, over public HTTP. Where the configuration declares proxies and the prober
 * stands at one of their addresses, it comes from an address of its own: what it guesses wrong then
 * counts for nobody else's.
 *
 * @throws PromiseError `ERR_PROMISE_SITE`
 */
export function createAccountVisitor(context: ProbeContext, accept = 'text/html'): AccountVisitor {
  const site = new URL(siteOf(context))
  const cookies = new Map<string, string>()
  const from = forwardedFrom(context)
  const visit = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = { accept, origin: site.origin, ...from, ...(cookie && { cookie }) }
    const response = await fetch(new URL(path, site), {
      ...init,
      headers,
      redirect: 'manual',
      signal: context.signal,
    })
    for (const line of response.headers.getSetCookie()) {
      const [name = '', value = ''] = line.split(';')[0]!.split(/=(.*)/s)
      if (/max-age=0/i.test(line)) cookies.delete(name)
      else cookies.set(name, value)
    }
    return response
  }
  return {
    get: (path) => visit(path),
    async send(path, fields, from) {
      const form = from === undefined ? {} : { form: formTokenOf(await (await visit(from)).text()) }
      return visit(path, { method: 'POST', body: new URLSearchParams({ ...fields, ...form }) })
    },
  }
}

const addresses = new WeakMap<ProbeContext, string>()

/** One address for each run, of a network of its own among those for documentation (RFC 3849). */
function addressOf(context: ProbeContext): string {
  const known = addresses.get(context)
  if (known !== undefined) return known
  const random = createMarker().slice(0, 8)
  const address = `2001:db8:${random.slice(0, 4)}:${random.slice(4)}::1`
  addresses.set(context, address)
  return address
}

/** Believed only from a declared proxy; anywhere else it says nothing. */
function forwardedFrom(context: ProbeContext): Readonly<Record<string, string>> {
  const { proxies } = context.config
  if (!proxies) return {}
  const address = addressOf(context)
  return proxies.header === 'forwarded' ? { forwarded: `for="[${address}]"` } : { 'x-forwarded-for': address }
}

function formTokenOf(page: string): string {
  return /name="form" value="([^"]+)"/.exec(page)?.[1] ?? ''
}

/** The path that an answer leads to; null where it leads nowhere. */
export function leadsTo(response: Response): string | null {
  const location = response.headers.get('location')
  return location === null ? null : new URL(location, 'https://site.invalid').pathname
}

/** Somebody who exists for one run of a probe. */
export interface CanaryAccount {
  readonly email: string
  readonly password: string
}

/** Tables of sign-in that hold rows of a person. */
const OWNED = [
  'recovery_codes',
  'authenticators',
  'passkeys',
  'sign_in_sessions',
  'credentials',
  'sign_in_names',
  'accounts',
]

/** Runs `action` with a fresh account that signed up over HTTP, and removes it whatever happens. */
export async function withCanaryAccount<T>(
  context: ProbeContext,
  action: (account: CanaryAccount) => Promise<T>,
): Promise<T> {
  const marker = createMarker()
  const account = {
    email: `${marker.slice(0, 20)}@canary.example`,
    password: `${marker} Ox-bow ${marker.slice(0, 4)}`,
  }
  try {
    const answer = await createAccountVisitor(context).send(ACCOUNT.signUp, { ...account, name: 'Canary' })
    if (answer.status !== 303)
      throw new PromiseError('ERR_PROMISE_CANARY', `signing up was answered with ${answer.status}`)
    return await action(account)
  } finally {
    await removeAccount(context, account.email)
  }
}

async function removeAccount(context: ProbeContext, email: string): Promise<void> {
  const db = context.as(context.system('remove-canary', OWNED))
  const rows = await db.selectFrom('accounts').select('personId').where('email', '=', email).execute()
  for (const { personId } of rows)
    for (const table of OWNED)
      await db
        .deleteFrom(table)
        .where('personId', '=', personId as string)
        .execute()
}
