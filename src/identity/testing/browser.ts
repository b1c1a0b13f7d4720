import { createSecretKey } from 'node:crypto'
import type { SignInProvider } from '../../declare/index.ts'
import type { Clock } from '../../kernel/index.ts'
import { createProviderSignIn, type FinishedSignIn, type ProviderSignIn } from '../oidc/provider-sign-in.ts'

export const COOKIE = 'test-sign-in'
const SITE = 'http://localhost:4321'

/** Sign-in as a system would have it, for tests: what is used up is remembered in memory. */
export function testSignIn(providers: readonly SignInProvider[], clock: Clock, site = SITE): ProviderSignIn {
  const used = new Set<string>()
  return createProviderSignIn({
    providers,
    callbackUrl: (id) => `${site}/account/sign-in/${id}/callback`,
    transactionKey: createSecretKey(Buffer.alloc(32, 7)),
    cookieName: COOKIE,
    isHttps: false,
    use: async (id) => used.size < used.add(id).size,
    clock,
  })
}

/** What a browser with the transaction's cookie asks for when the provider sends it to `url`. */
export function returning(url: string, cookie: string): Request {
  return new Request(url, { headers: { cookie: cookie.split(';')[0] ?? '' } })
}

/** A whole sign-in where the provider asks nothing. */
export async function signInWith(
  signIn: ProviderSignIn,
  provider: { authorize(location: string): string },
  id: string,
  returnTo = '/',
): Promise<FinishedSignIn> {
  const { location, cookie } = await signIn.begin(id, returnTo)
  return signIn.finish(id, returning(provider.authorize(location), cookie))
}
