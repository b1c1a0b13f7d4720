import type { Context } from 'hono'
import type { Clock } from 'surety'
import { addressOfClient } from 'surety/hono'
import type { Backend, Database } from './backend.ts'
import type { DemoMail } from './demo-mail.ts'
import { newestZone, type HeartbeatStore } from './heartbeat-store.ts'
import { dayOf, isDay, knownZone, type Day } from './metrics/calendar.ts'
import { findByApiKey, findById, type KnownPerson } from './people.ts'
import type { SignIn } from './sign-in.ts'
import { readApiKey } from './wakatime/credentials.ts'
import { refuse, type Refusal, type RefusalCode } from './wakatime/refusal.ts'

/** What the routes work with. */
export interface Service {
  readonly backend: Backend
  readonly heartbeats: HeartbeatStore
  readonly clock: Clock
  readonly signIn: SignIn
  /** The demo's letters; null outside of the demo. */
  readonly mail: DemoMail | null
}

/** Ends a request with a refusal; the one place that catches it is `answerFailure`. */
export class RequestRefused extends Error {
  readonly refusal: Refusal

  constructor(code: RefusalCode, member?: string) {
    const refusal = refuse(code, member)
    super(refusal.message)
    this.refusal = refusal
  }
}

/** Throws where a step ended in a refusal, else hands on what it made. */
export function unlessRefused<T extends object>(result: T | Refusal): T {
  if ('code' in result && 'status' in result) throw new RequestRefused(result.code)
  return result
}

/** The person whose key the request carries. @throws RequestRefused 401 */
export async function authenticate(c: Context, backend: Backend): Promise<KnownPerson> {
  const key = keyOf(c)
  if (key === null) throw new RequestRefused('ERR_WAKATIME_KEY_MISSING')
  const person = await findByApiKey(backend, key, addressOfClient(c.req.raw))
  if (!person) throw new RequestRefused('ERR_WAKATIME_KEY_DEAD')
  return person
}

function keyOf(c: Context): string | null {
  return readApiKey(c.req.header('authorization') ?? null, c.req.query('api_key') ?? null)
}

/**
 * By a key, or signed in as in the pages. For questions alone: what another site sends along with
 * somebody's session must change nothing.
 *
 * @throws RequestRefused 401
 */
async function recognise(c: Context, { backend, signIn }: Service): Promise<KnownPerson> {
  const personId = keyOf(c) === null ? await signIn.personIdOf(c.req.raw) : null
  const person = personId && (await findById(backend, personId, addressOfClient(c.req.raw)))
  return person || authenticate(c, backend)
}

/** One authenticated question: who asks, through which database, at what time, in which zone. */
export interface Question {
  readonly person: KnownPerson
  readonly db: Database
  readonly now: number
  readonly zone: string
  readonly today: Day
}

/**
 * Authenticates a request about `:user`, who must be `current` or the very person who asks. The zone is
 * the one the request names, else the one of the person's newest heartbeat, else UTC.
 */
export async function ask(c: Context, service: Service): Promise<Question> {
  const { backend, clock } = service
  const person = await recognise(c, service)
  const user = c.req.param('user')
  if (user !== undefined && user !== 'current' && user !== person.id) {
    throw new RequestRefused('ERR_WAKATIME_NOT_FOUND')
  }
  const { db } = backend.as(person.principal)
  const named = c.req.query('timezone') ?? c.req.header('timezone')
  const zone = knownZone(named ?? (await newestZone(db, person.id)))
  const now = clock.now()
  return { person, db, now, zone, today: dayOf(now, zone) }
}

/** The parameter's calendar day. @throws RequestRefused 400 */
export function dayParameter(c: Context, name: string): Day {
  const text = c.req.query(name)?.slice(0, 10)
  if (text === undefined || !isDay(text)) throw new RequestRefused('ERR_WAKATIME_QUERY', name)
  return text
}

/** Codes of Surety that say what became of a request; every other failure is ours: 500. */
const FAILURES: Readonly<Record<string, RefusalCode>> = {
  ERR_KEYS_ERASED: 'ERR_WAKATIME_KEY_DEAD',
  ERR_STORE_FORBIDDEN: 'ERR_WAKATIME_FORBIDDEN',
  ERR_TENANTS_ADDRESS: 'ERR_WAKATIME_NETWORK',
  ERR_STORE_RETRY: 'ERR_WAKATIME_BUSY',
  ERR_STORE_UNAVAILABLE: 'ERR_WAKATIME_BUSY',
  ERR_KEYS_PROVIDER_UNAVAILABLE: 'ERR_WAKATIME_BUSY',
}

/** The refusal a failed request is answered with, and the error's code for the log (never its text). */
export function answerFailure(error: unknown): { refusal: Refusal; cause: string } {
  if (error instanceof RequestRefused) return { refusal: error.refusal, cause: error.refusal.code }
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
  const known = Object.hasOwn(FAILURES, code) ? FAILURES[code] : undefined
  return { refusal: refuse(known ?? 'ERR_WAKATIME_INTERNAL'), cause: code }
}
