import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeBody, decodeObject, MAX_BODY_BYTES, MAX_DEPTH, MAX_ITEMS, readBody } from './body.ts'
import { REFUSAL_CODES } from './refusal.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const codeOf = (result: object) => ('code' in result ? result.code : null)

describe('decoding a body', () => {
  test('takes an array, and one heartbeat alone', () => {
    expect(decodeBody(bytes('[{"time":1},{"time":2}]'))).toEqual({
      items: [{ time: 1 }, { time: 2 }],
      single: false,
    })
    expect(decodeBody(bytes('{"time":1}'))).toEqual({ items: [{ time: 1 }], single: true })
    expect(decodeBody(bytes('[]'))).toEqual({ items: [], single: false })
  })

  test('takes the web plug-in’s array that is JSON twice, and not thrice', () => {
    const twice = JSON.stringify(JSON.stringify([{ time: 1 }]))
    expect(decodeBody(bytes(twice))).toEqual({ items: [{ time: 1 }], single: false })
    expect(codeOf(decodeBody(bytes(JSON.stringify(twice))))).toBe('ERR_WAKATIME_BODY_SHAPE')
  })

  test.each([
    ['nothing', '', 'ERR_WAKATIME_BODY_JSON'],
    ['half a body', '[{"time":1', 'ERR_WAKATIME_BODY_JSON'],
    ['a number', '7', 'ERR_WAKATIME_BODY_SHAPE'],
    ['null', 'null', 'ERR_WAKATIME_BODY_SHAPE'],
    ['a text that is no JSON', '"hello"', 'ERR_WAKATIME_BODY_JSON'],
    ['NaN', '[NaN]', 'ERR_WAKATIME_BODY_JSON'],
  ])('refuses %s', (_, text, code) => {
    expect(codeOf(decodeBody(bytes(text)))).toBe(code)
  })

  test('refuses bytes that are not UTF-8', () => {
    expect(codeOf(decodeBody(Uint8Array.of(0x5b, 0x22, 0xff, 0x22, 0x5d)))).toBe('ERR_WAKATIME_BODY_UTF8')
  })

  test('refuses nesting past the limit, and a hundred thousand levels without effort', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
    expect(codeOf(decodeBody(bytes(nested(MAX_DEPTH))))).toBeNull()
    expect(codeOf(decodeBody(bytes(nested(MAX_DEPTH + 1))))).toBe('ERR_WAKATIME_BODY_DEEP')
    expect(codeOf(decodeBody(bytes('['.repeat(100_000))))).toBe('ERR_WAKATIME_BODY_DEEP')
    expect(codeOf(decodeBody(bytes('{"a":'.repeat(50_000))))).toBe('ERR_WAKATIME_BODY_DEEP')
    expect(codeOf(decodeBody(bytes(JSON.stringify(nested(17)))))).toBe('ERR_WAKATIME_BODY_DEEP')
  })

  test('does not count brackets inside texts', () => {
    expect(decodeBody(bytes(JSON.stringify([{ entity: '[[[["{\\"[[[[[[[[[[[[[' }])))).toHaveProperty('items')
  })

  test('takes the last allowed number of items and refuses one more', () => {
    const items = (count: number) => bytes(JSON.stringify(Array.from({ length: count }, () => 0)))
    expect(codeOf(decodeBody(items(MAX_ITEMS)))).toBeNull()
    expect(codeOf(decodeBody(items(MAX_ITEMS + 1)))).toBe('ERR_WAKATIME_BODY_ITEMS')
  })

  test('takes the last allowed byte and refuses one more', () => {
    const padded = (length: number) => bytes(`[]${' '.repeat(length - 2)}`)
    expect(codeOf(decodeBody(padded(MAX_BODY_BYTES)))).toBeNull()
    expect(codeOf(decodeBody(padded(MAX_BODY_BYTES + 1)))).toBe('ERR_WAKATIME_BODY_LARGE')
  })

  test('answers any bytes with items or a code of the table', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (any) => {
        const result = decodeBody(any)
        expect('items' in result || REFUSAL_CODES.includes(result.code)).toBe(true)
      }),
    )
  })

  test('answers any JSON, once or twice encoded, with items or a code of the table', () => {
    fc.assert(
      fc.property(fc.json(), fc.boolean(), (json, twice) => {
        const result = decodeBody(bytes(twice ? JSON.stringify(json) : json))
        expect('items' in result || REFUSAL_CODES.includes(result.code)).toBe(true)
      }),
    )
  })
})

describe('decoding one object', () => {
  test('takes an object whose members look like a refusal for what it is', () => {
    const sent = { code: 'ERR_WAKATIME_INTERNAL', status: 500, message: 'no' }
    expect(decodeObject(bytes(JSON.stringify(sent)))).toEqual({ object: sent })
  })

  test('refuses an array', () => {
    expect(codeOf(decodeObject(bytes('[{}]')))).toBe('ERR_WAKATIME_BODY_SHAPE')
  })
})

describe('reading a body', () => {
  const post = (body: BodyInit, headers = {}) =>
    new Request('http://localhost/', { method: 'POST', body, headers, duplex: 'half' } as RequestInit)

  test('reads what was sent', async () => {
    expect(await readBody(post('[1]'))).toEqual(Buffer.from('[1]'))
  })

  test('stops reading an endless body at the limit', async () => {
    let given = 0
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        given += 65_536
        controller.enqueue(new Uint8Array(65_536))
      },
    })
    expect(codeOf(await readBody(post(endless)))).toBe('ERR_WAKATIME_BODY_LARGE')
    expect(given).toBeLessThan(MAX_BODY_BYTES + 5 * 65_536)
  })

  test('answers a body that breaks off with a code', async () => {
    const broken = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.error(new TypeError('connection lost'))
      },
    })
    expect(codeOf(await readBody(post(broken)))).toBe('ERR_WAKATIME_BODY_CUT')
  })

  test('refuses an encoding it would have to unpack', async () => {
    expect(codeOf(await readBody(post('x', { 'content-encoding': 'gzip' })))).toBe(
      'ERR_WAKATIME_BODY_ENCODING',
    )
  })
})
