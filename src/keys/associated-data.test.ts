import { createHash, createSecretKey } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { heartbeats, invoices, notes } from '../../test/fixtures/database/resources.ts'
import { field, resource, type Resource } from '../declare/index.ts'
import { canonicalJson, createPseudonym } from '../kernel/index.ts'
import { openRow, type DataKey } from './index.ts'
import { AssociatedData } from './associated-data.ts'
import { layoutOf, type RowLayout } from './row-layout.ts'

const words = { basis: 'contract', retention: 'account', tenant: 'teamId' } as const
const letters = resource({
  ...words,
  name: 'letters',
  subject: 'personId',
  purpose: 'to write to people',
  fields: {
    personId: field.id(),
    teamId: field.id(),
    text: field.text('text', { max: 100 }),
    kind: field.text('kind', { max: 20, clear: 'counted' }),
  },
})
const messages = resource({
  ...words,
  name: 'messages',
  purpose: 'to let people write to each other',
  subjects: { senderId: 'keep-others', recipientId: 'keep-others' },
  fields: {
    senderId: field.id('who wrote', { optional: true }),
    recipientId: field.id('who reads', { optional: true }),
    teamId: field.id(),
    text: field.text('text', { max: 100, optional: true, about: 'senderId' }),
    answer: field.text('answer', { max: 100, optional: true, about: 'recipientId' }),
  },
})

describe('what is authenticated beside a row', () => {
  /** As the head of `seal-row.ts` lays it out, put together by other means. */
  function laidOut(header: Uint8Array, parts: readonly string[], clear: Record<string, unknown>): Buffer {
    const framed = parts.map((part) => {
      const length = Buffer.alloc(4)
      length.writeUInt32BE(Buffer.byteLength(part))
      return Buffer.concat([length, Buffer.from(part)])
    })
    const digest = createHash('sha256').update(canonicalJson(clear)).digest()
    return Buffer.concat([header, ...framed, digest])
  }

  const kept = new Map<RowLayout, AssociatedData>()
  function associatedOf(layout: RowLayout): AssociatedData {
    const associated = kept.get(layout) ?? new AssociatedData(layout)
    kept.set(layout, associated)
    return associated
  }

  const known = Array.from({ length: 3 }, createPseudonym)
  const id = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...known) },
    { weight: 2, arbitrary: fc.uuid() },
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom('', 'é'.repeat(36), 'é'.repeat(18), known[0]!.toUpperCase(), `${known[0]} `),
  )
  const kinds: readonly (readonly [Resource, string | null])[] = [
    [heartbeats, null],
    [notes, null],
    [invoices, null],
    [letters, null],
    [messages, 'senderId'],
    [messages, 'recipientId'],
  ]

  test('is as documented, whatever the ids are and whatever row came before', () => {
    const row = fc.tuple(
      fc.constantFrom(...kinds),
      id,
      id,
      id,
      fc.uint8Array({ minLength: 20, maxLength: 20 }),
    )
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 6 }), (rows) => {
        for (const [[of, about], rowId, tenantId, subjectId, header] of rows) {
          const layout = layoutOf(of, about)
          const subject = about ?? of.subject
          const clear: Record<string, unknown> = { id: rowId }
          if (layout.tenant !== null) clear[layout.tenant] = tenantId
          if (subject !== null) clear[subject] = subjectId
          const text = (column: string | null): string => (column === null ? '' : String(clear[column]))
          const whose = about === null ? [text(subject)] : [about, text(subject)]
          const label = about === null ? 'surety/row/1' : 'surety/row/2'
          const parts = [label, text(layout.tenant), of.name, rowId, ...whose]
          const found = associatedOf(layout).of(header, clear)
          expect(Buffer.compare(found, laidOut(header, parts, clear))).toBe(0)
        }
      }),
      { numRuns: 300 },
    )
  })
})

/** Sealed when formats 1 and 2 were new. */
describe('an envelope of old', () => {
  const key: DataKey = {
    id: '11111111-1111-4111-8111-111111111111',
    tenant: '22222222-2222-4222-8222-222222222222',
    subject: '33333333-3333-4333-8333-333333333333',
    key: createSecretKey(Buffer.alloc(32, 7)),
  }
  const row = {
    id: '01900000-0000-7000-8000-000000000000',
    createdAt: new Date(Date.UTC(2026, 10, 22)),
    teamId: key.tenant,
  }

  test('of format 1 opens', () => {
    const envelope = Buffer.from(
      'AQEAAREREREREUERgRERERERERGdT7lHJBfUstIPYEEbx0jZ2XbTOHRx7NI4eRsmTdJxcpbxvB3/5kYnXs8d2sBI5SbVsemjhARF3Q==',
      'base64',
    )
    const clear = { ...row, personId: key.subject, kind: 'größe' }
    expect(openRow(key, { resource: letters, clear }, envelope)).toEqual({ text: 'moon 🌒 "x"\n' })
  })

  test('of format 2 opens', () => {
    const envelope = Buffer.from(
      'AgEAAREREREREUERgREREREREREulFOFkxvW0efEPE4AjfhJAb9TQWg8jyjQAIOitqtjDaTrSyS94WFsUFFT',
      'base64',
    )
    const clear = { ...row, senderId: key.subject, recipientId: key.subject }
    const opened = openRow(key, { resource: messages, clear, about: 'senderId' }, envelope)
    expect(opened).toEqual({ text: 'moon' })
  })
})
