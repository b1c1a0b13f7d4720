import { fromUtf8, isMoment } from '../kernel/index.ts'
import type { EvidenceKind, Observed } from './entry.ts'
import { VerifyError } from './errors.ts'
import { LIMITS } from './limits.ts'
import type { PromiseStatus } from './status.ts'

/** One promise as `/security.json` shows it; the members that a verifier compares. */
export interface ShownPromise {
  readonly key: string
  readonly id: string
  readonly params: Readonly<Record<string, string>>
  readonly sentence: string
  readonly kind: EvidenceKind
  readonly checkedBy: 'self' | 'outside'
  readonly status: PromiseStatus
  readonly probe: string | null
  readonly observed: Observed
  /** UTC; null where nothing was checked. */
  readonly checkedAt: string | null
  readonly validUntil: string | null
  readonly cannotProve: readonly string[]
  /** Base64 of the evidence entry that the status rests on. */
  readonly entry: string | null
  /** Its tlog-proof. */
  readonly proof: string | null
}

/** `/security.json`, schema 1. */
export interface SecurityPage {
  /** The system's origin; its log is `<origin>/evidence`. */
  readonly origin: string
  readonly generatedAt: string
  /** The signed checkpoint up to which the page has read the log. */
  readonly checkpoint: string
  readonly witnessed: boolean
  /** Keys of the witnesses that the page says have cosigned its checkpoint. */
  readonly witnesses: readonly string[]
  readonly promises: readonly ShownPromise[]
}

/**
 * Reads `/security.json`. Members that nothing here compares are let pass.
 * @throws VerifyError `ERR_VERIFY_PAGE_SHAPE`
 */
export function parseSecurityPage(bytes: Uint8Array): SecurityPage {
  const page = objectOf(jsonOf(bytes), 'the page')
  if (page.schema !== 1) throw wrong('its schema is not 1')
  const { origin, generatedAt, checkpoint, witnessed, promises } = page
  const witnesses = page.witnesses === undefined ? [] : witnessesOf(page.witnesses)
  if (typeof origin !== 'string') throw wrong('origin is not text')
  if (typeof witnessed !== 'boolean') throw wrong('witnessed is neither true nor false')
  if (typeof generatedAt !== 'string' || !isMoment(generatedAt)) throw wrong('generatedAt is not a UTC time')
  if (typeof checkpoint !== 'string') throw wrong('checkpoint is not text')
  if (!Array.isArray(promises)) throw wrong('promises is not a list')
  return { origin, generatedAt, checkpoint, witnessed, witnesses, promises: promises.map(parsePromise) }
}

function witnessesOf(value: unknown): string[] {
  if (!Array.isArray(value) || value.length > LIMITS.maxSignatures) throw wrong('witnesses is not a list')
  return value.map((witness, i) => textOf(objectOf(witness, `witnesses[${i}]`).vkey, `witnesses[${i}].vkey`))
}

function parsePromise(value: unknown, i: number): ShownPromise {
  const path = `promises[${i}]`
  const promise = objectOf(value, path)
  const { cannotProve } = promise
  if (!Array.isArray(cannotProve) || !cannotProve.every((line) => typeof line === 'string')) {
    throw wrong(`${path}.cannotProve is not a list of texts`)
  }
  return {
    key: textOf(promise.key, `${path}.key`),
    id: textOf(promise.id, `${path}.id`),
    params: objectOf(promise.params, `${path}.params`) as Record<string, string>,
    sentence: textOf(promise.sentence, `${path}.sentence`),
    kind: oneOf(promise.kind, ['measured', 'attested', 'inherited'], `${path}.kind`),
    checkedBy: oneOf(promise.checkedBy, ['self', 'outside'], `${path}.checkedBy`),
    status: oneOf(promise.status, ['kept', 'broken', 'unproven'], `${path}.status`),
    probe: nullOrText(promise.probe, `${path}.probe`),
    observed: observedOf(promise.observed, `${path}.observed`),
    checkedAt: nullOrText(promise.checkedAt, `${path}.checkedAt`),
    validUntil: nullOrText(promise.validUntil, `${path}.validUntil`),
    cannotProve,
    entry: nullOrText(promise.entry, `${path}.entry`),
    proof: nullOrText(promise.proof, `${path}.proof`),
  }
}

/** Its members are only compared with those of the log, so their own shape does not matter. */
function observedOf(value: unknown, path: string): Observed {
  const { summary, values } = objectOf(value, path)
  return {
    summary: textOf(summary, `${path}.summary`),
    values: objectOf(values, `${path}.values`) as Observed['values'],
  }
}

function nullOrText(value: unknown, path: string): string | null {
  return value === null ? null : textOf(value, path)
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(fromUtf8(bytes))
  } catch (cause) {
    throw new VerifyError('ERR_VERIFY_PAGE_SHAPE', '/security.json is not JSON', { cause })
  }
}

function objectOf(value: unknown, path: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw wrong(`${path} is not an object`)
  return value as Record<string, unknown>
}

function textOf(value: unknown, path: string): string {
  if (typeof value !== 'string') throw wrong(`${path} is not text`)
  return value
}

function oneOf<const Value extends string>(value: unknown, values: readonly Value[], path: string): Value {
  const found = values.find((known) => known === value)
  if (found === undefined) throw wrong(`${path} is not ${values.join(' or ')}`)
  return found
}

function wrong(what: string) {
  return new VerifyError('ERR_VERIFY_PAGE_SHAPE', `/security.json: ${what}`)
}
