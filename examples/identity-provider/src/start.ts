import { Worker } from 'node:worker_threads'
import { systemClock, type Clock } from 'surety'
import { DEMO_PEOPLE, type ProviderPerson } from './people.ts'
import { openProviderSecrets, publishToClients, type ProviderSecrets } from './secrets.ts'
import type { ProviderClient } from './server.ts'

export interface StartProviderOptions {
  /** TCP port on loopback; 0 takes a free one. */
  readonly port: number
  /** Folder of its keys and client secrets; systems beside it find their own secret and its address there. */
  readonly dataDir: string
  readonly clients: readonly ProviderClient[]
  /** Its time: where this clock stands still, the provider's does. Default: the system's. */
  readonly clock?: Clock
  /** Default: the people of the demo. */
  readonly people?: readonly ProviderPerson[]
}

export interface RunningProvider {
  /** Its address, which is also its issuer identifier. */
  readonly issuer: string
  readonly people: readonly ProviderPerson[]
  readonly secrets: ProviderSecrets
  /** Adds somebody, or replaces who has the same `sub`. */
  add(person: Omit<ProviderPerson, 'about'>): Promise<void>
  /** It lives by what the clock says now: at once, where the clock was set, and not within 20 ms. */
  tellTime(): void
  close(): Promise<void>
}

/**
 * Starts the demo's identity provider, a real OpenID provider with made-up people, on loopback. It runs
 * in a thread of its own, so that it can live by a demo's or a test's clock.
 */
export async function startIdentityProvider(options: StartProviderOptions): Promise<RunningProvider> {
  const { port, dataDir, clients, clock = systemClock, people = DEMO_PEOPLE } = options
  const secrets = await openProviderSecrets(
    dataDir,
    clients.map(({ id }) => id),
  )
  const { time, tell, stop } = shareTime(clock)
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData: { options: { port, secrets, clients, people }, time },
  })
  worker.once('exit', stop)
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
  const issuer = await firstMessage(worker, port)
  await publishToClients(dataDir, issuer, secrets)
  return {
    issuer,
    people,
    secrets,
    async add(person) {
      const response = await fetch(`${issuer}/people`, {
        method: 'POST',
        headers: { authorization: `Bearer ${secrets.peopleToken}` },
        body: JSON.stringify(person),
      })
      if (response.status !== 204) throw new TypeError(`adding somebody was answered with ${response.status}`)
    },
    tellTime: tell,
    async close() {
      worker.postMessage('close')
      await ended
    },
  }
}

/** How often the time is told, in milliseconds. */
const TICK_MS = 20

/** The clock's time for another thread, in milliseconds; told from here, since a clock cannot be shared. */
function shareTime(clock: Clock): { readonly time: BigInt64Array; tell(): void; stop(): void } {
  const time = new BigInt64Array(new SharedArrayBuffer(8))
  const tell = (): void => void Atomics.store(time, 0, BigInt(Math.floor(clock.now())))
  tell()
  const timer = setInterval(tell, TICK_MS).unref()
  return { time, tell, stop: () => clearInterval(timer) }
}

function firstMessage(worker: Worker, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    worker.once('message', ({ issuer, failure }: { issuer?: string; failure?: string }) => {
      if (issuer !== undefined) return resolve(issuer)
      void worker.terminate()
      return reject(new RangeError(`the identity provider cannot start on port ${port}: ${failure}`))
    })
    worker.once('error', reject)
  })
}
