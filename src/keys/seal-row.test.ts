import { createSecretKey, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { heartbeats, holidays, invoices, notes } from '../../test/fixtures/database/resources.ts'
import { field, resource, type Resource } from '../declare/index.ts'
import { createId, createPseudonym, systemClock } from '../kernel/index.ts'
import {
  blindIndex,
  ENVELOPE_OVERHEAD_BYTES,
  openRow,
  readHeader,
  sealRow,
  type DataKey,
  type RowContext,
} from './index.ts'

const team = createPseudonym()
const ada = createPseudonym()
const dataKey = (tenant = team, subject = ada): DataKey => ({
  id: createPseudonym(),
  tenant,
  subject,
  key: createSecretKey(randomBytes(32)),
})
const key = dataKey()

const clear = {
  id: createId(systemClock),
  createdAt: new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 678)),
  personId: ada,
  teamId: team,
  language: 'TypeScript',
  category: 'coding',
  lines: 12,
  share: 0.25,
  written: true,
  day: '2026-01-02',
  tags: ['a', 'b'],
  extra: { deep: [1, { more: null }] },
  digest: Buffer.of(0, 1, 255),
  time: new Date(Date.UTC(2026, 0, 2)),
}
const context: RowContext = { resource: heartbeats, clear }
const values = { entity: '/home/ada/secret.ts', project: 'moon 🌒' }

const OPEN = expect.objectContaining({ code: 'ERR_KEYS_ENVELOPE_OPEN' }) as Error
const FORMAT = expect.objectContaining({ code: 'ERR_KEYS_ENVELOPE_FORMAT' }) as Error

describe('an envelope', () => {
  it('gives back what was sealed, and shows nothing of it', () => {
    const envelope = sealRow(key, context, values)
    expect(openRow(key, context, envelope)).toEqual(values)
    for (const encoding of ['utf8', 'utf16le'] as const)
      expect(envelope.includes(Buffer.from('secret', encoding))).toBe(false)
    expect(readHeader(envelope)).toEqual({ schemaVersion: 1, dataKeyId: key.id })
  })

  it('has the documented layout', () => {
    const empty = sealRow(key, context, {})
    expect(empty.length).toBe(ENVELOPE_OVERHEAD_BYTES + '{}'.length)
    expect([...empty.subarray(0, 4)]).toEqual([1, 1, 0, 1])
    expect(empty.subarray(4, 20).toString('hex')).toBe(key.id.replaceAll('-', ''))
    expect(
      sealRow(key, { ...context, resource: { ...heartbeats, schemaVersion: 0x0203 } }, {}).subarray(2, 4),
    ).toEqual(Buffer.of(2, 3))
  })

  it('never repeats a nonce', () => {
    const nonces = Array.from({ length: 5_000 }, () =>
      sealRow(key, context, {}).subarray(20, 32).toString('hex'),
    )
    expect(new Set(nonces).size).toBe(nonces.length)
  })

  it('seals every kind of field', () => {
    const all = resource({
      name: 'everything',
      subject: 'personId',
      purpose: 'test every kind of field',
      basis: 'consent',
      retention: '1d',
      fields: {
        personId: field.id(),
        text: field.text('a text', { max: 99 }),
        integer: field.integer('an integer'),
        number: field.number('a number'),
        boolean: field.boolean('a boolean'),
        timestamp: field.timestamp('a time'),
        date: field.date('a date'),
        choice: field.choice('a choice', ['x', 'y']),
        list: field.list('a list', { max: 9, itemMax: 9 }),
        json: field.json('some json', { max: 99 }),
        bytes: field.bytes('some bytes', { max: 99 }),
        absent: field.text('left out', { max: 99, optional: true }),
      },
    }) as Resource
    const sealed = {
      text: '',
      integer: -7,
      number: 1e-7,
      boolean: false,
      timestamp: new Date(5),
      date: '2026-12-31',
      choice: 'y',
      list: ['', 'ü'],
      json: { b: [null], a: 1 },
      bytes: Buffer.of(0, 255),
      absent: null,
    }
    const place = { resource: all, clear: { id: clear.id, createdAt: clear.createdAt, personId: ada } }
    const own = dataKey(ada, ada)
    expect(openRow(own, place, sealRow(own, place, sealed))).toEqual(sealed)
  })

  it('round-trips any text and JSON', () => {
    const jsonValue = fc
      .jsonValue({ noUnicodeString: false })
      .filter((value) => JSON.stringify(value).isWellFormed())
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        fc.option(fc.string({ unit: 'binary' })),
        jsonValue,
        (entity, project, extra) => {
          const place = { resource: heartbeats, clear: { ...clear, extra: extra as never } }
          expect(openRow(key, place, sealRow(key, place, { entity, project }))).toEqual({ entity, project })
        },
      ),
    )
  })

  it('opens for readers of a later layout, with null for what it does not hold', () => {
    const envelope = sealRow(key, context, values)
    const fields = {
      ...heartbeats.fields,
      added: field.text('added later', { max: 9, optional: true }),
      shown: field.text('clear later', { max: 9, clear: 'needed in SQL', optional: true }),
    }
    const later = { ...heartbeats, schemaVersion: 2, fields } as Resource
    const place = { resource: later, clear: { ...clear, shown: null } }
    expect(openRow(key, place, envelope)).toEqual({ ...values, added: null })
  })
})

describe('an envelope does not open', () => {
  it('when any single bit of it is flipped', () => {
    const envelope = sealRow(key, context, { entity: 'x' })
    for (let bit = 0; bit < envelope.length * 8; bit++) {
      const flipped = Buffer.from(envelope)
      flipped[bit >> 3]! ^= 1 << (bit & 7)
      expect(() => openRow(key, context, flipped), `bit ${bit}`).toThrow(bit < 16 ? FORMAT : OPEN)
    }
  })

  it('when it is cut short or made longer', () => {
    const envelope = sealRow(key, context, values)
    for (let length = 0; length < envelope.length; length++) {
      expect(() => openRow(key, context, envelope.subarray(0, length))).toThrow(
        length < ENVELOPE_OVERHEAD_BYTES ? FORMAT : OPEN,
      )
    }
    expect(() => openRow(key, context, Buffer.concat([envelope, Buffer.of(0)]))).toThrow(OPEN)
  })

  it.each<[string, Record<string, unknown>]>([
    ['id', { id: createId(systemClock) }],
    ['createdAt', { createdAt: new Date(clear.createdAt.getTime() + 1) }],
    ['language', { language: 'Typescript' }],
    ['language taken away', { language: null }],
    ['category', { category: 'debugging' }],
    ['lines', { lines: 13 }],
    ['lines as text', { lines: '12' }],
    ['share', { share: 0.25000000000000006 }],
    ['written', { written: false }],
    ['day', { day: '2026-01-03' }],
    ['tags', { tags: ['a,b'] }],
    ['tags in another order', { tags: ['b', 'a'] }],
    ['extra', { extra: { deep: [1, { more: 0 }] } }],
    ['digest', { digest: Buffer.of(0, 1, 254) }],
    ['time', { time: new Date(1) }],
  ])('beside another clear column: %s', (_, edit) => {
    const envelope = sealRow(key, context, values)
    expect(() => openRow(key, { resource: heartbeats, clear: { ...clear, ...edit } }, envelope)).toThrow(OPEN)
  })

  it('in the row of another subject or tenant, even with the same key', () => {
    const envelope = sealRow(key, context, values)
    for (const edit of [
      { personId: createPseudonym() },
      { teamId: createPseudonym() },
      { personId: team, teamId: ada },
    ]) {
      const moved = { resource: heartbeats, clear: { ...clear, ...edit } }
      expect(() => openRow(key, moved, envelope)).toThrow(OPEN)
      const claimed = { ...key, tenant: moved.clear.teamId, subject: moved.clear.personId }
      expect(() => openRow(claimed, moved, envelope)).toThrow(OPEN)
    }
  })

  it('in another resource, and with another key of the same owner', () => {
    const envelope = sealRow(key, context, values)
    expect(() =>
      openRow(key, { resource: { ...heartbeats, name: 'heartbeat' } as Resource, clear }, envelope),
    ).toThrow(OPEN)
    expect(() => openRow(dataKey(), context, envelope)).toThrow(OPEN)
    expect(() => openRow({ ...dataKey(), id: key.id }, context, envelope)).toThrow(OPEN)
  })

  it('as that of another of the row’s subjects, though both are the same person', () => {
    const someone = { max: 100, optional: true } as const
    const messages = resource({
      ...{ name: 'messages', basis: 'contract', retention: 'account', tenant: 'teamId' },
      purpose: 'to let people write to each other',
      subjects: { senderId: 'keep-others', recipientId: 'keep-others' },
      fields: {
        senderId: field.id('who wrote', { optional: true }),
        recipientId: field.id('who reads', { optional: true }),
        teamId: field.id(),
        text: field.text('text', { ...someone, about: 'senderId' }),
        answer: field.text('answer', { ...someone, about: 'recipientId' }),
      },
    })
    const { id, createdAt } = clear
    const row = { id, createdAt, teamId: team, senderId: ada, recipientId: ada }
    const sent: RowContext = { resource: messages, clear: row, about: 'senderId' }
    const envelope = sealRow(key, sent, { text: 'hello' })
    expect(openRow(key, sent, envelope)).toEqual({ text: 'hello' })
    expect(() => openRow(key, { ...sent, about: 'recipientId' }, envelope)).toThrow(OPEN)
  })

  it('and says so with resource and row id, and nothing of the values', () => {
    const envelope = sealRow(key, context, values)
    envelope[envelope.length - 1]! ^= 1
    expect(() => openRow(key, context, envelope)).toThrow(
      `the envelope of heartbeats ${clear.id} does not open`,
    )
  })

  it('whatever bytes it is', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(() => openRow(key, context, bytes)).toThrow(
          expect.objectContaining({ code: expect.stringMatching(/^ERR_KEYS_ENVELOPE_/) as string }) as Error,
        )
      }),
    )
  })
})

describe('a key seals its own rows only', () => {
  const owner = (code: string): Error => expect.objectContaining({ code }) as Error

  it('refuses the key of another person or tenant', () => {
    for (const other of [
      dataKey(team, createPseudonym()),
      dataKey(createPseudonym(), ada),
      dataKey(ada, team),
    ]) {
      expect(() => sealRow(other, context, values)).toThrow(owner('ERR_KEYS_OWNER'))
    }
  })

  it('takes a tenant’s key for rows sealed for the tenant, and a person’s where the person is the tenant', () => {
    const row = { id: clear.id, createdAt: clear.createdAt }
    const invoice = { resource: invoices as Resource, clear: { ...row, teamId: team } }
    const tenants = dataKey(team, team)
    expect(openRow(tenants, invoice, sealRow(tenants, invoice, { address: 'Graz' }))).toEqual({
      address: 'Graz',
    })
    expect(() => sealRow(key, invoice, { address: 'Graz' })).toThrow(owner('ERR_KEYS_OWNER'))
    const note = { resource: notes as Resource, clear: { ...row, personId: ada } }
    const persons = dataKey(ada, ada)
    expect(openRow(persons, note, sealRow(persons, note, { body: 'hi' }))).toEqual({ body: 'hi' })
  })

  it('refuses to seal what is not sealed', () => {
    const plain = {
      resource: holidays as Resource,
      clear: { id: clear.id, createdAt: clear.createdAt, day: '2026-12-25' },
    }
    expect(() => sealRow(key, plain, {})).toThrow(owner('ERR_KEYS_OWNER'))
  })
})

describe('a blind index', () => {
  const index = createSecretKey(Buffer.alloc(32, 7))

  it('is HMAC-SHA-256 over the canonical JSON of the value', () => {
    // printf '"moon"' | openssl dgst -sha256 -mac hmac -macopt hexkey:0707…
    expect(blindIndex(index, 'moon').toString('hex')).toBe(
      '44447e98e872ab822b6b92e1cd53514cde5da7fef4c9f2d8dfce396b6e9f525a',
    )
  })

  it('is equal for equal values and keys only', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (a, b) => {
        expect(blindIndex(index, a).equals(blindIndex(index, b))).toBe(a === b)
        expect(blindIndex(createSecretKey(Buffer.alloc(32, 8)), a).equals(blindIndex(index, a))).toBe(false)
      }),
    )
  })

  it('tells a number from its text, and text by its exact code units', () => {
    expect(blindIndex(index, 1).equals(blindIndex(index, '1'))).toBe(false)
    expect(blindIndex(index, 'é').equals(blindIndex(index, 'e\u0301'))).toBe(false)
    expect(() => blindIndex(index, '\ud800')).toThrow(TypeError)
  })
})
