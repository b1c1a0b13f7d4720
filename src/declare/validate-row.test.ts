import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SuretyError } from '../kernel/index.ts'
import { field, resource, validateRow } from './index.ts'

const fields = {
  personId: field.id(),
  note: field.text('a note', { max: 5 }),
  count: field.integer('a count', { min: 0, max: 10 }),
  share: field.number('a share', { optional: true }),
  done: field.boolean('whether it is done', { optional: true }),
  at: field.timestamp('when it was', { optional: true, clear: 'ranges in SQL' }),
  day: field.date('which day', { optional: true }),
  kind: field.choice('which kind', ['file', 'app'], { optional: true }),
  tags: field.list('some tags', { max: 2, itemMax: 3, optional: true }),
  extra: field.json('anything else', { max: 20, optional: true }),
  blob: field.bytes('raw bytes', { max: 2, optional: true }),
}
const base = {
  subject: 'personId',
  purpose: 'to test',
  basis: 'contract',
  retention: 'account',
  fields,
} as const
const refusing = resource({ ...base, name: 'refusing', undeclared: 'refuse' })
const dropping = resource({ ...base, name: 'dropping', undeclared: 'drop' })
const GOOD = { personId: '018f3c1e-0000-7000-8000-000000000001', note: 'hello', count: 10 }

describe('validateRow', () => {
  test('gives an insert every declared field, absent optional ones as null', () => {
    const { values } = validateRow(refusing, GOOD, 'insert')
    expect(Object.keys(values)).toEqual(Object.keys(fields))
    expect(values).toMatchObject({ ...GOOD, share: null, tags: null })
  })

  test('takes any subset for an update', () => {
    expect(validateRow(refusing, { count: 0 }, 'update').values).toEqual({ count: 0 })
  })

  const accepted: [string, unknown][] = [
    ['share', -0.5],
    ['done', false],
    ['at', new Date(0)],
    ['day', '2024-02-29'],
    ['kind', 'app'],
    ['tags', ['abc', '']],
    ['extra', { a: [1, null] }],
    ['blob', new Uint8Array(2)],
    ['share', null],
  ]
  test.each(accepted)('accepts a fitting %s', (name, value) => {
    expect(validateRow(refusing, { ...GOOD, [name]: value }, 'insert').values[name]).toEqual(value)
  })

  const refused: [string, unknown, string][] = [
    ['note', 'sixsix', 'LENGTH'],
    ['note', 7, 'TYPE'],
    ['note', 'a\0b', 'TEXT'],
    ['note', 'a\ud800', 'TEXT'],
    ['note', null, 'MISSING'],
    ['note', undefined, 'MISSING'],
    ['personId', 'ada', 'TYPE'],
    ['personId', GOOD.personId.toUpperCase().replace('8F', '8F'), 'TYPE'],
    ['count', 11, 'RANGE'],
    ['count', -1, 'RANGE'],
    ['count', 1.5, 'TYPE'],
    ['count', 2 ** 53, 'TYPE'],
    ['count', '3', 'TYPE'],
    ['share', Number.NaN, 'TYPE'],
    ['share', Number.POSITIVE_INFINITY, 'TYPE'],
    ['done', 1, 'TYPE'],
    ['at', '2026-01-01', 'TYPE'],
    ['at', new Date(Number.NaN), 'TYPE'],
    ['at', new Date(8.64e15), 'RANGE'],
    ['day', '2023-02-29', 'TYPE'],
    ['day', '2023-13-01', 'TYPE'],
    ['kind', 'dir', 'CHOICE'],
    ['tags', ['a', 'b', 'c'], 'LENGTH'],
    ['tags', ['long'], 'LENGTH'],
    ['tags', [1], 'TYPE'],
    ['tags', ['\0'], 'TEXT'],
    ['extra', { a: 'x'.repeat(20) }, 'LENGTH'],
    ['extra', { a: Number.NaN }, 'TYPE'],
    ['extra', { a: '\0' }, 'TEXT'],
    ['extra', () => 1, 'TYPE'],
    ['blob', new Uint8Array(3), 'LENGTH'],
    ['blob', 'ab', 'TYPE'],
  ]
  test.each(refused)('refuses %s = %j', (name, value, code) => {
    expect(() => validateRow(refusing, { ...GOOD, [name]: value }, 'insert')).toThrow(
      expect.objectContaining({ code: `ERR_VALUE_${code}` }),
    )
  })

  test('tells a backslash-u in a text from an escaped NUL', () => {
    expect(validateRow(refusing, { ...GOOD, extra: '\\u0000' }, 'insert').values['extra']).toBe('\\u0000')
  })

  test('drops or refuses undeclared members as the resource says', () => {
    expect(validateRow(dropping, { ...GOOD, spy: 1 }, 'insert')).toMatchObject({ dropped: ['spy'] })
    expect(validateRow(dropping, { ...GOOD, spy: 1 }, 'insert').values).not.toHaveProperty('spy')
    expect(() => validateRow(refusing, { ...GOOD, spy: 1 }, 'insert')).toThrow(
      expect.objectContaining({ code: 'ERR_VALUE_UNDECLARED' }),
    )
  })

  test.each(['id', 'createdAt', '_envelope', '_blind_note'])(
    'refuses %s from a caller even where undeclared is dropped',
    (name) => {
      expect(() => validateRow(dropping, { ...GOOD, [name]: 'x' }, 'insert')).toThrow(
        expect.objectContaining({ code: 'ERR_VALUE_READONLY' }),
      )
    },
  )

  test('never repeats a value or a strange member name in its message', () => {
    const secret = 'hunter2 '.repeat(9)
    for (const row of [
      { ...GOOD, note: secret },
      { ...GOOD, [secret]: 1 },
      { ...GOOD, kind: secret },
    ]) {
      expect(() => validateRow(refusing, row, 'insert')).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining('hunter2') }),
      )
    }
  })

  test('answers anything at all with a row or a coded error', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom(...Object.keys(fields), 'spy', '__proto__'), fc.anything()),
        (row) => {
          try {
            validateRow(dropping, row, 'insert')
          } catch (error) {
            expect(error).toBeInstanceOf(SuretyError)
          }
        },
      ),
      { numRuns: 2_000 },
    )
  })
})
