import type { AuditEvent } from './audit-event.ts'

/** Events that stand in no transaction of their own: recorded together, soon after they happened. */
export interface AuditNotes {
  /** Never throws and never waits. An event counts as recorded only when `flush` has resolved. */
  note(event: AuditEvent): void
  /** Resolves when everything noted before is stored. */
  flush(): Promise<void>
}

export interface AuditNotesOptions {
  readonly record: (events: readonly AuditEvent[]) => Promise<unknown>
  /** Told when events could not be stored, and of any that had to be given up. */
  readonly onTrouble: (lost: number, error: unknown) => void
}

const DELAY_MS = 100
/** Events held while the database cannot take them. */
const MOST_HELD = 10_000

export function createAuditNotes({ record, onTrouble }: AuditNotesOptions): AuditNotes {
  let held: AuditEvent[] = []
  let lost = 0
  let timer: NodeJS.Timeout | null = null
  let writing: Promise<void> = Promise.resolve()
  const write = async (): Promise<void> => {
    const events = held
    if (events.length === 0) return
    held = []
    try {
      await record(events)
    } catch (error) {
      held = [...events, ...held]
      lost += held.splice(MOST_HELD).length
      onTrouble(lost, error)
      schedule()
    }
  }
  const flush = (): Promise<void> => (writing = writing.then(write))
  const schedule = (): void => {
    timer ??= setTimeout(() => {
      timer = null
      void flush()
    }, DELAY_MS).unref()
  }
  return {
    note(event) {
      if (held.length < MOST_HELD) held.push(event)
      else lost += 1
      schedule()
    },
    flush,
  }
}
