import { setTimeout as sleep } from 'node:timers/promises'

/** A write as its client remembers it. */
export interface Acknowledged {
  readonly text: string
  /** The row's id, as the server told. */
  readonly id: string
}

/** What one client wrote and was told. */
export interface Load {
  /** Every write that was acknowledged, by number; others may have happened or not. */
  readonly acknowledged: ReadonlyMap<number, Acknowledged>
  stop(): Promise<void>
}

const WRITERS = 4
const PAUSE_MS = 15

/** Writes for as long as it may, to wherever the server is at the moment. */
export function startLoad(marker: string, urlOf: () => string | null): Load {
  const acknowledged = new Map<number, Acknowledged>()
  let stopped = false
  let next = 0
  const write = async (): Promise<void> => {
    while (!stopped) {
      const url = urlOf()
      if (url !== null) {
        const number = next++
        const text = `${marker} ${number}`
        const id = await post(`${url}/notes`, { number, text })
        if (id !== null) acknowledged.set(number, { text, id })
      }
      await sleep(PAUSE_MS)
    }
  }
  const writers = Array.from({ length: WRITERS }, write)
  return {
    acknowledged,
    async stop() {
      stopped = true
      await Promise.all(writers)
    },
  }
}

/** The id of the row; null where nobody said that it is stored. */
async function post(url: string, body: unknown): Promise<string | null> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
      signal: AbortSignal.timeout(5_000),
    })
    const answer = (await response.json()) as { id: string }
    return response.status === 201 ? answer.id : null
  } catch {
    return null
  }
}
