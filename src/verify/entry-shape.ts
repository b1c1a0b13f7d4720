import { isId, isMoment } from '../kernel/index.ts'
import type { EvidenceEntry, Observed, PromiseClaim } from './entry.ts'
import { LIMITS } from './limits.ts'
import { formatPromiseKey } from './promise-key.ts'

/** Says what is wrong with a value at a path, or null. */
type Check = (value: unknown, path: string) => string | null

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function check(test: (value: unknown) => boolean, what: string): Check {
  return (value, path) => (test(value) ? null : `${path} is not ${what}`)
}

const text = (maxLength: number) =>
  check((value) => typeof value === 'string' && value.length <= maxLength, `text of at most ${maxLength}`)
const name = (maxLength: number) =>
  check(
    (value) => typeof value === 'string' && value.length > 0 && value.length <= maxLength,
    `text of 1 to ${maxLength}`,
  )
/** Names and keys are printable ASCII, so that two of them never look alike and none steers a terminal. */
const symbol = (maxLength: number) =>
  check(
    (value) => typeof value === 'string' && value.length <= maxLength && /^[!-~]+$/.test(value),
    `1 to ${maxLength} printable ASCII characters without spaces`,
  )
const oneOf = (...values: readonly unknown[]) => check((value) => values.includes(value), values.join(' or '))
const id = check(isId, 'a UUID')
const moment = check((value) => typeof value === 'string' && isMoment(value), 'a UTC time with milliseconds')
const seconds = check(
  (value) => Number.isInteger(value) && Number(value) > 0 && Number(value) <= LIMITS.maxCadenceSeconds,
  `a whole number from 1 to ${LIMITS.maxCadenceSeconds}`,
)
const count = (least: number) =>
  check(
    (value) => Number.isSafeInteger(value) && Number(value) >= least,
    `a whole number of at least ${least}`,
  )
const plain = check(
  (value) => ['string', 'number', 'boolean'].includes(typeof value),
  'text, number or boolean',
)

function nullable(inner: Check): Check {
  return (value, path) => (value === null ? null : inner(value, path))
}

function list(item: Check): Check {
  return (value, path) =>
    Array.isArray(value)
      ? first([...value.keys()], (i) => item(value[i], `${path}[${i}]`))
      : `${path} is not a list`
}

function record(member: Check): Check {
  return (value, path) =>
    isObject(value)
      ? first(Object.keys(value), (key) => member(value[key], `${path}.${key}`))
      : `${path} is not an object`
}

/** Exactly these members: an unknown one could carry a meaning that an old verifier would overlook. */
function shape(members: Readonly<Record<string, Check>>): Check {
  const names = Object.keys(members)
  return (value, path) => {
    if (!isObject(value)) return `${path} is not an object`
    const unknown = Object.keys(value).find((key) => !Object.hasOwn(members, key))
    if (unknown !== undefined) return `${path} has an unknown member`
    return first(names, (key) => members[key]!(value[key], `${path}.${key}`))
  }
}

function first<Key>(keys: readonly Key[], problemOf: (key: Key) => string | null): string | null {
  for (const key of keys) {
    const problem = problemOf(key)
    if (problem !== null) return problem
  }
  return null
}

const CLAIM = shape({
  key: symbol(4096),
  id: symbol(128),
  params: record(text(1024)),
  sentence: name(4096),
  evidence: oneOf('measured', 'attested', 'inherited'),
  checkedBy: oneOf('self', 'outside'),
  probe: nullable(symbol(256)),
  cadenceSeconds: nullable(seconds),
  cannotProve: list(name(4096)),
} satisfies Record<keyof PromiseClaim, Check>)

const claim: Check = (value, path) => {
  const problem = CLAIM(value, path)
  if (problem !== null) return problem
  const { key, probe, cadenceSeconds } = value as PromiseClaim
  if (key !== keyOf(value as PromiseClaim)) return `${path}.key is not its id and parameters`
  return (probe === null) === (cadenceSeconds === null)
    ? null
    : `${path} has a probe without a cadence, or the reverse`
}

function keyOf(promise: PromiseClaim): string | null {
  try {
    return formatPromiseKey(promise)
  } catch {
    // A lone surrogate has no percent-encoding.
    return null
  }
}

const observed = shape({ summary: name(4096), values: record(plain) } satisfies Record<keyof Observed, Check>)

const BASE = { v: oneOf(1), kind: name(64), id, at: moment }

const EPOCH = { ladder: oneOf('live', 'backup'), epoch: count(1), provider: symbol(128) }

type MembersOf<Kind> = Record<keyof Extract<EvidenceEntry, { kind: Kind }>, Check>

/** The shape of every kind of entry of format version 1. */
export const ENTRY_SHAPES: { readonly [Kind in EvidenceEntry['kind']]: Check } = {
  'log.opened': shape({ ...BASE, origin: name(512), software: name(128) } satisfies MembersOf<'log.opened'>),
  'promise.declared': shape({ ...BASE, promise: claim } satisfies MembersOf<'promise.declared'>),
  'promise.changed': shape({
    ...BASE,
    promise: claim,
    previous: symbol(4096),
    direction: oneOf('weakened', 'strengthened', 'reworded'),
  } satisfies MembersOf<'promise.changed'>),
  'promise.withdrawn': shape({ ...BASE, key: symbol(4096) } satisfies MembersOf<'promise.withdrawn'>),
  'probe.started': shape({
    ...BASE,
    key: symbol(4096),
    run: symbol(128),
    probe: symbol(256),
    deadline: moment,
  } satisfies MembersOf<'probe.started'>),
  'probe.result': shape({
    ...BASE,
    key: symbol(4096),
    run: symbol(128),
    probe: symbol(256),
    outcome: oneOf('kept', 'broken', 'undecided'),
    observed,
  } satisfies MembersOf<'probe.result'>),
  'keys.rotated': shape({
    ...BASE,
    ...EPOCH,
    startedAt: moment,
    dueAt: moment,
    buckets: count(0),
    replaced: count(0),
    rewrapped: count(0),
  } satisfies MembersOf<'keys.rotated'>),
  'keys.destroyed': shape({
    ...BASE,
    ...EPOCH,
    evidence: oneOf('confirmed', 'attested'),
  } satisfies MembersOf<'keys.destroyed'>),
}
