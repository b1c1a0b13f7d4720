import { permissionsGiven } from '../access/index.ts'
import { formatPermission, type CanaryIntent, type CanaryPerson } from '../declare/index.ts'
import { accountResources } from '../identity/index.ts'
import { createMarker, type Canaries, type CreateCanary } from './canaries.ts'
import { grantablePermissions, lacks } from './grantable.ts'
import type { ProbeContext } from './probe-context.ts'

/** Asks as somebody; null where the app has no route for the intent. */
export type Send = (intent: CanaryIntent) => Promise<Response | null>

/** Somebody whom the app must not know, any more or at all. */
export interface Visitor {
  /** After *somebody*: `with a session past its end`. */
  readonly words: string
  readonly send: Send
}

interface Stage {
  readonly context: ProbeContext
  readonly canaries: Canaries
  /** Whose sessions and keys they were. */
  readonly owner: CanaryPerson
  readonly create: CreateCanary
  /** Whether some route shows a row of the owner’s to who asks so. */
  opens(send: Send): Promise<boolean>
}

/**
 * Visitors, one after the other; each is to be tried before the next is asked for. What has ended is among
 * them only if it opened something before: else its failing would show nothing.
 */
export async function* visitorsOf(stage: Stage): AsyncGenerator<Visitor> {
  const { canaries } = stage
  const carrying =
    (headers: Readonly<Record<string, string>>): Send =>
    (intent) =>
      canaries.visit!(intent, headers)
  const cookie = await signIn(stage)
  yield { words: 'without a session or a key', send: carrying({}) }
  yield { words: 'with a made-up session', send: carrying({ cookie: madeUp(cookie ?? 'session=x') }) }
  yield { words: 'with a made-up key', send: carrying(canaries.keyHeaders(createMarker())) }
  if (cookie !== null)
    yield* onceOpen(stage, carrying({ cookie }), 'with a session past its end', endSessions)
  const key = await makeKey(stage)
  if (key) yield* onceOpen(stage, carrying(canaries.keyHeaders(key.text)), 'with a revoked key', key.revoke)
  const leaver = await stage.create(stage.owner.role, stage.owner.tenant)
  if (!leaver) return
  const send: Send = (intent) => canaries.request(leaver, intent)
  yield* onceOpen(stage, send, 'whose account was removed', () => canaries.remove(leaver))
}

async function* onceOpen(
  stage: Stage,
  send: Send,
  words: string,
  end: (stage: Stage) => Promise<void>,
): AsyncGenerator<Visitor> {
  const opened = await stage.opens(send)
  await end(stage)
  if (opened) yield { words, send }
}

/** A `Cookie` header of a session of the owner’s; null where the library does not sign people in, or no canary can. */
async function signIn({ context: { config }, canaries, owner }: Stage): Promise<string | null> {
  const { sign_in_sessions: sessions } = accountResources
  if (config.resources['sign_in_sessions'] !== sessions) return null
  for (const { id } of config.signIn?.providers ?? []) {
    const cookie = await canaries.signIn(owner, id)
    if (cookie !== null) return cookie
  }
  return null
}

/** Cookies of the same names and lengths that nobody was given. */
function madeUp(cookies: string): string {
  const random = (length: number): string =>
    Array.from({ length: Math.ceil(length / 28) }, createMarker)
      .join('')
      .slice(0, length)
  return cookies.replaceAll(/=([^;]*)/g, (_, value: string) => `=${random(Math.max(value.length, 28))}`)
}

/** As if their time had passed: waiting for it would take days. */
async function endSessions({ context, owner }: Stage): Promise<void> {
  const past = new Date(context.clock.now() - 1)
  await context
    .as(context.system('probe.access.rbac', ['sign_in_sessions']))
    .updateTable('sign_in_sessions')
    .set({ expiresAt: past, endsAt: past })
    .where('personId', '=', owner.id)
    .execute()
}

/** A key of the owner’s that may all they may; null where the library does not keep who belongs to the tenant. */
async function makeKey({
  context: { config, tenants },
  owner,
}: Stage): Promise<{ readonly text: string; revoke(): Promise<void> } | null> {
  const principal = (await tenants?.principalOf(owner.id, { tenant: owner.tenant })) ?? null
  const held = principal && permissionsGiven(principal)
  if (!tenants || !principal || !held) return null
  const given = grantablePermissions(config).filter((permission) => !lacks(held, permission))
  const draft = { name: 'Canary', scopes: given.flatMap(formatPermission) }
  const { key, text } = await tenants.keys.create(principal, draft)
  return { text, revoke: () => tenants.keys.revoke(principal, key.id) }
}
