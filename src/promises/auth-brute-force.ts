import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import {
  ACCOUNT,
  createAccountVisitor,
  leadsTo,
  withCanaryAccount,
  type AccountVisitor,
  type CanaryAccount,
} from './account-visitor.ts'
import { createMarker } from './canaries.ts'
import { definePromise, type Measurement } from './definition.ts'
import { ownSignIn, unmeasurable } from './encryption-passwords.ts'
import { PromiseError } from './errors.ts'
import type { ProbeContext } from './probe-context.ts'

/** Guessing a password is stopped, and the person whose account is attacked still gets in. */
export const authBruteForce = definePromise({
  id: 'auth.brute-force',
  evidence: 'measured',
  checkedBy: 'self',
  version: 1,
  cadence: '1d',
  parameters: z.strictObject({}),
  check: ownSignIn,
  cannotProve: () => [
    'What happens when guesses come from many addresses: the probe has one. Where no proxy is declared it is the prober’s own, and people who share it may have to wait for some minutes after several probes.',
    'That nobody finds a password within the few guesses that are taken: see auth.passwords.',
    'That a person gets in from a device that they never used while their account is attacked: they wait until the lock ends.',
  ],

  async probe(context) {
    if (!context.config.signIn) return unmeasurable()
    return judge(await withCanaryAccount(context, (account) => attack(context, account)))
  },
})

/** Guesses that the probe makes, and how far apart, in milliseconds: waits of a few seconds pass meanwhile. */
const GUESSES = 120
const PACE_MS = 100
/** Guesses that may be looked at before they are stopped for good. */
const MOST_TAKEN = 10
/** Guesses at the end that must all be turned away unread. */
const LAST = 50

interface Attack {
  /** Whether the person got in before anybody guessed: without that, nothing is shown. */
  readonly before: boolean
  /** Guesses that were compared with the password, and how many of them were among the last. */
  readonly taken: number
  readonly takenLate: number
  /** Whether the right password let the attacker in, once the guesses were stopped. */
  readonly letIn: boolean
  /** Whether the person's own device still signed in. */
  readonly rightfulIn: boolean
}

async function attack(context: ProbeContext, { email, password }: CanaryAccount): Promise<Attack> {
  const owner = createAccountVisitor(context)
  const before = await signsIn(owner, email, password)
  const attacker = createAccountVisitor(context, 'application/json')
  let [taken, takenLate] = [0, 0]
  for (let made = 0; made < GUESSES; made++) {
    const answer = await attacker.send(ACCOUNT.signIn, { email, password: `${createMarker()} guess` })
    await answer.body?.cancel()
    if (wasRead(answer.status)) {
      taken += 1
      if (made >= GUESSES - LAST) takenLate += 1
    }
    context.progress(made + 1, GUESSES, 'passwords guessed')
    await pause(PACE_MS, undefined, { signal: context.signal })
  }
  const letIn = await signsIn(createAccountVisitor(context), email, password)
  return { before, taken, takenLate, letIn, rightfulIn: await signsIn(owner, email, password) }
}

/** Whether the guess was compared with the password. @throws PromiseError `ERR_PROMISE_CANARY` where that is not said */
function wasRead(status: number): boolean {
  if (status === 429) return false
  if (status === 401 || status === 303) return true
  throw new PromiseError('ERR_PROMISE_CANARY', `a guess was answered with ${status}`)
}

async function signsIn(visitor: AccountVisitor, email: string, password: string): Promise<boolean> {
  const answer = await visitor.send(ACCOUNT.signIn, { email, password })
  await answer.body?.cancel()
  return answer.status === 303 && leadsTo(answer) !== ACCOUNT.signIn
}

function judge({ before, taken, takenLate, letIn, rightfulIn }: Attack): Measurement {
  const values = { guesses: GUESSES, taken, takenLate, rightPasswordLetIn: letIn, rightfulIn }
  if (!before) {
    const summary =
      'A canary could not sign in with its own password, so that stopping guesses shows nothing.'
    return { outcome: 'undecided', summary, values }
  }
  const broken = (summary: string): Measurement => ({ outcome: 'broken', summary, values })
  if (taken > MOST_TAKEN || takenLate > 0)
    return broken(`${taken} of ${GUESSES} guesses at a canary’s password were compared with it.`)
  if (letIn) return broken('The right password let an attacker in after guessing should have been stopped.')
  if (!rightfulIn) return broken('An attack on a canary’s account kept its own device out.')
  const summary = `Of ${GUESSES} guesses at a canary’s password ${taken} were compared with it; after that even the right one was turned away, while the canary’s own device still signed in.`
  return { outcome: 'kept', summary, values }
}
