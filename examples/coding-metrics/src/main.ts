import { fileURLToPath } from 'node:url'
import {
  clockFromEnvironment,
  createLogger,
  openSurety,
  type Clock,
  type DatabaseServer,
  type Logger,
  type Surety,
} from 'surety'
import { serveNode } from 'surety/node'
import { createConfig } from '../surety.config.ts'
import { createApp } from './app.ts'
import type { Tables } from './backend.ts'
import { openDemoSecrets, type DemoSecrets } from './demo-secrets.ts'
import { seedDemo } from './demo-seed.ts'
import { openDemoPeople, type DemoPerson } from './demo.ts'
import { createHeartbeatStore, type HeartbeatStore } from './heartbeat-store.ts'
import { SESSION_COOKIE } from './pages.ts'
import type { Role } from './people.ts'

export interface StartOptions {
  /** TCP port on loopback; 0 takes a free one. */
  readonly port: number
  /** Folder of this system alone, for keys, logs and the demo's secrets. */
  readonly dataDir: string
  /** An embedded database server shared with other systems; left out, this system starts its own. */
  readonly server?: DatabaseServer
  /** Default: the system's clock, shifted by `SURETY_CLOCK_OFFSET`. */
  readonly clock?: Clock
  /** Give the demo's member a week of captured heartbeats when they are made. Default true. */
  readonly seed?: boolean
  /** Default: JSON lines on standard output. */
  readonly logger?: Logger
}

export interface RunningDemoPerson {
  readonly email: string
  readonly role: Role
  readonly apiKey: string
  /** A `Cookie` header's value that is signed in as the person. */
  readonly cookie: string
  /** Where a browser signs in as the person. */
  readonly signInUrl: string
}

export interface Running {
  readonly url: string
  /** The member's API key. */
  readonly apiKey: string
  readonly people: readonly RunningDemoPerson[]
  /** Absolute path of the configuration, for tools. */
  readonly config: string
  readonly dataDir: string
  readonly surety: Surety<Tables>
  close(): Promise<void>
}

/** Starts the coding-metrics system and resolves when it answers. */
export async function start(options: StartOptions): Promise<Running> {
  const {
    dataDir,
    clock = clockFromEnvironment(),
    logger = createLogger({ name: 'coding-metrics' }),
  } = options
  let url = ''
  const surety = await openSurety(createConfig(dataDir), {
    dataDir,
    clock,
    logger,
    url: () => url,
    ...(options.server ? { server: options.server } : {}),
  })
  try {
    const heartbeats = createHeartbeatStore(surety)
    const secrets = await openDemoSecrets(dataDir)
    const app = createApp({
      service: { backend: surety, heartbeats, clock },
      protect: surety.protect(),
      security: surety.routes(),
      accountToken: secrets.accountToken,
      logger,
    })
    const people = await openPeople(surety, heartbeats, secrets, {
      now: clock.now(),
      seed: options.seed ?? true,
    })
    const server = await serveNode({ fetch: (request) => app.fetch(request), port: options.port })
    url = `http://localhost:${server.port}`
    return {
      url,
      apiKey: secrets.apiKeys.member,
      people: people.map((demo) => describe(demo, url)),
      config: fileURLToPath(new URL('../surety.config.ts', import.meta.url)),
      dataDir,
      surety,
      async close() {
        await server.close()
        await surety.close()
      },
    }
  } catch (error) {
    await surety.close()
    throw error
  }
}

async function openPeople(
  surety: Surety<Tables>,
  heartbeats: HeartbeatStore,
  secrets: DemoSecrets,
  { now, seed }: { now: number; seed: boolean },
): Promise<DemoPerson[]> {
  const people = await openDemoPeople(surety, secrets, now)
  for (const { person, isNew } of people) {
    if (seed && isNew && person.role === 'member') await seedDemo(heartbeats, person, now)
  }
  return people
}

function describe({ person, apiKey, session, link }: DemoPerson, url: string): RunningDemoPerson {
  return {
    email: person.email,
    role: person.role,
    apiKey,
    cookie: `${SESSION_COOKIE}=${session}`,
    signInUrl: `${url}/sign-in?token=${link}`,
  }
}
