import { fileURLToPath } from 'node:url'
import type { Clock, DatabaseServer, Logger } from 'surety'

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
  readonly surety: { readonly vkey: string }
  readonly apiKey: string
  readonly people: readonly {
    readonly email: string
    readonly role: string
    readonly cookie: string
    readonly signInUrl: string
  }[]
  close(): Promise<void>
}

/** An example system of this repository. */
export interface ExampleSystem {
  readonly name: string
  /** What it is, in one line. */
  readonly about: string
  /** Added to the base port. */
  readonly portOffset: number
  /** Absolute path of its configuration. */
  readonly config: string
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
  return { name, about, portOffset, config, start: async (options) => (await load()).start(options) }
}

/** The examples, each at its usual port. */
export const SYSTEMS: readonly ExampleSystem[] = [
  example(
    'coding-metrics',
    1,
    'measures coding time from editor heartbeats',
    () => import('../../examples/coding-metrics/src/main.ts'),
  ),
]
