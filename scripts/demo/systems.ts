import { fileURLToPath } from 'node:url'
import type { Clock, DatabaseServer, Logger } from 'surety'
import type { ReadyPerson } from '../../src/cli/ready.ts'

/** What an example system gets to start with. */
export interface SystemOptions {
  readonly port: number
  /** Its own folder below the demo's. */
  readonly dataDir: string
  /** The demo's embedded server; left out where `DATABASE_URL` is set. */
  readonly server?: DatabaseServer
  readonly clock: Clock
  readonly logger: Logger
}

/** An example system that runs. */
export interface RunningSystem {
  readonly url: string
  /** Where the letters stand that the demo would have sent. */
  readonly letters?: string
  readonly surety: { readonly vkey: string }
  readonly apiKey: string
  /** The demo's people, signed in through its identity provider. */
  readonly people: readonly ReadyPerson[]
  close(): Promise<void>
}

/** An example system of this repository. */
export interface ExampleSystem {
  readonly name: string
  /** What it is, in one line. */
  readonly about: string
  /** Added to the base port. */
  readonly portOffset: number
  /** Path where the identity provider's answers are taken. */
  readonly callbackPath: string
  /** Absolute path of its configuration. */
  readonly config: string
  /** Reads its sources, ahead of the start. */
  load(): Promise<unknown>
  start(options: SystemOptions): Promise<RunningSystem>
}

interface SystemModule {
  start(options: SystemOptions): Promise<RunningSystem>
}

function example(
  name: string,
  portOffset: number,
  about: string,
  load: () => Promise<SystemModule>,
): ExampleSystem {
  const config = fileURLToPath(new URL(`../../examples/${name}/surety.config.ts`, import.meta.url))
  const start: ExampleSystem['start'] = async (options) => (await load()).start(options)
  return { name, about, portOffset, callbackPath: CALLBACK_PATH, config, load, start }
}

/** Every system has the demo's identity provider under the id `demo`. */
const CALLBACK_PATH = '/account/sign-in/with/demo/callback'

/** The examples, each at its usual port. */
export const SYSTEMS: readonly ExampleSystem[] = [
  example(
    'coding-metrics',
    1,
    'measures coding time from editor heartbeats',
    () => import('../../examples/coding-metrics/src/main.ts'),
  ),
]
