import { z } from 'zod'
import { SECOND_FACTORS, totpCode, totpStep } from '../identity/index.ts'
import {
  ACCOUNT,
  createAccountVisitor,
  leadsTo,
  withCanaryAccount,
  type AccountVisitor,
} from './account-visitor.ts'
import type { CanaryAccount } from './account-visitor.ts'
import { definePromise } from './definition.ts'
import { ownSignIn, unmeasurable } from './encryption-passwords.ts'
import type { ProbeContext } from './probe-context.ts'

/** Whoever has a second factor is not signed in without it. */
export const authMfa = definePromise({
  id: 'auth.mfa',
  evidence: 'measured',
  checkedBy: 'self',
  version: 1,
  cadence: '1d',
  takes: '3s',
  parameters: z.strictObject({}),
  check: ownSignIn,
  cannotProve: ({ signIn }) => [
    'That people keep their devices and recovery codes to themselves.',
    'Passkeys: the probe has an authenticator app, and no device with a passkey.',
    ...(signIn?.secondFactor?.roles?.length
      ? []
      : ['That everybody has a second factor: no role demands one.']),
  ],

  async probe(context) {
    if (!context.config.signIn) return unmeasurable()
    const problems = await withCanaryAccount(context, (account) => attack(context, account))
    const people = await enteredWithout(context)
    const values = { attempts: ATTEMPTS, succeeded: problems.length, sessionsWithoutFactor: people }
    const [problem] = problems
    if (problem) return { outcome: 'broken', summary: `${problem}.`, values }
    if (people > 0) {
      const summary = `${people} live sessions of people with a second factor were opened without it.`
      return { outcome: 'broken', summary, values }
    }
    const summary =
      'A canary with an authenticator app was not let in by its password alone, by a wrong code, or by a code used before; with the right code it was. No live session of anybody with a second factor was opened without it.'
    return { outcome: 'kept', summary, values }
  },
})

const ATTEMPTS = 4

/** Each way in that should be closed, and the one that should be open; what went otherwise, in words. */
async function attack(context: ProbeContext, account: CanaryAccount): Promise<string[]> {
  const { secret, used } = await setUp(context, account)
  const code = (): string => totpCode(secret, totpStep(context.clock.now()))
  const visitor = createAccountVisitor(context)
  const problems: string[] = []
  const first = await visitor.send(ACCOUNT.signIn, { ...account })
  if (leadsTo(first) !== ACCOUNT.secondFactor || (await opens(visitor)))
    problems.push('A password alone signed a canary in that has a second factor')
  await visitor.send(ACCOUNT.secondFactor, { code: wrong(code()) }, ACCOUNT.secondFactor)
  if (await opens(visitor)) problems.push('A wrong code signed a canary in')
  await visitor.send(ACCOUNT.secondFactor, { code: used }, ACCOUNT.secondFactor)
  if (await opens(visitor)) problems.push('A code that was used before signed a canary in')
  // One step ahead counts, for clocks that differ, and was not taken yet.
  const ahead = totpCode(secret, totpStep(context.clock.now()) + 1)
  await visitor.send(ACCOUNT.secondFactor, { code: ahead }, ACCOUNT.secondFactor)
  if (!(await opens(visitor))) problems.push('The right code did not sign a canary in')
  return problems
}

async function opens(visitor: AccountVisitor): Promise<boolean> {
  const answer = await visitor.get(ACCOUNT.security)
  await answer.body?.cancel()
  return answer.status === 200
}

function wrong(code: string): string {
  return String((Number(code) + 500_000) % 1_000_000).padStart(6, '0')
}

/** Signs in, sets an authenticator app up as a person does, and signs out. */
async function setUp(context: ProbeContext, account: CanaryAccount): Promise<AppSetUp> {
  const visitor = createAccountVisitor(context)
  await visitor.send(ACCOUNT.signIn, { ...account })
  const page = await visitor.send(`${ACCOUNT.security}/authenticator`, {}, ACCOUNT.security)
  const secret = /class="key">([A-Z2-7 ]+)</.exec(await page.text())?.[1]?.replaceAll(' ', '') ?? ''
  const used = totpCode(secret, totpStep(context.clock.now()))
  const confirmed = await visitor.send(
    `${ACCOUNT.security}/authenticator-confirm`,
    { code: used },
    ACCOUNT.security,
  )
  await confirmed.body?.cancel()
  await visitor.send(ACCOUNT.signOut, {}, ACCOUNT.security)
  return { secret, used }
}

interface AppSetUp {
  /** Shared with the app. */
  readonly secret: string
  /** The code that was taken when the app was set up. */
  readonly used: string
}

/** Live sessions, opened after the person's app counted, that opened without a second factor. */
async function enteredWithout(context: ProbeContext): Promise<number> {
  const db = context.as(context.system('auth.mfa', ['authenticators', 'sign_in_sessions']))
  const apps = await db.selectFrom('authenticators').select(['personId', 'confirmedAt']).execute()
  const since = new Map(apps.map(({ personId, confirmedAt }) => [personId, confirmedAt]))
  const sessions = await db
    .selectFrom('sign_in_sessions')
    .select(['personId', 'pending', 'methods', 'authenticatedAt', 'expiresAt'])
    .execute()
  return sessions.filter(({ personId, pending, methods, authenticatedAt, expiresAt }) => {
    const confirmedAt = since.get(personId)
    const after = confirmedAt instanceof Date && (authenticatedAt as Date) > confirmedAt
    const live = (expiresAt as Date).getTime() > context.clock.now()
    return (
      after && live && !pending && !SECOND_FACTORS.some((factor) => (methods as string[]).includes(factor))
    )
  }).length
}
