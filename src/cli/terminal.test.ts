import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createTerminal, visible } from './terminal.ts'

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

/** Everything that moves a cursor, changes a colour, hides or reorders text. */
const STEERING = [
  ...['\u001b[2J', '\u001b]0;title\u0007', '\u009b31m', '\r', '\b', '\u007f', '\u0000'],
  ...['\u202e', '\u2066', '\u200b', '\u00ad', '\ufeff', '\u2028', '\u{e0041}'],
]

describe('what a site says', () => {
  test('is shown with its steering characters as escapes, on one line, cut to a length', () => {
    expect(visible('a\u001b[2J\nb\u202e')).toBe('a\\u001b[2J\\u000ab\\u202e')
    expect(visible('x'.repeat(3_000))).toHaveLength(2_001)
    expect(visible('Zürich – 100 % 安全 🔒 שלום')).toBe('Zürich – 100 % 安全 🔒 שלום')
  })

  test('cannot steer the terminal through any way of printing', () => {
    for (const text of STEERING) {
      const plain = terminalWith({})
      plain.terminal.say(`a${text}b`)
      const json = terminalWith({ json: true })
      json.terminal.result({ [text]: text })
      expect(JSON.parse(json.written.out)).toEqual({ [text]: text })
      for (const { written } of [plain, json]) expect(written.out.replaceAll('\n', '')).toMatch(/^[ -~]+$/)
    }
  })

  test('leaves a painted line its own colours alone', () => {
    const live = terminalWith({ tty: true })
    live.terminal.say(live.terminal.paint('good', visible('kept \u001b[31mbroken\u001b[0m')))
    expect(live.written.out).toBe('\u001b[32mkept \\u001b[31mbroken\\u001b[0m\u001b[0m\n')
  })

  test('whatever it is, leaves no control character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        // oxlint-disable-next-line no-control-regex
        expect(visible(text)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/)
      }),
    )
  })
})
