import type { ZxcvbnFactory } from '@zxcvbn-ts/core'

/**
 * What bounds the work: a password of 256 figures that pass for letters would hold the whole process up for
 * seconds, and anybody may send one. 64 characters are beyond guessing or never will be.
 */
const JUDGED = { maxLength: 64, l33tMaxSubstitutions: 16 } as const

let loading: Promise<Dictionaries> | null = null

interface Dictionaries {
  readonly estimator: ZxcvbnFactory
  readonly common: ReadonlySet<string>
}

/** The dictionaries take some megabytes: they are read when the first password is set. */
function dictionaries(): Promise<Dictionaries> {
  return (loading ??= load())
}

async function load(): Promise<Dictionaries> {
  const [core, everywhere, english] = await Promise.all([
    import('@zxcvbn-ts/core'),
    import('@zxcvbn-ts/language-common'),
    import('@zxcvbn-ts/language-en'),
  ])
  const estimator = new core.ZxcvbnFactory({
    dictionary: { ...everywhere.dictionary, ...english.dictionary },
    graphs: everywhere.adjacencyGraphs,
    translations: english.translations,
    ...JUDGED,
  })
  const listed = everywhere.dictionary['passwords-common']
  return { estimator, common: new Set(listed.map(String)) }
}

/**
 * How hard a password is to guess, 0 to 4 (zxcvbn); only its first 64 characters count.
 *
 * @param about the person's own words: what is left without them must be a password by itself
 */
export async function passwordScore(password: string, about: readonly string[]): Promise<number> {
  const { estimator } = await dictionaries()
  const own = about.flatMap(words)
  const whole = estimator.check(password, own).score
  const rest = withoutWords(password, own)
  return rest === password ? whole : Math.min(whole, estimator.check(rest, own).score)
}

/** Whether a password is among the most common stolen ones, whatever its case. */
export async function isCommonPassword(password: string): Promise<boolean> {
  const { common } = await dictionaries()
  return common.has(password) || common.has(password.toLowerCase())
}

/** zxcvbn takes several words of a person's in a row for hard to guess, however near they lie. */
function withoutWords(password: string, own: readonly string[]): string {
  let rest = password.slice(0, 256).toLowerCase()
  for (const word of own.toSorted((a, b) => b.length - a.length)) rest = rest.replaceAll(word, '')
  return rest.length === password.length ? password : rest
}

function words(text: string): string[] {
  return [text, ...text.split(/[^\p{L}\p{N}]+/u)]
    .filter((word) => word.length > 2)
    .map((word) => word.toLowerCase())
}
