import { z } from 'zod'
import {
  createPasswordHasher,
  isWeaker,
  OWASP_ARGON2,
  parseHash,
  type Argon2Parameters,
} from '../identity/index.ts'
import { withCanaryAccount } from './account-visitor.ts'
import { definePromise, type Measurement, type StaticFinding } from './definition.ts'
import type { ProbeContext } from './probe-context.ts'
import type { SuretyConfig } from '../declare/index.ts'
import { isSampleId } from './sample-row.ts'

/** Passwords are stored with Argon2id, at no less than OWASP's parameters. */
export const encryptionPasswords = definePromise({
  id: 'encryption.passwords',
  evidence: 'measured',
  checkedBy: 'self',
  version: 1,
  cadence: '1d',
  parameters: z.strictObject({}),
  check: ownSignIn,
  cannotProve: () => [
    'That a password never lay anywhere in the clear on its way to the hash; encryption.rest searches what is stored.',
    'That people chose passwords which cannot be guessed: see auth.passwords.',
  ],

  async probe(context) {
    if (!context.config.signIn) return unmeasurable()
    const hashes = await hashesWithCanary(context)
    const parsed = hashes.map(parseHash)
    const foreign = parsed.filter((hash) => hash === null).length
    const weak = parsed.filter((hash) => hash !== null && isWeaker(hash, OWASP_ARGON2)).length
    const weakest = parsed.flatMap((hash) => hash ?? []).toSorted((a, b) => a.memoryKib - b.memoryKib)[0]
    const verifyMs = weakest ? Math.round(await timeOf(context, weakest)) : 0
    const values = {
      passwords: hashes.length,
      notArgon2id: foreign,
      belowOwasp: weak,
      memoryKib: weakest?.memoryKib ?? 0,
      passes: weakest?.passes ?? 0,
      lanes: weakest?.lanes ?? 0,
      verifyMs,
    }
    return judge(values)
  },
})

function judge(values: Measurement['values'] & { readonly [name: string]: number }): Measurement {
  const { passwords = 0, notArgon2id = 0, belowOwasp = 0 } = values
  if (notArgon2id > 0)
    return {
      outcome: 'broken',
      summary: `${notArgon2id} of ${passwords} stored passwords are no Argon2id hash.`,
      values,
    }
  if (belowOwasp > 0)
    return {
      outcome: 'broken',
      summary: `${belowOwasp} of ${passwords} stored passwords have parameters below OWASP’s (m=${OWASP_ARGON2.memoryKib}, t=${OWASP_ARGON2.passes}, p=${OWASP_ARGON2.lanes}).`,
      values,
    }
  if (passwords === 0) return { outcome: 'undecided', summary: 'No password is stored yet.', values }
  const { memoryKib, passes, lanes, verifyMs } = values
  const summary = `Stored passwords: ${passwords}, each a salted Argon2id hash; the least costs m=${memoryKib}, t=${passes}, p=${lanes}, and ${verifyMs} ms to check one here.`
  return { outcome: 'kept', summary, values }
}

/** What is stored of everybody and, where the app runs, of a fresh account that has just signed up. */
function hashesWithCanary(context: ProbeContext): Promise<string[]> {
  const read = (): Promise<string[]> => storedHashes(context)
  const { signIn } = context.config
  return context.site === null || signIn?.passwords === false ? read() : withCanaryAccount(context, read)
}

async function storedHashes(context: ProbeContext): Promise<string[]> {
  const db = context.as(context.system('encryption.passwords', ['credentials']))
  const rows = await db.selectFrom('credentials').select(['personId', 'password']).execute()
  return rows.flatMap(({ personId, password }) =>
    typeof password === 'string' && !isSampleId(context.config.origin, String(personId)) ? [password] : [],
  )
}

/** How long one check takes at that cost, in milliseconds. */
async function timeOf({ clock }: ProbeContext, parameters: Argon2Parameters): Promise<number> {
  const hasher = createPasswordHasher(parameters)
  const started = clock.monotonic()
  await hasher.hash('a password of nobody')
  return clock.monotonic() - started
}

/** Where the app has a login of its own, its passwords are out of this library's sight. */
export function ownSignIn({ signIn }: SuretyConfig): StaticFinding[] {
  if (signIn && signIn.passwords !== false) return []
  return [
    {
      key: 'signIn',
      problem:
        'is not configured with passwords, so that nothing can be measured and the promise stays unproven',
      mend: 'use the library’s sign-in, or have a person attest what your login does',
    },
  ]
}

/** Nothing to measure is not the same as kept. */
export function unmeasurable(): Measurement {
  const summary = 'People sign in through a login that this library does not run: nothing could be measured.'
  return { outcome: 'undecided', summary, values: {} }
}
