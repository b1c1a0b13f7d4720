import { z } from 'zod'
import { ACCOUNT, createAccountVisitor } from './account-visitor.ts'
import { createMarker } from './canaries.ts'
import { definePromise } from './definition.ts'
import { ownSignIn, unmeasurable } from './encryption-passwords.ts'
import type { ProbeContext } from './probe-context.ts'

/** New passwords that are weak, or known to be stolen, are refused. */
export const authPasswords = definePromise({
  id: 'auth.passwords',
  evidence: 'measured',
  checkedBy: 'self',
  version: 1,
  cadence: '1d',
  takes: '3s',
  parameters: z.strictObject({}),
  check: ownSignIn,
  cannotProve: ({ signIn }) => [
    'That nobody uses the same password elsewhere, or gives it away.',
    'Passwords that were set before these rules held.',
    ...(signIn?.breachedPasswords?.url === undefined
      ? ['Stolen passwords beyond the most common ones: no service that knows more is configured.']
      : ['That the service of stolen passwords knows every one of them.']),
  ],

  async probe(context) {
    if (!context.config.signIn) return unmeasurable()
    const marker = createMarker()
    const tries = await tryAll(context, marker)
    const taken = tries
      .filter(({ code }) => !code.startsWith('ERR_IDENTITY_PASSWORD_'))
      .map(({ kind }) => kind)
    // The same form with a good password fails at the next rule only: so it was the password that was refused.
    const control = await signUp(context, `${marker} Ox-bow ${marker.slice(0, 4)}`, marker)
    const values = {
      tried: tries.length,
      refused: tries.length - taken.length,
      goodPasswordPassed: control === 'ERR_IDENTITY_NAME',
    }
    if (control !== 'ERR_IDENTITY_NAME') {
      const summary = `A good password was answered with ${control}, so the refusal of bad ones shows nothing.`
      return { outcome: 'undecided', summary, values }
    }
    if (taken.length > 0)
      return { outcome: 'broken', summary: `Sign-up took a password that is ${taken.join(', ')}.`, values }
    const summary = `Sign-up refused ${tries.length} bad passwords (common, guessable, made of the person’s name, too short, too long), and not a good one.`
    return { outcome: 'kept', summary, values }
  },
})

async function tryAll(context: ProbeContext, marker: string): Promise<{ kind: string; code: string }[]> {
  const bad: readonly (readonly [kind: string, password: string])[] = [
    ['common', 'password'],
    ['common', 'iloveyou'],
    ['common', 'QWERTYUIOP'],
    ['guessable', 'aaaaaaaaaaaaaaaa'],
    ['guessable', 'abcdefghijklmnop'],
    ['guessable', '1987-06-05'],
    ['made of the person’s name', `${marker}1`],
    ['too short', 'kP4!x'],
    ['too long', 'x'.repeat(100_000)],
  ]
  const tries: { kind: string; code: string }[] = []
  for (const [kind, password] of bad) {
    tries.push({ kind, code: await signUp(context, password, marker) })
    context.progress(tries.length, bad.length, 'passwords tried')
  }
  return tries
}

/** The code that sign-up answers. The name is missing, so that no account is made whatever happens. */
async function signUp(context: ProbeContext, password: string, marker: string): Promise<string> {
  const visitor = createAccountVisitor(context, 'application/json')
  const answer = await visitor.send(ACCOUNT.signUp, { email: `${marker}@canary.example`, name: '', password })
  const body: unknown = await answer.json().catch(() => null)
  const code = typeof body === 'object' && body !== null && 'code' in body ? body.code : null
  return typeof code === 'string' ? code : `status ${answer.status}`
}
