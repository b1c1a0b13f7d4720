import type { Attack, Caught, Target } from './attack.ts'
import { copyLog, type LogCopy } from './log-copy.ts'
import { inviteVisitors, type Visitors } from './visitors.ts'

/** A forgery of the evidence log or of what is shown of it. */
export interface Forgery {
  readonly name: string
  /** What it does, in one line. */
  readonly does: string
  /** Carries it out on a copy and says what it changed. */
  forge(copy: LogCopy): Promise<string>
}

/** A forgery as an attack: on a copy, with the log's true key, so that the demo stays as it is. */
export function onCopy({ name, does, forge }: Forgery): Attack {
  const forged = new WeakMap<Target, { copy: LogCopy; visitors: Visitors }>()
  return {
    name,
    does,
    async carryOut(target) {
      const copy = await copyLog(target)
      try {
        const visitors = await inviteVisitors(copy)
        const changed = await forge(copy)
        forged.set(target, { copy, visitors })
        return `${changed} (on a copy of the log: the demo is as it was)`
      } catch (error) {
        await copy.close()
        throw error
      }
    },
    async detect(target) {
      const { copy, visitors } = forged.get(target)!
      try {
        return caughtBy(await visitors.look())
      } finally {
        await copy.close()
      }
    },
  }
}

function caughtBy(views: Caught['views']): Caught | null {
  const [newcomer] = views
  const first = views.find(({ saw }) => saw !== null)
  if (!newcomer || !first || first.saw === null) return null
  const verifyExit = first.exit ?? newcomer.exit ?? 0
  return { by: first.by, saw: first.saw, verifyExit, logSize: null, views }
}
