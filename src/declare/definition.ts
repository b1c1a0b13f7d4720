import { DeclareError } from './errors.ts'

type DefinitionCode = 'ERR_DECLARE_RESOURCE' | 'ERR_DECLARE_FIELD' | 'ERR_DECLARE_CONFIG'

/** Checks one definition and refuses with the place, what is wrong there, and the mend. */
export interface DefinitionCheck {
  /** Refuses unless `holds`. */
  that(holds: boolean, key: string, problem: string, mend: string): asserts holds
  /** Refuses members that no one reads: a misspelt key must not pass as an absent one. */
  onlyKnown(object: object, known: readonly string[]): void
  /** Refuses anything but a text with at least three visible characters. */
  words(value: unknown, key: string, mend: string): void
}

/** A check whose refusals begin with `place`, such as `resource "heartbeats"`. */
export function checkDefinition(code: DefinitionCode, place: string): DefinitionCheck {
  const check: DefinitionCheck = {
    that(holds, key, problem, mend) {
      if (!holds) throw new DeclareError(code, `${place}: ${key} ${problem}`, { mend })
    },
    onlyKnown(object, known) {
      for (const key of Object.keys(object)) {
        check.that(
          known.includes(key),
          key,
          'is not a known key',
          `remove it, or use one of: ${known.join(', ')}`,
        )
      }
    },
    words(value, key, mend) {
      const visible = typeof value === 'string' ? value.trim().length : 0
      check.that(visible >= 3, key, 'is not said', mend)
    },
  }
  return check
}
