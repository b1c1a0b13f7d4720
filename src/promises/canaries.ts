import type { Canary, CanaryIntent, CanaryPerson } from '../declare/index.ts'
import { toHex } from '../kernel/index.ts'
import { PromiseError } from './errors.ts'
import type { ProbeContext } from './probe-context.ts'

/** Ordinary accounts that a probe makes for itself, over public HTTP only. */
export interface Canaries {
  /** Runs `action` with one fresh account per role, each in a tenant of its own, and removes them whatever happens. */
  withPeople<T>(roles: readonly string[], action: (people: readonly CanaryPerson[]) => Promise<T>): Promise<T>
  /** The app's answer; null where it has no route for the intent. */
  request(person: CanaryPerson, intent: CanaryIntent): Promise<Response | null>
  /** A `Cookie` header of a sign-in through the provider; null where the canary has no way to do that. */
  signIn(person: CanaryPerson, providerId: string): Promise<string | null>
}

/**
 * The canaries of a run; null only where the configuration has none, and the promise says so. Where
 * it has them but no app is running, measuring less than the promise tells would be quiet about it.
 *
 * @throws PromiseError `ERR_PROMISE_SITE`
 */
export function canariesOf({ canaries, config }: Pick<ProbeContext, 'canaries' | 'config'>): Canaries | null {
  if (canaries || !config.canary) return canaries
  throw new PromiseError(
    'ERR_PROMISE_SITE',
    'the canaries of this configuration act over HTTP, and no app is running',
  )
}

export function createCanaries(canary: Canary, site: string): Canaries {
  const at = { url: site }
  return {
    async withPeople(roles, action) {
      const people: CanaryPerson[] = []
      try {
        for (const role of roles) people.push(await createPerson(canary, site, role))
        return await action(people)
      } finally {
        // One that cannot be removed must not keep the others.
        await Promise.allSettled(people.map((person) => canary.remove(at, person)))
      }
    },
    request: (person, intent) => canary.request(at, person, intent),
    signIn: async (person, providerId) => (await canary.signIn?.(at, person, providerId)) ?? null,
  }
}

async function createPerson(canary: Canary, url: string, role: string): Promise<CanaryPerson> {
  try {
    return await canary.createPerson({ url, tag: randomWord(6), role })
  } catch (cause) {
    throw new PromiseError('ERR_PROMISE_CANARY', `no canary account with the role ${role} could be made`, {
      cause,
    })
  }
}

/**
 * A value that occurs nowhere else: what is searched for later. Random from its first character, since
 * a database may leave out of its log what a new value shares with an old one.
 */
export function createMarker(): string {
  return randomWord(14)
}

function randomWord(bytes: number): string {
  return toHex(crypto.getRandomValues(new Uint8Array(bytes)))
}
