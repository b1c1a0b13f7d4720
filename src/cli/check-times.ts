import { checkErasureTimes, type SuretyConfig, type TimeLimits } from '../declare/index.ts'
import { isDuration, parseDuration } from '../kernel/index.ts'
import type { CheckFinding } from './check.ts'

/** A promise of the page, as far as times go. */
interface TimedPromise {
  readonly id: string
  readonly params: Readonly<Record<string, string>>
  readonly line: number
}

/** What a page without a time of its own is held to. */
const UNSAID = { 'erasure.production': '24h', 'erasure.backups': '27d' } as const

type Id = keyof typeof UNSAID

/** Holds the declared times of an erasure against what the page promises, or against 24 hours and 27 days. */
export function checkTimes(config: SuretyConfig, promises: readonly TimedPromise[]): CheckFinding[] {
  return (Object.keys(UNSAID) as Id[]).flatMap((id) => {
    const made = promises.filter((promise) => promise.id === id)
    const held = made.length > 0 ? made : [{ id, params: {}, line: null }]
    return held.flatMap(({ params, line }) => checkPromise(config, id, params, line))
  })
}

function checkPromise(
  config: SuretyConfig,
  id: Id,
  params: TimedPromise['params'],
  line: number | null,
): CheckFinding[] {
  const error = (message: string, mend: string): CheckFinding => ({
    level: 'error',
    rule: 'erasure-times',
    message: `${id} cannot hold: ${message}`,
    mend,
    line,
  })
  const times = [params['within'] ?? UNSAID[id], params['irrecoverable'] ?? '0s']
  const wrong = times.find((time) => !isDuration(time))
  if (wrong !== undefined)
    return [error(`${JSON.stringify(wrong)} is no length of time`, `write one such as ${UNSAID[id]}`)]
  return checkErasureTimes(config, limitsOf(id, params))
    .filter(({ promise }) => promise === id)
    .map(({ message, mend }) => error(message, mend))
}

function limitsOf(id: Id, { within = UNSAID[id], irrecoverable }: TimedPromise['params']): TimeLimits {
  const time = parseDuration(within)
  return {
    productionMs: time,
    backupsMs: time,
    ...(irrecoverable === undefined ? {} : { irrecoverableMs: parseDuration(irrecoverable) }),
  }
}
