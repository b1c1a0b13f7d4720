import { Writable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { createLogger } from './logger.ts'

function linesOf(write: (logger: ReturnType<typeof createLogger>) => void): string {
  let text = ''
  const destination = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk)
      done()
    },
  })
  write(createLogger({ name: 'test', level: 'debug', destination }))
  return text
}

describe('createLogger', () => {
  test.each([
    { authorization: 'hunter2' },
    { headers: { authorization: 'hunter2', cookie: 'hunter2' } },
    { request: { headers: { 'set-cookie': 'hunter2' } } },
    { a: { b: { c: { password: 'hunter2' } } } },
    { email: 'hunter2', apiKey: 'hunter2', api_key: 'hunter2', token: 'hunter2' },
    { query: { values: ['hunter2'] } },
  ])('redacts secrets by key in %j', (object) => {
    const line = linesOf((logger) => logger.info(object, 'hello'))
    expect(line).not.toContain('hunter2')
    expect(line).toContain('[redacted]')
  })

  test('writes one JSON object a line, with the system’s name', () => {
    expect(JSON.parse(linesOf((logger) => logger.warn({ status: 500 }, 'request')))).toMatchObject({
      name: 'test',
      status: 500,
      msg: 'request',
    })
  })

  test('keeps an error’s code and place, and never what a foreign message quotes', () => {
    const error = Object.assign(new TypeError('Key (email)=(hunter2) exists'), {
      code: '23505',
      detail: 'hunter2',
    })
    const line = linesOf((logger) =>
      logger.error({ err: new Error('outer hunter2', { cause: error }) }, 'failed'),
    )
    expect(line).not.toContain('hunter2')
    expect(line).toContain('23505')
    expect(line).toContain('logger.test')
  })
})
