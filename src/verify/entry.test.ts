import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalBytes, canonicalJson, utf8 } from '../kernel/index.ts'
import type { EvidenceBody, PromiseClaim } from './entry.ts'
import { parseEntry } from './entry.ts'

const CLAIM: PromiseClaim = {
  key: 'a.promise?within=24h',
  id: 'a.promise',
  params: { within: '24h' },
  sentence: 'Within 24 hours',
  evidence: 'measured',
  checkedBy: 'outside',
  probe: 'a.promise@1',
  cadenceSeconds: 60,
  cannotProve: ['the rest'],
}
const BODIES: EvidenceBody[] = [
  { kind: 'log.opened', origin: 'a.example/evidence', software: 'surety 0.1.0' },
  { kind: 'promise.declared', promise: CLAIM },
  { kind: 'promise.changed', promise: CLAIM, previous: 'a.promise', direction: 'weakened' },
  { kind: 'promise.withdrawn', key: 'a.promise' },
  {
    kind: 'probe.started',
    key: 'a.promise',
    run: 'r1',
    probe: 'a.promise@1',
    deadline: '2026-11-22T00:01:00.000Z',
  },
  {
    kind: 'probe.result',
    key: 'a.promise',
    run: 'r1',
    probe: 'a.promise@1',
    outcome: 'kept',
    observed: { summary: 'All well.', values: { rows: 3, share: 0.5, all: true, oldest: '2 days' } },
  },
  {
    kind: 'keys.rotated',
    ladder: 'live',
    epoch: 7,
    provider: 'file',
    startedAt: '2026-11-21T18:00:00.000Z',
    dueAt: '2026-11-22T00:00:00.000Z',
    buckets: 4096,
    replaced: 12,
    rewrapped: 340,
  },
  { kind: 'keys.destroyed', ladder: 'backup', epoch: 7, provider: 'file', evidence: 'attested' },
]
const STAMP = { v: 1, id: '0190a8b2-0000-7000-8000-000000000000', at: '2026-11-22T00:00:00.000Z' }
const code = (name: string): unknown => expect.objectContaining({ code: name })
const parse = (value: unknown): unknown => parseEntry(canonicalBytes(value))

test.each(BODIES)('reads an entry of kind $kind', (body) => {
  const entry = { ...body, ...STAMP }
  expect(parse(entry)).toEqual(entry)
})

describe('every member of every kind', () => {
  test.each(BODIES)('is required and has no room for another in $kind', (body) => {
    const entry: Record<string, unknown> = { ...body, ...STAMP }
    for (const key of Object.keys(entry)) {
      const { [key]: _, ...rest } = entry
      expect(() => parse(rest), `without ${key}`).toThrow(code('ERR_VERIFY_ENTRY_SHAPE'))
      expect(() => parse({ ...entry, [key]: null }), `${key} null`).toThrow(/ERR|not|no|unknown/)
    }
    expect(() => parse({ ...entry, more: 1 })).toThrow(code('ERR_VERIFY_ENTRY_SHAPE'))
  })

  const wrong: [string, object][] = [
    ['an id that is no UUID', { id: 'x' }],
    ['a time without milliseconds', { at: '2026-11-22T00:00:00Z' }],
    ['a time with a zone', { at: '2026-11-22T00:00:00.000+01:00' }],
    ['a day that does not exist', { at: '2026-02-30T00:00:00.000Z' }],
    ['an unknown direction', { direction: 'improved' }],
    ['a claim with an unknown member', { promise: { ...CLAIM, note: 1 } }],
    ['a claim whose key is not of its id', { promise: { ...CLAIM, key: 'b.promise' } }],
    ['a probe without a cadence', { promise: { ...CLAIM, cadenceSeconds: null } }],
    ['a cadence without a probe', { promise: { ...CLAIM, probe: null } }],
    ['a cadence of nothing', { promise: { ...CLAIM, cadenceSeconds: 0 } }],
    ['a fractional cadence', { promise: { ...CLAIM, cadenceSeconds: 1.5 } }],
    ['parameters that are no text', { promise: { ...CLAIM, params: { within: 24 } } }],
    ['an empty sentence', { promise: { ...CLAIM, sentence: '' } }],
    ['evidence of an unknown kind', { promise: { ...CLAIM, evidence: 'believed' } }],
    ['a list that is none', { promise: { ...CLAIM, cannotProve: { 0: 'x' } } }],
  ]
  test.each(wrong)('refuses %s', (_, change) => {
    expect(() => parse({ ...BODIES[2], ...STAMP, ...change })).toThrow(code('ERR_VERIFY_ENTRY_SHAPE'))
  })

  test('refuses observed values that are no scalar', () => {
    const observed = { summary: 'x', values: { rows: [1] } }
    expect(() => parse({ ...BODIES[5], ...STAMP, observed })).toThrow(code('ERR_VERIFY_ENTRY_SHAPE'))
  })
})

test.each([{ v: 2 }, { v: 1, kind: 'erasure.receipt' }])('asks for a newer verifier for %j', (change) => {
  expect(() => parse({ ...BODIES[3], ...STAMP, ...change })).toThrow(code('ERR_VERIFY_RUN_OUTDATED'))
})

test.each([[null], [1], ['x'], [[]], [{}], [{ v: '1' }], [{ v: 1, kind: 'toString' }], [{ v: 1, kind: 7 }]])(
  'refuses %j with a code',
  (value) =>
    expect(() => parse(value)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^ERR_VERIFY_/) }),
    ),
)

describe('one entry, one sequence of bytes', () => {
  const entry = { ...BODIES[5], ...STAMP }
  const text = canonicalJson(entry)
  const bodyWith = (values: string): string => text.replace(/"values":\{[^}]*\}/, `"values":${values}`)
  test.each([
    ['white space', text.replace(',', ', ')],
    ['another order', `${text.slice(0, -1).replace('"v":1', '').replace(/,$/, '')},"v":1,"a":1}`],
    ['a member twice', text.replace('"v":1', '"v":1,"v":1')],
    ['a number written longer', bodyWith('{"rows":3.0}')],
    ['an exponent', bodyWith('{"rows":3e0}')],
    ['minus zero', bodyWith('{"rows":-0}')],
    ['an escape that is not needed', text.replace('All', '\\u0041ll')],
    ['an escaped slash', text.replace('All', 'A\\/ll')],
    ['an escaped lone surrogate', text.replace('All', '\\ud800')],
    ['members out of order', bodyWith('{"b":1,"a":2}')],
    ['number-like members out of order', bodyWith('{"9":1,"10":2}')],
    ['a byte-order mark', `\ufeff${text}`],
    ['a newline at the end', `${text}\n`],
    ['no JSON', text.slice(1)],
  ])('refuses %s', (_, altered) => {
    expect(() => parseEntry(utf8(altered))).toThrow(code('ERR_VERIFY_ENTRY_CANONICAL'))
  })

  test('takes what only looks unusual', () => {
    for (const values of ['{"10":1,"9":2}', '{"a":"\\\\ud800"}', '{"a":"\u2028😀"}', '{"__proto__":1}']) {
      expect(() => parseEntry(utf8(bodyWith(values))), values).not.toThrow()
    }
  })

  test('agrees with the canonical form on any text that is JSON', () => {
    const values = fc.dictionary(
      fc.string({ unit: 'binary' }),
      fc.oneof(
        fc.string({ unit: 'grapheme' }),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.boolean(),
      ),
    )
    fc.assert(
      fc.property(values, fc.boolean(), (observed, canonical) => {
        const loose = JSON.stringify({ ...entry, observed: { summary: 'x', values: observed } })
        const written = canonical ? canonicalJson(JSON.parse(loose)) : loose
        if (written === canonicalJson(JSON.parse(written)))
          expect(() => parseEntry(utf8(written))).not.toThrow()
        else expect(() => parseEntry(utf8(written))).toThrow(code('ERR_VERIFY_ENTRY_CANONICAL'))
      }),
    )
  })

  test('takes an entry of 65,535 bytes and refuses one byte more', () => {
    const sized = (length: number): Uint8Array => {
      const cannotProve = Array.from({ length: 15 }, () => 'x'.repeat(4096))
      const bare = canonicalBytes({
        ...BODIES[1],
        ...STAMP,
        promise: { ...CLAIM, cannotProve: [...cannotProve, 'x'] },
      })
      return canonicalBytes({
        ...BODIES[1],
        ...STAMP,
        promise: { ...CLAIM, cannotProve: [...cannotProve, 'x'.repeat(1 + length - bare.length)] },
      })
    }
    expect(sized(65_535)).toHaveLength(65_535)
    expect(() => parseEntry(sized(65_535))).not.toThrow()
    expect(() => parseEntry(sized(65_536))).toThrow(code('ERR_VERIFY_ENTRY_SIZE'))
  })

  test('any bytes at all are read or refused with a code', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 60 }),
          fc.jsonValue().map((value) => canonicalBytes(value)),
        ),
        (bytes) => {
          expect(() => parseEntry(bytes)).toThrow(
            expect.objectContaining({ code: expect.stringMatching(/^ERR_VERIFY_/) }),
          )
        },
      ),
    )
  })
})
