import { describe, expect, test } from 'vitest'
import type { MailMessage } from '../declare/index.ts'
import { defineErrors } from '../kernel/index.ts'
import { openOutbox, type Outbox, type OutboxOptions } from './outbox.ts'

const LETTER: MailMessage = { to: 'ada@example.com', subject: 'Hello', text: 'Hello\n' }
const never = (): Promise<never> => new Promise(() => {})

function open(send: (message: MailMessage) => Promise<void>, more: Partial<OutboxOptions> = {}) {
  const logged: { fields: object; message: string }[] = []
  const log = (fields: object, message: string): void => void logged.push({ fields, message })
  return { logged, outbox: openOutbox({ port: { send }, logger: { warn: log, error: log }, ...more }) }
}

const posted = (outbox: Outbox, letter: MailMessage | null = LETTER): void => outbox.post(async () => letter)

describe('the outbox', () => {
  test('lets the caller go on before anything is found out', async () => {
    const { outbox } = open(async () => {})
    let hasBegun = false
    outbox.post(async () => {
      hasBegun = true
      return null
    })
    await Promise.resolve()
    expect(hasBegun).toBe(false)
    await outbox.idle()
    expect(hasBegun).toBe(true)
  })

  test('hands each letter over once, four at a time', async () => {
    let [underWay, most] = [0, 0]
    const sent: string[] = []
    const { outbox } = open(async ({ subject }) => {
      most = Math.max(most, ++underWay)
      await new Promise((resolve) => setImmediate(resolve))
      sent.push(subject)
      underWay--
    })
    const subjects = Array.from({ length: 20 }, (_, i) => `letter ${i}`)
    for (const subject of subjects) posted(outbox, { ...LETTER, subject })
    posted(outbox, null)
    await outbox.idle()
    expect(sent.toSorted()).toEqual(subjects.toSorted())
    expect(most).toBe(4)
  })

  test('goes on after a letter that nobody takes, and writes no address into the log', async () => {
    const refused = Object.assign(new TypeError('550 <ada@example.com> unknown'), {
      code: 'EENVELOPE',
      responseCode: 550,
    })
    let count = 0
    const { outbox, logged } = open(async () => {
      if (++count === 1) throw refused
    })
    posted(outbox)
    posted(outbox)
    await outbox.idle()
    expect(count).toBe(2)
    expect(logged).toEqual([
      {
        fields: { error: 'TypeError', code: 'EENVELOPE', responseCode: 550 },
        message: 'a letter could not be handed over',
      },
    ])
  })

  test('says by its code what the library itself refused', async () => {
    const OwnError = defineErrors('OwnError', { ERR_OWN: 'mend it' })
    const { outbox, logged } = open(async () => {})
    outbox.post(async () => {
      throw new OwnError('ERR_OWN', 'no')
    })
    await outbox.idle()
    expect(logged[0]!.fields).toEqual({ error: 'OwnError', code: 'ERR_OWN' })
  })

  test('gives a letter up that is neither taken nor refused', async () => {
    const { outbox, logged } = open(never, { timeoutMs: 5 })
    for (let i = 0; i < 6; i++) posted(outbox)
    await outbox.idle()
    expect(logged).toHaveLength(6)
  })

  test('keeps a thousand waiting, and says of one more that it was not taken', async () => {
    const { outbox, logged } = open(async () => {})
    for (let i = 0; i < 1_000; i++) posted(outbox)
    expect(logged).toEqual([])
    posted(outbox)
    expect(logged).toEqual([{ fields: { waiting: 1_000 }, message: 'a letter was not taken' }])
    await outbox.idle()
  })

  test('closes when what it has is handed over, and takes no more', async () => {
    const sent: MailMessage[] = []
    const { outbox, logged } = open(async (message) => void sent.push(message))
    posted(outbox)
    await outbox.close()
    expect(sent).toEqual([LETTER])
    posted(outbox)
    await outbox.idle()
    expect([sent.length, logged.length]).toEqual([1, 1])
  })
})
