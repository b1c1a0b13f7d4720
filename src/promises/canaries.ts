import type { Canary, CanaryIntent, CanaryPerson } from '../declare/index.ts'
import { toHex } from '../kernel/index.ts'
import { PromiseError } from './errors.ts'
import type { ProbeContext } from './probe-context.ts'

/**
 * Makes an ordinary account, in a tenant of its own or in one that is there; null where the app has
 * nobody with the role, or lets nobody join.
 *
 * @throws PromiseError `ERR_PROMISE_CANARY`
 */
export type CreateCanary = (role: string, tenant?: string) => Promise<CanaryPerson | null>

/** Ordinary accounts that a probe makes for itself, over public HTTP only. */
export interface Canaries {
  /** Runs `action` with one fresh account per role, each in a tenant of its own, and removes them whatever happens. */
  withPeople<T>(roles: readonly string[], action: (people: readonly CanaryPerson[]) => Promise<T>): Promise<T>
  /** Runs `action`, which makes accounts as it goes, and removes them whatever happens, the newest first. */
  withCrowd<T>(action: (create: CreateCanary) => Promise<T>): Promise<T>
  /** The app's answer; null where it has no route for the intent. */
  request(person: CanaryPerson, intent: CanaryIntent): Promise<Response | null>
  /** The same for somebody whom the app does not know, but for the headers; left out where the canary has no way to ask so. */
  visit?(intent: CanaryIntent, headers: Readonly<Record<string, string>>): Promise<Response | null>
  /** Headers that carry an API key of the library. */
  keyHeaders(key: string): Readonly<Record<string, string>>
  /** Removes an account before the others; unlike at the end, a failure is told. */
  remove(person: CanaryPerson): Promise<void>
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
  const withCrowd: Canaries['withCrowd'] = (action) =>
    asCanaries(async (arrive) => {
      const people: CanaryPerson[] = []
      try {
        return await action(async (role, tenant) => {
          const person = await createPerson(canary, site, role, tenant)
          if (person) people.push(person)
          if (person) arrive(person.id)
          return person
        })
      } finally {
        // Who founded a tenant goes last. One that cannot be removed must not keep the others.
        for (const person of people.toReversed()) await canary.remove(at, person).catch(() => undefined)
      }
    })
  return {
    withCrowd,
    withPeople: (roles, action) =>
      withCrowd(async (create) => {
        const people: CanaryPerson[] = []
        for (const role of roles) people.push(requirePerson(role, await create(role)))
        return action(people)
      }),
    request: (person, intent) => canary.request(at, person, intent),
    ...(canary.visit && {
      visit: async (intent: CanaryIntent, headers: Readonly<Record<string, string>>) =>
        canary.visit!(at, { ...intent, headers: { ...intent.headers, ...headers } }),
    }),
    keyHeaders: (key) => canary.keyHeaders?.(key) ?? { authorization: `Bearer ${key}` },
    remove: (person) => canary.remove(at, person),
    signIn: async (person, providerId) => (await canary.signIn?.(at, person, providerId)) ?? null,
  }
}

/** @throws PromiseError `ERR_PROMISE_CANARY` where nobody was made */
export function requirePerson(role: string, person: CanaryPerson | null): CanaryPerson {
  if (person) return person
  throw nobody(role)
}

function nobody(role: string, options: { cause?: unknown } = {}): Error {
  return new PromiseError(
    'ERR_PROMISE_CANARY',
    `no canary account with the role ${role} could be made`,
    options,
  )
}

/** Whoever is there for a probe of this process at the moment. */
const present = new Set<string>()

/** Says that somebody is there for a probe; they are gone again when `action` has ended. */
export async function asCanaries<T>(action: (arrive: (id: string) => void) => Promise<T>): Promise<T> {
  const own = new Set<string>()
  try {
    return await action((id) => {
      own.add(id)
      present.add(id)
    })
  } finally {
    for (const id of own) present.delete(id)
  }
}

/** Whether somebody is there for a probe under way, so that a look at all real rows leaves them out. */
export function isCanary(id: string): boolean {
  return present.has(id)
}

const tags = new WeakMap<CanaryPerson, string>()

/** The word that the person was made with, which stands in their name or address and nowhere else. */
export function tagOf(person: CanaryPerson): string | null {
  return tags.get(person) ?? null
}

async function createPerson(
  canary: Canary,
  url: string,
  role: string,
  tenant: string | undefined,
): Promise<CanaryPerson | null> {
  const tag = randomWord(8)
  try {
    const person = await canary.createPerson({ url, tag, role, ...(tenant !== undefined && { tenant }) })
    if (person) tags.set(person, tag)
    return person
  } catch (cause) {
    throw nobody(role, { cause })
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
