import type { CanaryIntent, CanaryPerson } from '../declare/index.ts'
import { tagOf } from './canaries.ts'
import { storedAbout, type Target } from './canary-targets.ts'
import { ACTION_OF, readAnswer, type Answer } from './canary-trial.ts'
import { ATTEMPTED, type ForeignAttempt } from './isolation-attempts-http.ts'
import type { ProbeContext } from './probe-context.ts'

/** What came of one attempt on a row of the victim's. */
export interface AttemptOutcome {
  readonly answer: Answer
  /** True where something came back that only the victim's tenant may know. */
  readonly shown: boolean
  /** True where what is stored about the victim, or in their tenant, is another. */
  readonly changed: boolean
}

/**
 * Makes one attempt, and looks at the answer and at what is stored. Null where the app has no such route.
 *
 * @param send asks as somebody who has no business with the row
 */
export async function tryAttempt(
  context: ProbeContext,
  send: (intent: CanaryIntent) => Promise<Response | null>,
  { action, intent, sent }: ForeignAttempt,
  { target, victim }: { readonly target: Target; readonly victim: CanaryPerson },
): Promise<AttemptOutcome | null> {
  context.signal.throwIfAborted()
  const { resource } = target
  const before = ACTION_OF[action] === 'read' ? null : await storedAbout(context, resource, victim)
  const answer = await readAnswer(await send(intent))
  if (answer === null) return null
  return {
    answer,
    shown: secretsOf(target, victim, sent).some((secret) => answer.text.includes(secret)),
    changed: before !== null && !areSame(before, await storedAbout(context, resource, victim)),
  }
}

/** In words: `listing notes with another tenant’s id as a filter`. */
export function describeAttempt({ action, how, intent }: ForeignAttempt): string {
  return `${ATTEMPTED[action]} ${intent.resource} ${how}`
}

/** What only the victim's tenant may know, but for what the request itself said. */
function secretsOf(target: Target, victim: CanaryPerson, sent: readonly string[]): string[] {
  const tag = tagOf(victim)
  const values = [
    ...target.marks.map(({ text }) => text),
    ...(tag === null ? [] : [tag]),
    target.id,
    victim.id,
    victim.tenant,
  ]
  return values.filter((value) => !sent.includes(value))
}

function areSame(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): boolean {
  return before.size === after.size && [...before].every(([id, row]) => after.get(id) === row)
}
