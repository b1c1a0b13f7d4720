import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startIdentityProvider, type RunningProvider } from '@surety-examples/identity-provider'
import { manualClock, type Logger, type ManualClock } from 'surety'
import { CALLBACK_PATH, CLIENT_ID, identityProviderFolder } from './identity-provider.ts'
import { start, type Running } from './main.ts'

/** The moment at which tests stand: a few hours after the captured requests. */
export const TEST_NOW = Date.parse('2026-11-22T12:00:00Z')

export interface TestSystem extends Running {
  readonly clock: ManualClock
  /** The identity provider that its people sign in through. */
  readonly provider: RunningProvider
  /** Every line that was logged, as text. */
  readonly logged: readonly string[]
  /** An API request with a person's key; the member's unless said. */
  api(path: string, options?: ApiOptions): Promise<Response>
  post(path: string, body: unknown, options?: ApiOptions): Promise<Response>
  close(): Promise<void>
}

export interface ApiOptions {
  readonly key?: string
  readonly method?: string
  readonly body?: BodyInit
  readonly headers?: Readonly<Record<string, string>>
}

/** The real system in a folder of its own, at a clock that stands still. */
export async function startTestSystem(options: { seed?: boolean } = {}): Promise<TestSystem> {
  const folder = await mkdtemp(join(tmpdir(), 'coding-metrics-'))
  // The database server's account has to pass through when the tests run as root.
  await chmod(folder, 0o755)
  const dataDir = join(folder, 'coding-metrics')
  const clock = manualClock(TEST_NOW)
  const logged: string[] = []
  const remove = (path: string) => rm(path, { recursive: true, force: true })
  const provider = await startIdentityProvider({
    port: 0,
    dataDir: identityProviderFolder(dataDir),
    clients: [{ id: CLIENT_ID, callbackPath: CALLBACK_PATH }],
    clock,
  })
  const running = await start({
    port: 0,
    dataDir,
    clock,
    seed: options.seed ?? false,
    logger: listLogger(logged),
  }).catch(async (error: unknown) => {
    await provider.close()
    await remove(folder)
    throw error
  })
  const api = (path: string, { key = running.apiKey, method = 'GET', headers, body }: ApiOptions = {}) =>
    fetch(`${running.url}/api/v1${path}`, {
      method,
      headers: { authorization: `Basic ${btoa(key)}`, ...headers },
      ...(body === undefined ? {} : { body }),
    })
  return {
    ...running,
    clock,
    provider,
    logged,
    api,
    post: (path, body, more) => api(path, { ...more, method: 'POST', body: JSON.stringify(body) }),
    async close() {
      await running.close()
      await provider.close()
      await remove(folder)
      // Where the data folder is closed to the database server's account, the cluster lies elsewhere.
      if (running.surety.databaseDir !== null) await remove(running.surety.databaseDir)
    },
  }
}

function listLogger(lines: string[]): Logger {
  const write = (level: string) => (fields: object, message: string) => {
    lines.push(JSON.stringify({ level, message, ...fields }))
  }
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
}
