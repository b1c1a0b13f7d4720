import type { MailMessage } from '../declare/index.ts'
import { createLetterQueue, type LetterQueueOptions } from './letter-queue.ts'
import { openOutbox, type Outbox } from './outbox.ts'

export interface TestMail {
  readonly outbox: Outbox
  /** Where its letters are stored: a data map with `mailResources`. */
  start(world: LetterQueueOptions): void
  /** What was handed over so far, the last one last. */
  readonly letters: MailMessage[]
  /** What was logged. */
  readonly logged: object[]
  /** The letters to an address, once nothing is under way. */
  to(address: string): Promise<MailMessage[]>
  /** The path and query of the link in the last letter to an address. */
  linkTo(address: string): Promise<string>
}

/** An outbox whose letters a test reads. */
export function openTestMail(): TestMail {
  const letters: MailMessage[] = []
  const logged: object[] = []
  const log = (fields: object): void => void logged.push(fields)
  const port = { send: async (message: MailMessage) => void letters.push(message) }
  const outbox = openOutbox({ port, logger: { warn: log, error: log } })
  const to = async (address: string): Promise<MailMessage[]> => {
    await outbox.idle()
    return letters.filter((message) => message.to === address)
  }
  return {
    outbox,
    start: (world) => outbox.start(createLetterQueue(world)),
    letters,
    logged,
    to,
    async linkTo(address) {
      const last = (await to(address)).at(-1)
      const url = new URL(/^https?:\S+\?token=\S+$/m.exec(last?.text ?? '')?.[0] ?? 'http://no.link/')
      return `${url.pathname}${url.search}`
    },
  }
}
