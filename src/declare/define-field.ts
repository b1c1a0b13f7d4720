import type { JsonValue } from '../kernel/index.ts'
import { checkDefinition, type DefinitionCheck } from './definition.ts'
import type { Field, FieldIndex, FieldKind } from './field.ts'

interface Options<Optional extends boolean> {
  /** Why the field is stored in the clear. Left out: it is sealed, where the resource has a subject. */
  readonly clear?: string
  /** True: rows may lack it, and it reads as null. Default false. */
  readonly optional?: Optional
  /**
   * In a resource with several subjects, the id field of the one that this field is about: it is sealed
   * under that subject's key and goes with them. Every sealed field there says it; a clear one that
   * leaves it out is about all of them. Default: none.
   */
  readonly about?: string
}

interface Indexed {
  /** Serve equality filters and grouping on the sealed field. Default: none. */
  readonly index?: FieldIndex
}

interface Sized {
  /** Greatest length, 1 to 1,048,576: UTF-16 code units of a text, items of a list, bytes otherwise. */
  readonly max: number
}

interface Ranged {
  /** Least value. Default: the least safe integer, or no bound for a `number`. */
  readonly min?: number
  /** Greatest value. Default: the greatest safe integer, or no bound for a `number`. */
  readonly max?: number
}

interface Listed extends Sized {
  /** Greatest length of each item in UTF-16 code units. Default 255. */
  readonly itemMax?: number
}

/** Anything a builder may have been given, before it is checked. */
type AnyOptions = Options<boolean> &
  Partial<Indexed & Listed & Ranged> & { readonly choices?: readonly string[] }

const GREATEST_MAX = 1_048_576
const DEFAULT_ITEM_MAX = 255
const COMMON = ['clear', 'optional', 'about']

/**
 * The kinds of field. Each takes a description for the public data list and its options, and throws
 * `ERR_DECLARE_FIELD` at once for what cannot be meant.
 */
export const field = {
  /** A UUID: names a subject, a tenant or another row. Never sealed: it is what rows are found by. */
  id: <const O extends boolean = false>(
    description = 'a random identifier',
    options: { readonly optional?: O } = {},
  ) => build<string, NoInfer<O>>('id', description, options, ['optional']),

  text: <const O extends boolean = false>(description: string, options: Options<O> & Indexed & Sized) =>
    build<string, NoInfer<O>>('text', description, options, [...COMMON, 'index', 'max']),

  /** A safe integer. */
  integer: <const O extends boolean = false>(
    description: string,
    options: Options<O> & Indexed & Ranged = {},
  ) => build<number, NoInfer<O>>('integer', description, options, [...COMMON, 'index', 'min', 'max']),

  /** A finite double. */
  number: <const O extends boolean = false>(description: string, options: Options<O> & Ranged = {}) =>
    build<number, NoInfer<O>>('number', description, options, [...COMMON, 'min', 'max']),

  boolean: <const O extends boolean = false>(description: string, options: Options<O> = {}) =>
    build<boolean, NoInfer<O>>('boolean', description, options, COMMON),

  /** A moment, in milliseconds. */
  timestamp: <const O extends boolean = false>(description: string, options: Options<O> = {}) =>
    build<Date, NoInfer<O>>('timestamp', description, options, COMMON),

  /** A calendar day, `YYYY-MM-DD`. */
  date: <const O extends boolean = false>(description: string, options: Options<O> = {}) =>
    build<string, NoInfer<O>>('date', description, options, COMMON),

  /** One of a closed set of texts. */
  choice: <const C extends string, const O extends boolean = false>(
    description: string,
    choices: readonly C[],
    options: Options<O> & Indexed = {},
  ) => build<C, NoInfer<O>>('choice', description, { ...options, choices }, [...COMMON, 'index', 'choices']),

  /** A list of texts. */
  list: <const O extends boolean = false>(description: string, options: Options<O> & Listed) =>
    build<string[], NoInfer<O>>('list', description, options, [...COMMON, 'max', 'itemMax']),

  /** Any JSON; `max` counts the bytes of its canonical text. */
  json: <const O extends boolean = false>(description: string, options: Options<O> & Sized) =>
    build<JsonValue, NoInfer<O>>('json', description, options, [...COMMON, 'max']),

  bytes: <const O extends boolean = false>(description: string, options: Options<O> & Sized) =>
    build<Uint8Array, NoInfer<O>>('bytes', description, options, [...COMMON, 'max']),
}

function build<Value, Optional extends boolean>(
  kind: FieldKind,
  description: string,
  options: AnyOptions,
  known: readonly string[],
): Field<Value, Optional> {
  const check: DefinitionCheck = checkDefinition(
    'ERR_DECLARE_FIELD',
    `field.${kind}(${JSON.stringify(description)})`,
  )
  check.words(description, 'the description', 'say in a few words what the field holds')
  check.onlyKnown(options, known)
  if (options.clear !== undefined) {
    check.words(
      options.clear,
      'clear',
      'give the reason why it is stored in the clear, or remove the key to seal it',
    )
  }
  return Object.freeze({
    kind,
    description,
    clear: options.clear ?? null,
    optional: (options.optional ?? false) as Optional,
    index: checkIndex(check, options),
    about: options.about ?? null,
    max:
      known.includes('max') && kind !== 'integer' && kind !== 'number' ? checkMax(check, options.max) : null,
    range: kind === 'integer' || kind === 'number' ? checkRange(check, kind, options) : null,
    choices: options.choices ? checkChoices(check, options.choices) : null,
    itemMax: kind === 'list' ? checkMax(check, options.itemMax ?? DEFAULT_ITEM_MAX, 'itemMax') : null,
  })
}

function checkIndex(check: DefinitionCheck, { index, clear }: AnyOptions): FieldIndex | null {
  if (index === undefined) return null
  const known = index === 'blind' || index === 'blind-installation'
  check.that(known, 'index', 'is not a known index', "use index: 'blind' or 'blind-installation'")
  check.that(clear === undefined, 'index', 'makes no sense on a clear field', 'remove index, or remove clear')
  return index
}

function checkMax(check: DefinitionCheck, max: unknown, key = 'max'): number {
  const fits = Number.isSafeInteger(max) && (max as number) >= 1 && (max as number) <= GREATEST_MAX
  check.that(
    fits,
    key,
    'is not a whole number of 1 to 1,048,576',
    `give ${key}: the greatest length you accept`,
  )
  return max as number
}

function checkRange(check: DefinitionCheck, kind: 'integer' | 'number', options: AnyOptions): Field['range'] {
  const bound = kind === 'integer' ? Number.MAX_SAFE_INTEGER : Number.MAX_VALUE
  const range = { min: options.min ?? -bound, max: options.max ?? bound }
  for (const key of ['min', 'max'] as const) {
    const fits = kind === 'integer' ? Number.isSafeInteger(range[key]) : Number.isFinite(range[key])
    check.that(
      fits,
      key,
      `is not a ${kind === 'integer' ? 'safe integer' : 'finite number'}`,
      `correct ${key}`,
    )
  }
  check.that(range.min <= range.max, 'min', 'is greater than max', 'swap them')
  return range
}

function checkChoices(check: DefinitionCheck, choices: readonly string[]): readonly string[] {
  const texts = Array.isArray(choices) && choices.length > 0 && choices.every(isChoice)
  check.that(texts, 'choices', 'is not a list of texts of 1 to 255 characters', 'list the allowed values')
  check.that(
    new Set(choices).size === choices.length,
    'choices',
    'names one twice',
    'remove the repeated value',
  )
  return Object.freeze([...choices])
}

function isChoice(value: unknown): boolean {
  return (
    typeof value === 'string' &&
    value.length >= 1 &&
    value.length <= 255 &&
    value.isWellFormed() &&
    !value.includes('\0')
  )
}
