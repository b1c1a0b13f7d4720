import { GOOD_PASSWORD } from '../../identity/testing.ts'
import type { AccountSite, TestBrowser } from './account-site.ts'

/** What the visitors of an account site do, each with {@link GOOD_PASSWORD}. */
export interface AccountVisitors {
  /** Signs somebody new up, and tells their address. */
  signUp(browser: TestBrowser): Promise<string>
  signIn(browser: TestBrowser, email: string, more?: Record<string, string>): Promise<Response>
  /** Somebody new who has signed in, with the token of their forms. */
  signedIn(): Promise<{ browser: TestBrowser; email: string; form: string }>
  /** Who has signed in there. */
  personOf(browser: TestBrowser): Promise<string>
}

export function accountVisitors(site: AccountSite): AccountVisitors {
  let count = 0
  const visitors: AccountVisitors = {
    async signUp(browser) {
      const email = `visitor-${++count}@example.com`
      const answer = await browser.post('/account/sign-up', { email, name: 'Ada', password: GOOD_PASSWORD })
      if (answer.status !== 303) throw new TypeError(`signing up was answered with ${answer.status}`)
      return email
    },
    signIn: (browser, email, more = {}) =>
      browser.post('/account/sign-in', { email, password: GOOD_PASSWORD, ...more }),
    async signedIn() {
      const browser = site.browser()
      const email = await visitors.signUp(browser)
      const answer = await visitors.signIn(browser, email)
      if (answer.status !== 303) throw new TypeError(`signing in was answered with ${answer.status}`)
      return { browser, email, form: await browser.formToken('/account/security') }
    },
    async personOf(browser) {
      const cookie = [...browser.cookies].map((pair) => pair.join('=')).join('; ')
      const session = await site.identity.session(new Request('http://localhost/', { headers: { cookie } }))
      return session!.personId
    },
  }
  return visitors
}

export const locationOf = (response: Response): string | null => response.headers.get('location')
export const codeOf = async (response: Response): Promise<string> =>
  ((await response.json()) as { code: string }).code
