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
  version: 2,
  cadence: '1d',
  takes: '9s',
  parameters: z.strictObject({}),
  check: ownSignIn,
  cannotProve: () => [
    'What happens when guesses come from many addresses: the probe has one. Where no proxy is declared it is the prober’s own, and people who share it may have to wait for some minutes after several probes.',
    'That guessing is stopped where each guess is only made to wait longer than five seconds: so long the probe goes on once it is turned away.',
    'That nobody finds a password within the few guesses that are taken: see auth.passwords.',
    'That a person gets in from a device that they never used while their account is attacked: they wait until the lock ends.',
  ],

  async probe(context) {
    if (!context.config.signIn) return unmeasurable()
    return judge(await withCanaryAccount(context, (account) => attack(context, account)))
  },
})

/**
 * Guesses that may be compared with the password. They count for the prober's address, too, which takes
 * twice as many before anybody else there has to wait: other probes sign in meanwhile.
 */
const MOST_TAKEN = 10
/** Between two guesses, in milliseconds. */
const PACE_MS = 90
/** Stopped for good is who was turned away so often in a row: that takes five seconds, and shorter waits pass meanwhile. */
const TURNED_AWAY = 56

interface Attack {
  /** Whether the person got in before anybody guessed: without that, nothing is shown. */
  readonly before: boolean
  readonly guesses: number
  /** Guesses that were compared with the password. */
  readonly taken: number
  /** Whether the right password let the attacker in, once the guesses were stopped. */
  readonly letIn: boolean
  /** Whether the person's own device still signed in. */
  readonly rightfulIn: boolean
}

async function attack(context: ProbeContext, { email, password }: CanaryAccount): Promise<Attack> {
  const owner = createAccountVisitor(context)
  const before = await signsIn(owner, email, password)
  const guessed = await guess(context, email)
  const letIn = await signsIn(createAccountVisitor(context), email, password)
  return { before, ...guessed, letIn, rightfulIn: await signsIn(owner, email, password) }
}

/** Guesses until it is stopped for good, or until more guesses were compared than may be. */
async function guess(context: ProbeContext, email: string): Promise<Pick<Attack, 'guesses' | 'taken'>> {
  const { signal, progress } = context
  const attacker = createAccountVisitor(context, 'application/json')
  let [guesses, taken, inRow] = [0, 0, 0]
  while (taken <= MOST_TAKEN && inRow < TURNED_AWAY) {
    const answer = await attacker.send(ACCOUNT.signIn, { email, password: `${createMarker()} guess` })
    await answer.body?.cancel()
    guesses += 1
    if (wasRead(answer.status)) [taken, inRow] = [taken + 1, 0]
    else inRow += 1
    progress(guesses, null, 'passwords guessed')
    await pause(PACE_MS, undefined, { signal })
  }
  return { guesses, taken }
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

function judge({ before, guesses, taken, letIn, rightfulIn }: Attack): Measurement {
  const values = { guesses, taken, rightPasswordLetIn: letIn, rightfulIn }
  if (!before) {
    const summary =
      'A canary could not sign in with its own password, so that stopping guesses shows nothing.'
    return { outcome: 'undecided', summary, values }
  }
  const broken = (summary: string): Measurement => ({ outcome: 'broken', summary, values })
  if (taken > MOST_TAKEN)
    return broken(`${taken} of ${guesses} guesses at a canary’s password were compared with it.`)
  if (letIn) return broken('The right password let an attacker in after guessing should have been stopped.')
  if (!rightfulIn) return broken('An attack on a canary’s account kept its own device out.')
  const summary = `Of ${guesses} guesses at a canary’s password ${taken} were compared with it; after that even the right one was turned away, while the canary’s own device still signed in.`
  return { outcome: 'kept', summary, values }
}
