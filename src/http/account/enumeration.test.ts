import { afterAll, beforeAll, describe, expect, test, type TestContext } from 'vitest'
import { GOOD_PASSWORD, OTHER_PASSWORD } from '../../identity/testing.ts'
import { openAccountSite, type AccountSite, type TestBrowser } from '../testing/account-site.ts'

// What answers and their time tell of who has an account. Times are medians of interleaved rounds; a hash costs so much
// that one which is missing makes several times the difference that a busy machine does.
const ARGON2 = { memoryKib: 32_768, passes: 3, lanes: 1 } as const
const ROUNDS = 7
const OWNER = 'owner@example.com'

let site: AccountSite
let owner: TestBrowser
beforeAll(async () => {
  site = await openAccountSite({ sendsMail: true, argon2: ARGON2 })
  owner = site.browser()
  await owner.post('/account/sign-up', { email: OWNER, name: 'Ada', password: GOOD_PASSWORD })
  await owner.post('/account/sign-in', { email: OWNER, password: GOOD_PASSWORD })
}, 240_000)
afterAll(() => site.close())

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!

/** Sends both by turns: what is answered, and how many times as long the first one takes. */
async function compare(known: () => Promise<Response>, unknown: () => Promise<Response>) {
  const seen = [known, unknown].map((ask) => ({ ask, answers: [] as string[], times: [] as number[] }))
  for (let round = 0; round < ROUNDS + 1; round++) {
    for (const { ask, answers, times } of round % 2 === 0 ? seen : seen.toReversed()) {
      const began = performance.now()
      const answer = await ask()
      const text = await answer.text()
      // The first of each loads what the others find.
      if (round > 0) times.push(performance.now() - began)
      answers.push(`${answer.status} ${answer.headers.get('location')} ${normal(text)}`)
      await site.mail.outbox.idle()
    }
  }
  const [first, second] = seen.map(({ answers, times }) => ({ answers, ms: median(times) }))
  return { answers: [first!.answers, second!.answers], ms: [first!.ms, second!.ms] as const }
}

/** A page without what is new each time, and without what was typed. */
function normal(page: string): string {
  return page.replaceAll(/nonce="[^"]*"|value="[^"]*"|"requestId":"[^"]*"/g, '')
}

async function show({ annotate }: TestContext, what: string, [known, unknown]: readonly [number, number]) {
  const figures = `${known.toFixed(1)} ms with an account, ${unknown.toFixed(1)} ms without`
  await annotate(`${what}: ${figures}, ${(known / unknown).toFixed(2)} times`)
  const ratio = known / unknown
  expect(ratio, figures).toBeGreaterThan(0.4)
  expect(ratio, figures).toBeLessThan(2.5)
}

let count = 0
const nobody = (): string => `nobody-${++count}@example.com`

describe(
  'who has an account is shown neither by what is answered nor by its time',
  { timeout: 600_000 },
  () => {
    test('to a sign-in', async (context) => {
      const attempt = (email: string) =>
        site.browser().post('/account/sign-in', { email, password: OTHER_PASSWORD })
      const { answers, ms } = await compare(
        () => attempt(OWNER),
        () => attempt(nobody()),
      )
      expect(answers[0]).toEqual(answers[1])
      await show(context, 'sign-in', ms)
    })

    test('to a sign-up', async (context) => {
      const attempt = (email: string) =>
        site.browser().post('/account/sign-up', { email, name: 'Eve', password: OTHER_PASSWORD })
      const { answers, ms } = await compare(
        () => attempt(OWNER),
        () => attempt(nobody()),
      )
      expect(answers[0]).toEqual(answers[1])
      await show(context, 'sign-up', ms)
    })

    test('to whoever forgot their password', async (context) => {
      const attempt = (email: string) => site.browser().post('/account/reset', { email })
      const { answers, ms } = await compare(
        () => attempt(OWNER),
        () => attempt(nobody()),
      )
      expect(answers[0]).toEqual(answers[1])
      await show(context, 'forgotten password', ms)
    })

    test('to somebody who wants another address', async (context) => {
      const taken = 'taken@example.com'
      await site.browser().post('/account/sign-up', { email: taken, name: 'Grace', password: GOOD_PASSWORD })
      const form = await owner.formToken('/account/security')
      const attempt = (email: string) => owner.post('/account/address/change', { form, email })
      const { answers, ms } = await compare(
        () => attempt(taken),
        () => attempt(nobody()),
      )
      expect(answers[0]).toEqual(answers[1])
      await show(context, 'another address', ms)
    })
  },
)
