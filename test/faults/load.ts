import { setTimeout as sleep } from 'node:timers/promises'

/** What one client wrote and was told. */
export interface Load {
  /** Text by number of every write that was acknowledged. */
  readonly acknowledged: ReadonlyMap<number, string>
  /** Writes that were refused, or whose connection broke: they may have happened or not. */
  readonly unsure: ReadonlySet<number>
  stop(): Promise<void>
}

const WRITERS = 4
const PAUSE_MS = 15

/** Writes for as long as it may, to wherever the server is at the moment. */
export function startLoad(marker: string, urlOf: () => string | null): Load {
  const acknowledged = new Map<number, string>()
  const unsure = new Set<number>()
  let stopped = false
  let next = 0
  const write = async (): Promise<void> => {
    while (!stopped) {
      const url = urlOf()
      if (url !== null) {
        const number = next++
        const text = `${marker} ${number}`
        if (await post(`${url}/notes`, { number, text })) acknowledged.set(number, text)
        else unsure.add(number)
      }
      await sleep(PAUSE_MS)
    }
  }
  const writers = Array.from({ length: WRITERS }, write)
  return {
    acknowledged,
    unsure,
    async stop() {
      stopped = true
      await Promise.all(writers)
    },
  }
}

async function post(url: string, body: unknown): Promise<boolean> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
      signal: AbortSignal.timeout(5_000),
    })
    await response.arrayBuffer()
    return response.status === 201
  } catch {
    return false
  }
}
