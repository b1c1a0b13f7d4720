import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { systemPrincipal } from '../access/index.ts'
import type { MailMessage } from '../declare/index.ts'
import { defineErrors } from '../kernel/index.ts'
import { openStoreOver, type TestStore } from '../store/testing.ts'
import { createLetterQueue, type WaitingLetter } from './letter-queue.ts'
import { openOutbox, type Outbox, type OutboxOptions } from './outbox.ts'
import { mailResources } from './resources.ts'

const MINUTE = 60_000
const DAY = 1_440 * MINUTE
const LETTER: MailMessage = { to: 'ada@example.com', subject: 'Hello', text: 'Hello\n' }
const HELLO: WaitingLetter = { kind: 'hello', about: { to: LETTER.to } }
const never = (): Promise<never> => new Promise(() => {})

let world: TestStore<typeof mailResources>
beforeAll(async () => {
  world = await openStoreOver(mailResources, {})
}, 120_000)
afterAll(() => world.close())

const textOf = (value: unknown): string => (Buffer.isBuffer(value) ? value.toString('latin1') : String(value))
const rows = () => world.store.as(systemPrincipal('tests', ['waiting_letters'])).db
const waiting = async (): Promise<number> =>
  (await rows().selectFrom('waiting_letters').select('id').execute()).length
beforeEach(async () => {
  await rows().deleteFrom('waiting_letters').execute()
})

const opened: Outbox[] = []
afterEach(() => {
  for (const outbox of opened.splice(0)) void outbox.close()
})

/** A process that sends letters. */
function open(send: (message: MailMessage) => Promise<void>, more: Partial<OutboxOptions> = {}) {
  const logged: { fields: object; message: string }[] = []
  const log = (fields: object, message: string): void => void logged.push({ fields, message })
  const outbox = openOutbox({ port: { send }, logger: { warn: log, error: log }, ...more })
  outbox.writes('hello', async ({ subject = LETTER.subject }) => ({ ...LETTER, subject }))
  outbox.start(createLetterQueue({ store: world.store, clock: world.clock }))
  opened.push(outbox)
  return { logged, outbox }
}
/** The same once time has passed, as the look of each minute would find it. */
async function later(outbox: Outbox, ms: number): Promise<void> {
  world.clock.advance(ms)
  outbox.wake()
  await outbox.idle()
}

describe('the outbox', { timeout: 120_000 }, () => {
  test('lets the caller go on before anything is found out, and forgets what was sent', async () => {
    const sent: MailMessage[] = []
    const { outbox } = open(async (message) => void sent.push(message))
    let hasBegun = false
    outbox.writes('hello', async () => {
      hasBegun = true
      return LETTER
    })
    await outbox.post(HELLO)
    expect(hasBegun).toBe(false)
    await outbox.idle()
    expect([sent, await waiting()]).toEqual([[LETTER], 0])
  })

  test('stores whom a letter is about sealed, and not what it says', async () => {
    const { outbox } = open(never, { sends: false })
    await outbox.post(HELLO)
    const { rows: raw } = await world.ungoverned('select * from app.waiting_letters')
    const stored = raw
      .flatMap((row) => Object.values(row))
      .map(textOf)
      .join('\n')
    expect(raw.map((row) => Object.keys(row))).toEqual([expect.arrayContaining(['dueAt'])])
    for (const word of ['ada@example.com', 'hello', 'Hello']) expect(stored).not.toContain(word)
  })

  test('sends a letter if its cause commits, and not otherwise', async () => {
    const sent: MailMessage[] = []
    const { outbox } = open(async (message) => void sent.push(message))
    const cause = (isUndone: boolean) =>
      rows()
        .transaction()
        .execute(async (trx) => {
          await outbox.post(HELLO, trx)
          if (isUndone) throw new TypeError('undone')
        })
    await expect(cause(true)).rejects.toThrow('undone')
    await later(outbox, 0)
    expect(sent).toEqual([])
    await cause(false)
    await later(outbox, 0)
    expect(sent).toEqual([LETTER])
  })

  test('hands each letter over once, four at a time, however many processes send', async () => {
    let [underWay, most] = [0, 0]
    const sent: string[] = []
    const send = async ({ subject }: MailMessage): Promise<void> => {
      most = Math.max(most, ++underWay)
      await new Promise((resolve) => setImmediate(resolve))
      sent.push(subject)
      underWay--
    }
    const { outbox: writer } = open(never, { sends: false })
    const subjects = Array.from({ length: 20 }, (_, i) => `letter ${i}`)
    for (const subject of subjects) await writer.post({ ...HELLO, about: { subject } })
    const processes = [open(send), open(send), open(send)]
    while ((await waiting()) > 0) await Promise.all(processes.map(({ outbox }) => outbox.idle()))
    expect(sent.toSorted()).toEqual(subjects.toSorted())
    expect(most).toBeLessThanOrEqual(12)
    const { outbox: alone } = open(send)
    most = 0
    for (const subject of subjects) await writer.post({ ...HELLO, about: { subject } })
    await later(alone, 0)
    expect([sent.length, most <= 4]).toEqual([40, true])
  })

  test('is not sent by two at once, however slow the first one is', async () => {
    let taken = 0
    const slow = Promise.withResolvers<void>()
    const { outbox: first } = open(async () => {
      taken += 1
      await slow.promise
    })
    await first.post(HELLO)
    while (taken === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    const { outbox: second } = open(async () => void (taken += 1))
    await later(second, MINUTE)
    expect(taken).toBe(1)
    slow.resolve()
    await first.idle()
    await later(second, 10 * MINUTE)
    expect([taken, await waiting()]).toEqual([1, 0])
  })

  test('sends what a process had that is gone, as soon as nobody can have it any more', async () => {
    const { outbox: gone } = open(never)
    await gone.post(HELLO)
    // It has the letter, and dies.
    const tries = async () =>
      (await rows().selectFrom('waiting_letters').select('tries').executeTakeFirst())?.tries
    while ((await tries()) !== 1) await new Promise((resolve) => setTimeout(resolve, 5))
    const sent: MailMessage[] = []
    const { outbox } = open(async (message) => void sent.push(message))
    await later(outbox, 2 * MINUTE - 1)
    expect(sent).toEqual([])
    await later(outbox, 1)
    expect(sent).toEqual([LETTER])
  })

  test('tries again later and later, and gives up after a day', async () => {
    let count = 0
    const again: boolean[] = []
    const { outbox, logged } = open(async () => {
      count += 1
      throw new TypeError('away')
    })
    outbox.writes('hello', async (_, isAgain) => {
      again.push(isAgain)
      return LETTER
    })
    await outbox.post(HELLO)
    await outbox.idle()
    for (const minutes of [2, 4, 8]) {
      await later(outbox, minutes * MINUTE - 1)
      const before = count
      await later(outbox, 1)
      expect(count).toBe(before + 1)
    }
    expect(again).toEqual([false, true, true, true])
    await later(outbox, DAY)
    expect([count, await waiting()]).toEqual([4, 0])
    expect(logged.at(-1)).toEqual({ fields: { kind: 'hello', tries: 4 }, message: 'a letter was given up' })
  })

  test('keeps a letter that nobody writes yet, and forgets one that there is nothing to write to', async () => {
    const { outbox, logged } = open(never)
    outbox.writes('nothing', async () => null)
    await outbox.post({ ...HELLO, kind: 'newer' })
    await outbox.post({ ...HELLO, kind: 'nothing' })
    await outbox.idle()
    expect(await waiting()).toBe(1)
    expect(logged.map(({ fields }) => fields)).toEqual([
      { kind: 'newer', tries: 0, error: 'MailError', code: 'ERR_MAIL_KIND' },
    ])
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
    await outbox.post(HELLO)
    await outbox.idle()
    await outbox.post(HELLO)
    await outbox.idle()
    expect(count).toBe(2)
    expect(logged).toEqual([
      {
        fields: { kind: 'hello', tries: 0, error: 'TypeError', code: 'EENVELOPE', responseCode: 550 },
        message: 'a letter could not be handed over',
      },
    ])
  })

  test('says by its code what the library itself refused', async () => {
    const OwnError = defineErrors('OwnError', { ERR_OWN: 'mend it' })
    const { outbox, logged } = open(async () => {})
    outbox.writes('hello', async () => {
      throw new OwnError('ERR_OWN', 'no')
    })
    await outbox.post(HELLO)
    await outbox.idle()
    expect(logged[0]!.fields).toMatchObject({ error: 'OwnError', code: 'ERR_OWN' })
  })

  test('waits no longer for a letter that is neither taken nor refused', async () => {
    const { outbox, logged } = open(never, { timeoutMs: 5 })
    for (let i = 0; i < 6; i++) await outbox.post(HELLO)
    await outbox.idle()
    expect(logged).toHaveLength(6)
  })

  test('refuses a letter that there is nowhere to store', async () => {
    const outbox = openOutbox({ port: { send: never }, logger: { warn() {}, error() {} } })
    await expect(outbox.post(HELLO)).rejects.toMatchObject({ code: 'ERR_MAIL_CONFIG' })
  })

  test('closes when what is under way is handed over; the next process sends the rest', async () => {
    const sent: MailMessage[] = []
    const send = async (message: MailMessage): Promise<void> => void sent.push(message)
    const { outbox } = open(send)
    await outbox.post(HELLO)
    await outbox.close()
    await outbox.post(HELLO)
    await later(outbox, 0)
    const before = sent.length
    expect(before + (await waiting())).toBe(2)
    await open(send).outbox.idle()
    expect(sent).toHaveLength(2)
  })
})
