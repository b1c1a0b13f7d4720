import { canonicalBytes, isId } from '../kernel/index.ts'
import { IMPLICIT_COLUMNS } from './columns.ts'
import { ValueError } from './errors.ts'
import type { Field, FieldKind } from './field.ts'
import type { Resource } from './resource.ts'

export interface ValidatedRow {
  /** Declared fields only, normalised; an insert has them all (absent optional ones are null). */
  readonly values: Readonly<Record<string, unknown>>
  /** Names of undeclared members that were left out. */
  readonly dropped: readonly string[]
}

type Problem = { readonly code: ValueCode; readonly what: string }
type ValueCode = `ERR_VALUE_${'TYPE' | 'LENGTH' | 'RANGE' | 'CHOICE' | 'TEXT'}`

/**
 * Holds a row against its declaration before anything is stored.
 *
 * @param mode `'insert'` demands every field that is not optional; `'update'` takes any subset
 * @throws ValueError naming the resource and the field, never the value
 */
export function validateRow(
  resource: Resource,
  row: Readonly<Record<string, unknown>>,
  mode: 'insert' | 'update',
): ValidatedRow {
  const dropped = checkUndeclared(resource, row)
  const values: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(resource.fields)) {
    const value = Object.hasOwn(row, name) ? row[name] : undefined
    if (value === undefined && mode === 'update') continue
    values[name] = validateField(resource, name, field, value)
  }
  if (mode === 'insert') requireSubjects(resource, values)
  return { values, dropped }
}

/**
 * Holds a whole row of several subjects against whom it names: somebody, and nobody else's fields.
 * @throws ValueError `ERR_VALUE_MISSING`
 */
export function requireSubjects(resource: Resource, row: Readonly<Record<string, unknown>>): void {
  if (resource.subjects.length < 2) return
  const absent = resource.subjects.map(({ column }) => column).filter((column) => isAbsent(row[column]))
  if (absent.length === resource.subjects.length)
    throw new ValueError('ERR_VALUE_MISSING', `a row of ${resource.name} names none of its subjects`)
  for (const [name, { about }] of Object.entries(resource.fields)) {
    if (about === null || !absent.includes(about) || isAbsent(row[name])) continue
    throw new ValueError(
      'ERR_VALUE_MISSING',
      `${resource.name}.${about} is missing, and ${name} is about them`,
    )
  }
}

function isAbsent(value: unknown): boolean {
  return value === null || value === undefined
}

function checkUndeclared(resource: Resource, row: Readonly<Record<string, unknown>>): string[] {
  const undeclared = Object.keys(row).filter((name) => !Object.hasOwn(resource.fields, name))
  for (const name of undeclared) {
    if (name.startsWith('_') || IMPLICIT_COLUMNS.some((implicit) => implicit === name)) {
      throw new ValueError(
        'ERR_VALUE_READONLY',
        `${resource.name} does not take ${describeName(name)} from callers`,
      )
    }
  }
  if (undeclared.length > 0 && resource.undeclared === 'refuse') {
    throw new ValueError(
      'ERR_VALUE_UNDECLARED',
      `${resource.name} declares no field ${describeName(undeclared[0]!)}`,
    )
  }
  return undeclared
}

/** Member names come from outside: only a plain identifier is repeated in a message. */
function describeName(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]{0,39}$/.test(name) ? name : 'of that name'
}

function validateField(resource: Resource, name: string, field: Field, value: unknown): unknown {
  if (value === undefined || value === null) {
    if (field.optional) return null
    throw new ValueError('ERR_VALUE_MISSING', `${resource.name}.${name} is missing`)
  }
  const checked = CHECKS[field.kind](value, field)
  if ('code' in checked) throw new ValueError(checked.code, `${resource.name}.${name} ${checked.what}`)
  return checked.value
}

type Check = (value: unknown, field: Field) => Problem | { readonly value: unknown }

const CHECKS: Readonly<Record<FieldKind, Check>> = {
  id: (value) => (isId(value) ? { value } : wrongType('a lower-case UUID')),
  text: (value, field) => checkText(value, field.max ?? 0),
  integer: (value, field) =>
    Number.isSafeInteger(value) ? checkRange(value as number, field) : wrongType('a safe integer'),
  number: (value, field) =>
    Number.isFinite(value) ? checkRange(value as number, field) : wrongType('a finite number'),
  boolean: (value) => (typeof value === 'boolean' ? { value } : wrongType('true or false')),
  timestamp: checkTimestamp,
  date: (value) => (isCalendarDay(value) ? { value } : wrongType('a day as YYYY-MM-DD')),
  choice: (value, field) =>
    field.choices?.some((choice) => choice === value)
      ? { value }
      : { code: 'ERR_VALUE_CHOICE', what: 'is none of the declared choices' },
  list: checkList,
  json: checkJson,
  bytes: (value, field) => {
    if (!(value instanceof Uint8Array)) return wrongType('bytes')
    return value.length <= (field.max ?? 0) ? { value } : tooLong(field.max)
  },
}

function wrongType(expected: string): Problem {
  return { code: 'ERR_VALUE_TYPE', what: `is not ${expected}` }
}

function tooLong(max: number | null): Problem {
  return { code: 'ERR_VALUE_LENGTH', what: `is longer than ${max}` }
}

function checkText(value: unknown, max: number): Problem | { value: string } {
  if (typeof value !== 'string') return wrongType('a text')
  if (value.length > max) return tooLong(max)
  // Postgres stores no NUL; a lone surrogate would come back as another character.
  if (value.includes('\0') || !value.isWellFormed()) {
    return { code: 'ERR_VALUE_TEXT', what: 'holds a NUL character or a lone surrogate' }
  }
  return { value }
}

function checkRange(value: number, { range }: Field): Problem | { value: number } {
  if (range && (value < range.min || value > range.max)) {
    return { code: 'ERR_VALUE_RANGE', what: `is outside ${range.min} to ${range.max}` }
  }
  return { value: value + 0 }
}

const FIRST_MOMENT = Date.UTC(1000, 0, 1)
const LAST_MOMENT = Date.UTC(9999, 11, 31, 23, 59, 59, 999)

function checkTimestamp(value: unknown): Problem | { value: Date } {
  if (!(value instanceof Date) || Number.isNaN(value.getTime())) return wrongType('a valid Date')
  if (value.getTime() < FIRST_MOMENT || value.getTime() > LAST_MOMENT) {
    return { code: 'ERR_VALUE_RANGE', what: 'is outside the years 1000 to 9999' }
  }
  return { value }
}

function isCalendarDay(value: unknown): boolean {
  if (typeof value !== 'string' || !/^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}$/.test(value)) return false
  const day = new Date(`${value}T00:00:00.000Z`)
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(value)
}

function checkList(value: unknown, field: Field): Problem | { value: readonly string[] } {
  if (!Array.isArray(value)) return wrongType('a list of texts')
  if (value.length > (field.max ?? 0)) return tooLong(field.max)
  for (const item of value) {
    const checked = checkText(item, field.itemMax ?? 0)
    if ('code' in checked) return { code: checked.code, what: `has an item that ${checked.what}` }
  }
  return { value: [...value] }
}

function checkJson(value: unknown, field: Field): Problem | { value: unknown } {
  let bytes: Uint8Array
  try {
    bytes = canonicalBytes(value)
  } catch {
    return wrongType('plain, well-formed JSON')
  }
  if (bytes.length > (field.max ?? 0)) return tooLong(field.max)
  const text = new TextDecoder().decode(bytes)
  if (/(?<!\\)(?:\\\\)*\\u0000/.test(text)) return { code: 'ERR_VALUE_TEXT', what: 'holds a NUL character' }
  return { value }
}
