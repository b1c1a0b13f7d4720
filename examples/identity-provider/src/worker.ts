// The provider's own thread: it lives by the clock that it is given without touching anybody else's.
import { parentPort, workerData } from 'node:worker_threads'
import type { ProviderOptions } from './server.ts'

const { options, time } = workerData as { options: ProviderOptions; time: BigInt64Array }
Date.now = () => Number(Atomics.load(time, 0))

try {
  const { serveProvider } = await import('./server.ts')
  const { issuer, server } = await serveProvider(options)
  parentPort?.postMessage({ issuer })
  parentPort?.once('message', () => {
    server.close()
    server.closeAllConnections()
    parentPort?.close()
  })
} catch (error) {
  parentPort?.postMessage({ failure: error instanceof Error ? error.message : String(error) })
}
