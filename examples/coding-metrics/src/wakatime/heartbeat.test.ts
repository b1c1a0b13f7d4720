import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import save from '../../../../test/fixtures/wakatime/cli-001.json' with { type: 'json' }
import hidden from '../../../../test/fixtures/wakatime/cli-003.json' with { type: 'json' }
import app from '../../../../test/fixtures/wakatime/cli-005.json' with { type: 'json' }
import flush from '../../../../test/fixtures/wakatime/cli-offline-flush-25.json' with { type: 'json' }
import { heartbeats } from '../resources.ts'
import { NEWEST_MS, OLDEST_MS, parseHeartbeat, type Accepted, type HeartbeatHeaders } from './heartbeat.ts'
import { REFUSAL_CODES } from './refusal.ts'

const NOW = Date.parse('2026-11-22T12:00:00Z')
const NO_HEADERS: HeartbeatHeaders = { machine: null, timeZone: null, userAgent: null }
const SENT = { entity: '/src/main.ts', time: NOW / 1000 }

function parse(item: unknown, headers = NO_HEADERS) {
  return parseHeartbeat(item, headers, NOW)
}
function accept(item: unknown, headers = NO_HEADERS): Accepted {
  const result = parse(item, headers)
  if ('code' in result) throw new TypeError(`refused: ${result.code}`)
  return result
}
const codeOf = (item: unknown) => {
  const result = parse(item)
  return 'code' in result ? result.code : null
}

describe('the real client’s heartbeats', () => {
  test('keeps what the data map declares of a save, and hands on the rest as undeclared', () => {
    const headers = {
      machine: save.headers['x-machine-name'],
      timeZone: save.headers.timezone,
      userAgent: save.headers['user-agent'],
    }
    const { heartbeat, undeclared } = accept(save.body[0], headers)
    expect(heartbeat).toEqual({
      time: new Date(1_795_300_882_139),
      entity: '/home/dev/src/sample/acme-payments/ledger.ts',
      type: 'file',
      category: 'coding',
      language: 'TypeScript',
      project: 'acme-payments',
      branch: 'feature/secret-merger',
      machine: 'ada-thinkpad',
      timeZone: 'Etc/UTC',
      userAgent: save.body[0]!.user_agent,
      dependencies: ['express', 'fs'],
      isWrite: true,
      lines: 4,
      lineNumber: 3,
      cursorPosition: 5,
    })
    expect(undeclared).toEqual({ project_root_count: 7 })
  })

  test('takes an app with empty project and branch, and a hidden file', () => {
    expect(accept(app.body[0]).heartbeat).toMatchObject({
      type: 'app',
      entity: 'Slack',
      category: 'meeting',
      project: null,
      branch: null,
    })
    expect(accept(hidden.body[0]).heartbeat).toMatchObject({ entity: 'HIDDEN.ts', branch: null })
  })

  test('takes every heartbeat of an offline flush', () => {
    expect(flush.body.map((item) => accept(item).heartbeat.lineNumber)).toContain(24)
  })
})

describe('where clients differ', () => {
  test.each([
    [{ category: null }, { category: null }],
    [
      { lineno: '12', cursorpos: '7', lines: '300' },
      { lineNumber: 12, cursorPosition: 7, lines: 300 },
    ],
    [{ is_write: 'true' }, { isWrite: true }],
    [{ is_write: 'false' }, { isWrite: false }],
    [{ dependencies: 'fs, path,url' }, { dependencies: ['fs', 'path', 'url'] }],
    [{ time: String(SENT.time) }, { time: new Date(NOW) }],
    [
      { type: null, project: '', language: null },
      { type: 'file', project: null, language: null },
    ],
  ])('takes %j', (members, expected) => {
    expect(accept({ ...SENT, ...members }).heartbeat).toMatchObject(expected)
  })

  test('reads a header’s UTF-8, and leaves out one that does not fit', () => {
    const latin1 = Buffer.from('Zoës-MacBook', 'utf8').toString('latin1')
    expect(accept(SENT, { ...NO_HEADERS, machine: latin1 }).heartbeat.machine).toBe('Zoës-MacBook')
    expect(accept(SENT, { ...NO_HEADERS, machine: 'm'.repeat(256) }).heartbeat.machine).toBeNull()
    expect(accept(SENT, { ...NO_HEADERS, timeZone: '' }).heartbeat.timeZone).toBeNull()
  })

  test('prefers the heartbeat’s own user agent to the header', () => {
    const headers = { ...NO_HEADERS, userAgent: 'from the header' }
    expect(accept({ ...SENT, user_agent: 'own' }, headers).heartbeat.userAgent).toBe('own')
    expect(accept(SENT, headers).heartbeat.userAgent).toBe('from the header')
  })
})

describe('refusals', () => {
  test.each([
    ['a text', 'x', 'ERR_HEARTBEAT_SHAPE'],
    ['an array', [SENT], 'ERR_HEARTBEAT_SHAPE'],
    ['null', null, 'ERR_HEARTBEAT_SHAPE'],
    ['no entity', { time: SENT.time }, 'ERR_HEARTBEAT_MISSING'],
    ['an empty entity', { ...SENT, entity: '' }, 'ERR_HEARTBEAT_MISSING'],
    ['no time', { entity: 'x' }, 'ERR_HEARTBEAT_MISSING'],
    ['a number as entity', { ...SENT, entity: 5 }, 'ERR_HEARTBEAT_TYPE'],
    ['an object as project', { ...SENT, project: {} }, 'ERR_HEARTBEAT_TYPE'],
    ['a number as category', { ...SENT, category: 5 }, 'ERR_HEARTBEAT_TYPE'],
    ['a boolean as time', { ...SENT, time: true }, 'ERR_HEARTBEAT_TYPE'],
    ['a date as time', { ...SENT, time: '2026-11-22' }, 'ERR_HEARTBEAT_TYPE'],
    ['a fraction as line', { ...SENT, lineno: 1.5 }, 'ERR_HEARTBEAT_TYPE'],
    ['a word as line', { ...SENT, lineno: 'twelve' }, 'ERR_HEARTBEAT_TYPE'],
    ['a number as is_write', { ...SENT, is_write: 1 }, 'ERR_HEARTBEAT_TYPE'],
    ['numbers as dependencies', { ...SENT, dependencies: [1] }, 'ERR_HEARTBEAT_TYPE'],
    ['a negative line', { ...SENT, lineno: -1 }, 'ERR_HEARTBEAT_RANGE'],
    ['an unknown type', { ...SENT, type: 'planet' }, 'ERR_HEARTBEAT_CHOICE'],
    ['a NUL in the path', { ...SENT, entity: 'a\0b' }, 'ERR_HEARTBEAT_TEXT'],
    ['a lone surrogate', { ...SENT, project: 'a\ud800' }, 'ERR_HEARTBEAT_TEXT'],
    ['a NUL in a dependency', { ...SENT, dependencies: ['\0'] }, 'ERR_HEARTBEAT_TEXT'],
    ['a path too long', { ...SENT, entity: 'x'.repeat(4097) }, 'ERR_HEARTBEAT_LENGTH'],
    ['too many dependencies', { ...SENT, dependencies: Array(1001).fill('x') }, 'ERR_HEARTBEAT_LENGTH'],
  ])('refuses %s', (_, item, code) => {
    expect(codeOf(item)).toBe(code)
  })

  test('takes the longest path and refuses one more', () => {
    expect(codeOf({ ...SENT, entity: 'x'.repeat(4096) })).toBeNull()
  })

  test('takes the last allowed times and refuses the next millisecond', () => {
    const at = (ms: number) => codeOf({ ...SENT, time: ms / 1000 })
    expect(at(NOW - OLDEST_MS)).toBeNull()
    expect(at(NOW - OLDEST_MS - 1)).toBe('ERR_HEARTBEAT_TOO_OLD')
    expect(at(NOW + NEWEST_MS)).toBeNull()
    expect(at(NOW + NEWEST_MS + 1)).toBe('ERR_HEARTBEAT_TOO_NEW')
    expect(at(-1e18)).toBe('ERR_HEARTBEAT_TOO_OLD')
    expect(at(1e300)).toBe('ERR_HEARTBEAT_TOO_NEW')
  })

  test('refuses more than 64 members', () => {
    const members = Object.fromEntries(Array.from({ length: 63 }, (_, i) => [`m${i}`, 1]))
    expect(codeOf({ ...SENT, ...members })).toBe('ERR_HEARTBEAT_MEMBERS')
  })

  test('says no value in a message', () => {
    const result = parse({ ...SENT, project: 'secret-project\0' })
    expect(JSON.stringify(result)).not.toContain('secret-project')
  })
})

describe('undeclared members', () => {
  test('never become a column: not by our own names, not by reserved ones', () => {
    const item = {
      ...SENT,
      personId: 'me',
      teamId: 'you',
      id: '1',
      createdAt: 'x',
      _envelope: 'x',
      machine: 'm',
    }
    const { heartbeat, undeclared } = accept(item)
    expect(Object.keys(undeclared)).toEqual(['other'])
    expect(heartbeat.machine).toBeNull()
  })

  test('count a category that is no word of the list', () => {
    const { heartbeat, undeclared } = accept({ ...SENT, category: 'ada@codetime.example' })
    expect(heartbeat.category).toBeNull()
    expect(Object.keys(undeclared)).toEqual(['category_unknown'])
  })

  test('cannot reach the prototype', () => {
    const { undeclared } = accept(JSON.parse(`{"entity":"x","time":${SENT.time},"__proto__":{"polluted":1}}`))
    expect(undeclared).toEqual({ other: { polluted: 1 } })
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })
})

test('answers any JSON with a storable heartbeat or a code of the table', () => {
  const member = fc.constantFrom(
    'time',
    'entity',
    'type',
    'category',
    'project',
    'lineno',
    'dependencies',
    'x',
  )
  const items = fc.oneof(
    fc.jsonValue(),
    fc.dictionary(member, fc.jsonValue()).map((more) => ({ ...SENT, ...more })),
  )
  fc.assert(
    fc.property(items, (item) => {
      const result = parse(item)
      if ('code' in result) return REFUSAL_CODES.includes(result.code)
      return Object.keys(result.heartbeat).every((name) => Object.hasOwn(heartbeats.fields, name))
    }),
  )
})
