import { createSecretKey } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { field, resource, type Resource } from '../declare/index.ts'
import { openRow, sealRow, type DataKey, type RowContext } from './index.ts'

const TEAM = '11111111-1111-4111-8111-111111111111'
const ADA = '22222222-2222-4222-8222-222222222222'
const BOB = '33333333-3333-4333-8333-333333333333'

const shared = {
  basis: 'contract',
  retention: 'account',
  tenant: 'teamId',
  purpose: 'to let people write to each other',
} as const
const letters: Resource = resource({
  ...{ ...shared, name: 'letters', subject: 'senderId' },
  fields: {
    senderId: field.id(),
    teamId: field.id(),
    sent: field.timestamp('when it was sent', { clear: 'ranges in SQL' }),
    subjectLine: field.text('what it is about', { max: 100, clear: 'shown in lists' }),
    text: field.text('text', { max: 100 }),
  },
})
const someone = { max: 100, optional: true } as const
const messages: Resource = resource({
  ...{ ...shared, name: 'messages' },
  subjects: { senderId: 'keep-others', recipientId: 'keep-others' },
  fields: {
    senderId: field.id('who wrote', { optional: true }),
    recipientId: field.id('who reads', { optional: true }),
    teamId: field.id(),
    text: field.text('text', { ...someone, about: 'senderId' }),
    answer: field.text('answer', { ...someone, about: 'recipientId' }),
  },
})

const row = {
  id: '019a0000-0000-7000-8000-000000000001',
  createdAt: new Date(Date.UTC(2026, 10, 22, 0, 20, 0, 7)),
  teamId: TEAM,
  senderId: ADA,
  recipientId: BOB,
  sent: new Date(0),
  subjectLine: 'ein "Gruß" 🌒',
}
const keyOf = (id: string, tenant: string, subject: string): DataKey => {
  return { id, tenant, subject, key: createSecretKey(Buffer.alloc(32, 7)) }
}
const key = keyOf('44444444-4444-4444-8444-444444444444', TEAM, ADA)

describe('envelopes that lie in databases', () => {
  it.each<[string, RowContext, string]>([
    [
      'format 1',
      { resource: letters, clear: row },
      '0101000144444444444444448444444444444444786d53a43c20b72f10dfa6d48e061444e92d9a2cb199e7d0f8cf28fbe311826cf5a28c9f7ffb44e1e561120c',
    ],
    [
      'format 2',
      { resource: messages, clear: row, about: 'senderId' },
      '02010001444444444444444484444444444444442bd2d5a6ed247e50604e75165113c258ef3a50e7952c028d18459e2e98a0859711ca344285e3ad7142869bbd',
    ],
  ])('open for good: %s', (_, context, hex) => {
    const envelope = Buffer.from(hex, 'hex')
    expect(openRow(key, context, envelope)).toMatchObject({ text: 'hello' })
    expect(sealRow(key, context, { text: 'hello' }).subarray(0, 20)).toEqual(envelope.subarray(0, 20))
  })
})

describe('rows that take turns', () => {
  const KEYS = [
    key,
    keyOf('55555555-5555-4555-8555-555555555555', TEAM, BOB),
    keyOf('66666666-6666-4666-8666-666666666666', BOB, ADA),
    keyOf('77777777-7777-4777-8777-777777777777', '', 'é'),
  ]
  const turn = fc.record({
    key: fc.constantFrom(...KEYS),
    // As many characters as an id, or as many bytes, or neither.
    id: fc.constantFrom(row.id, row.id.replace('01', '02'), row.id.replace('0', 'é'), 'é', 'ab', ''),
    several: fc.boolean(),
    subjectLine: fc.string({ unit: 'grapheme', maxLength: 20 }),
    text: fc.string({ unit: 'grapheme', maxLength: 20 }),
  })
  const contextOf = ({
    key: { tenant, subject },
    id,
    several,
    subjectLine,
  }: TurnOf<typeof turn>): RowContext => {
    const clear = { ...row, id, subjectLine, teamId: tenant, senderId: subject }
    return several ? { resource: messages, clear, about: 'senderId' } : { resource: letters, clear }
  }

  it('open each in its own place, and in no other’s', () => {
    fc.assert(
      fc.property(fc.array(turn, { minLength: 2, maxLength: 8 }), (turns) => {
        const sealed = turns.map((each) => sealRow(each.key, contextOf(each), { text: each.text }))
        for (const mine of turns) {
          for (const [j, envelope] of sealed.entries()) {
            const theirs = turns[j]!
            const isSame =
              theirs.key === mine.key &&
              theirs.id === mine.id &&
              theirs.several === mine.several &&
              (mine.several || theirs.subjectLine === mine.subjectLine)
            const open = () => openRow(mine.key, contextOf(mine), envelope)
            if (isSame) expect(open()).toMatchObject({ text: theirs.text })
            else expect(open).toThrow(expect.objectContaining({ code: 'ERR_KEYS_ENVELOPE_OPEN' }) as Error)
          }
        }
      }),
      { numRuns: 300 },
    )
  })
})

type TurnOf<Arbitrary> = Arbitrary extends fc.Arbitrary<infer Value> ? Value : never
