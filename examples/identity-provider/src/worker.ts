// The provider's own thread: its clock can be shifted without touching anybody else's.
import { parentPort, workerData } from 'node:worker_threads'
import type { ProviderOptions } from './server.ts'

const { options, offsetMs } = workerData as { options: ProviderOptions; offsetMs: number }
const realNow = Date.now.bind(Date)
Date.now = () => realNow() + offsetMs

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
