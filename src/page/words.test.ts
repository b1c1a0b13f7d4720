import { expect, it } from 'vitest'
import { asSentence, countOf, labelOf, valueText } from './words.ts'

it.each([
  ['rowsChecked', 'Rows checked'],
  ['wal_bytes', 'Wal bytes'],
  ['days-left', 'Days left'],
  ['', ''],
])('%s is labelled %s', (name, label) => expect(labelOf(name)).toBe(label))

it('values read as words and figures', () => {
  expect([valueText(true), valueText(false), valueText(18231), valueText('AES-256')]).toEqual([
    'yes',
    'no',
    '18,231',
    'AES-256',
  ])
})

it('clauses become sentences once', () => {
  expect(asSentence('not checked yet')).toBe('Not checked yet.')
  expect(asSentence('Done!')).toBe('Done!')
})

it('counts agree with their noun', () => {
  expect([countOf(1, 'promise'), countOf(2, 'promise'), countOf(0, 'stretch', 'stretches')]).toEqual([
    '1 promise',
    '2 promises',
    '0 stretches',
  ])
})
