import { expect, test } from 'vitest'
import { defineErrors, hasCode, SuretyError } from './error.ts'

const TestError = defineErrors('TestError', {
  ERR_TEST_ONE: 'do the first thing',
  ERR_TEST_TWO: 'do the second thing',
})

test('an error carries its code, its message, its mend and its cause', () => {
  const cause = new TypeError('inner')
  const error = new TestError('ERR_TEST_ONE', 'it failed', { cause })
  expect(error).toMatchObject({
    name: 'TestError',
    code: 'ERR_TEST_ONE',
    message: 'it failed',
    mend: 'do the first thing',
  })
  expect(error.cause).toBe(cause)
  expect(error).toBeInstanceOf(TestError)
  expect(error).toBeInstanceOf(SuretyError)
  expect(String(error)).toBe('TestError: it failed')
})

test('an error without a cause has none, not even an undefined one', () => {
  expect('cause' in new TestError('ERR_TEST_ONE', 'it failed')).toBe(false)
})

test('a mend of its own replaces that of the table', () => {
  expect(new TestError('ERR_TEST_TWO', 'it failed', { mend: 'run this' }).mend).toBe('run this')
})

test('an error says when to ask again, where that is known', () => {
  expect(new TestError('ERR_TEST_ONE', 'wait', { retryAfterMs: 1_500 }).retryAfterMs).toBe(1_500)
  expect(new TestError('ERR_TEST_ONE', 'it failed').retryAfterMs).toBeNull()
})

test('as JSON it tells code, message and mend, never the stack or the cause', () => {
  const error = new TestError('ERR_TEST_TWO', 'it failed', { cause: new TypeError('secret') })
  expect(JSON.parse(JSON.stringify(error))).toEqual({
    code: 'ERR_TEST_TWO',
    message: 'it failed',
    mend: 'do the second thing',
  })
})

test('two capabilities do not pass for each other', () => {
  const OtherError = defineErrors('OtherError', { ERR_OTHER_ONE: 'x' })
  expect(new OtherError('ERR_OTHER_ONE', 'x')).not.toBeInstanceOf(TestError)
})

test('a code is recognised on our errors only', () => {
  expect(hasCode(new TestError('ERR_TEST_ONE', 'x'), 'ERR_TEST_ONE')).toBe(true)
  expect(hasCode(new TestError('ERR_TEST_ONE', 'x'), 'ERR_TEST_TWO')).toBe(false)
  for (const foreign of [
    Object.assign(new TypeError('x'), { code: 'ERR_TEST_ONE' }),
    { code: 'ERR_TEST_ONE' },
    null,
    'x',
  ]) {
    expect(hasCode(foreign, 'ERR_TEST_ONE')).toBe(false)
  }
})
