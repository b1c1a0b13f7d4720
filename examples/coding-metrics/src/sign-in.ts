import type { Identity } from 'surety'

/** What this product needs of Surety's sign-in. */
export interface SignIn {
  /** The pseudonym of whoever sent the request, or null. */
  personIdOf(request: Request): Promise<string | null>
  /** What the forms of the request's session carry (CSRF); null for nobody. */
  formToken(request: Request): Promise<string | null>
  /** Ends the request's session; gives the `Set-Cookie` header that takes it from the browser. */
  end(request: Request): Promise<string>
}

/** Id of the demo's identity provider in the configuration. */
export const DEMO_PROVIDER = 'demo'

/** Where a sign-in through the demo's provider begins; it leads back to `returnTo`. */
export function signInPath(returnTo = '/'): string {
  return `/account/sign-in/with/${DEMO_PROVIDER}?next=${encodeURIComponent(returnTo)}`
}

/** @throws TypeError where the configuration has no sign-in */
export function createSignIn(identity: Identity | null): SignIn {
  if (!identity) throw new TypeError('this product signs people in: configure signIn')
  return {
    personIdOf: async (request) => (await identity.signedIn(request))?.personId ?? null,
    async formToken(request) {
      const signedIn = await identity.signedIn(request)
      return signedIn && identity.forms.of(signedIn.sessionId)
    },
    async end(request) {
      const token = identity.cookie.read(request)
      if (token !== null) await identity.sessions.end(token)
      return identity.cookie.clear()
    },
  }
}
