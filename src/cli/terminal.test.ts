import { describe, expect, test } from 'vitest'
import { createTerminal } from './terminal.ts'

function terminalWith(options: { json?: boolean; tty?: boolean; environment?: Record<string, string> }) {
  const written = { out: '', err: '' }
  const isTTY = options.tty === true
  const terminal = createTerminal({
    json: options.json === true,
    stdout: { isTTY, write: (text) => (written.out += text) },
    stderr: { isTTY, columns: 20, write: (text) => (written.err += text) },
    environment: options.environment ?? {},
  })
  return { terminal, written }
}

describe('createTerminal', () => {
  test('prints either words or one JSON value, never both', () => {
    const words = terminalWith({})
    words.terminal.say('hello')
    words.terminal.result({ a: 1 })
    expect(words.written.out).toBe('hello\n')
    const json = terminalWith({ json: true })
    json.terminal.say('hello')
    json.terminal.result({ a: 1 })
    expect(JSON.parse(json.written.out)).toEqual({ a: 1 })
  })

  test('shows progress on a terminal alone, cut to its width, and takes it away', () => {
    const piped = terminalWith({})
    piped.terminal.progress('working')
    expect(piped.written.err).toBe('')
    const live = terminalWith({ tty: true })
    live.terminal.progress('x'.repeat(50))
    live.terminal.say('done')
    expect(live.written.err).toBe(`${'x'.repeat(19)}\r\u001B[2K`)
  })

  test('paints on a terminal unless NO_COLOR asks it not to', () => {
    expect(terminalWith({ tty: true }).terminal.paint('bad', 'broken')).toContain('\u001B[31m')
    expect(terminalWith({}).terminal.paint('bad', 'broken')).toBe('broken')
    expect(terminalWith({ tty: true, environment: { NO_COLOR: '1' } }).terminal.paint('bad', 'broken')).toBe(
      'broken',
    )
  })
})
