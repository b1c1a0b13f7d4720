import { z } from 'zod'
import type { SignInProvider } from '../declare/index.ts'
import { discoverProvider } from '../identity/index.ts'
import { SuretyError } from '../kernel/index.ts'
import { forgeAnswers } from './auth-oauth-forgeries.ts'
import { canariesOf } from './canaries.ts'
import { definePromise, type Measurement } from './definition.ts'
import type { ProbeContext } from './probe-context.ts'
import { siteOf } from './site.ts'

/** People sign in through identity providers, and nobody else gets in that way. */
export const authOauth = definePromise({
  id: 'auth.oauth',
  evidence: 'measured',
  checkedBy: 'self',
  version: 1,
  cadence: '6h',
  parameters: z.strictObject({}),

  check: ({ signIn }) =>
    signIn?.providers?.length
      ? []
      : [
          {
            key: 'signIn.providers',
            problem: 'is empty',
            mend: 'list an identity provider, such as google({ clientId, clientSecret })',
          },
        ],

  cannotProve: ({ canary, signIn }) => [
    'What a provider asks of people before it vouches for them.',
    ...(canary?.signIn
      ? []
      : [
          'A whole sign-in: no canary function signs in, so only its beginning and forged answers are tried.',
        ]),
    ...(signIn?.providers?.some(({ kind }) => kind === 'oauth')
      ? ['Providers that speak OAuth 2 alone sign nothing: what they say rests on the connection to them.']
      : []),
  ],

  async probe(context) {
    const providers = context.config.signIn?.providers ?? []
    const site = siteOf(context)
    const problems: string[] = []
    let forgeries = 0
    for (const [at, provider] of providers.entries()) {
      const found = await discoveryProblem(provider)
      const forged = found === null ? await forgeAnswers(site, provider, context.signal) : null
      forgeries += forged?.tried ?? 0
      const said = [found, ...(forged?.problems ?? [])].filter((problem) => problem !== null)
      problems.push(...said.map((problem) => `${provider.id}: ${problem}`))
      context.progress(at + 1, providers.length, 'providers tried')
    }
    const signIns = await signCanariesIn(context, site, providers)
    problems.push(...signIns.problems)
    return judge(problems, { providers: providers.length, forgeries, signIns: signIns.done })
  },
})

function judge(
  problems: readonly string[],
  values: { readonly providers: number; readonly forgeries: number; readonly signIns: number },
): Measurement {
  const measured = { ...values, problems: problems.length }
  if (problems.length > 0) {
    const summary = `${problems.length} findings; the first: ${problems[0]}.`
    return { outcome: 'broken', summary, values: measured }
  }
  const { providers, forgeries, signIns } = values
  const whole = signIns > 0 ? ` ${signIns} ordinary accounts signed in through them.` : ''
  return {
    outcome: providers > 0 ? 'kept' : 'undecided',
    summary: `${providers} providers answer; ${forgeries} forged answers were refused.${whole}`,
    values: measured,
  }
}

async function discoveryProblem(provider: SignInProvider): Promise<string | null> {
  try {
    await discoverProvider(provider)
    return null
  } catch (error) {
    if (error instanceof SuretyError) return `what it says of itself cannot be used (${error.code})`
    throw error
  }
}

/** Signs one ordinary account in through each provider that the canary can use. */
async function signCanariesIn(
  context: ProbeContext,
  site: string,
  providers: readonly SignInProvider[],
): Promise<{ done: number; problems: readonly string[] }> {
  const canaries = canariesOf(context)
  const [role] = Object.keys(context.config.roles).filter((name) => name !== 'anonymous')
  if (!canaries || role === undefined) return { done: 0, problems: [] }
  return canaries.withPeople([role], async ([person]) => {
    const problems: string[] = []
    let done = 0
    for (const { id } of providers) {
      const outcome = await trySignIn(() => canaries.signIn(person!, id), {
        site,
        personId: person!.id,
        signal: context.signal,
      })
      if (outcome === 'signed in') done += 1
      else if (outcome !== 'no way') problems.push(`${id}: ${outcome}`)
    }
    return { done, problems }
  })
}

async function trySignIn(
  signIn: () => Promise<string | null>,
  { site, personId, signal }: { site: string; personId: string; signal: AbortSignal },
): Promise<string> {
  // What the canary meets is a foreign message: it is not published.
  const cookie = await signIn().catch(() => '')
  if (cookie === null) return 'no way'
  const headers: Record<string, string> = cookie === '' ? {} : { cookie }
  const response = await fetch(new URL('/api/surety/v1/session', site), {
    headers,
    signal,
    redirect: 'manual',
  })
  const { person } = response.ok ? ((await response.json()) as { person?: unknown }) : {}
  if (person === personId) return 'signed in'
  return person === undefined
    ? 'an ordinary account could not sign in'
    : 'an ordinary account was signed in as somebody else'
}
