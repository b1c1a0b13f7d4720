import { fileURLToPath } from 'node:url'
import { signInThrough } from '@surety-examples/identity-provider'
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
import type { Backend, Tables } from './backend.ts'
import { openDemoMail } from './demo-mail.ts'
import { openDemoSecrets } from './demo-secrets.ts'
import { seedDemo } from './demo-seed.ts'
import { openDemoPeople, type DemoPerson } from './demo.ts'
import { openDemoStaff, type DemoMember } from './demo-staff.ts'
import { createHeartbeatStore, type HeartbeatStore } from './heartbeat-store.ts'
import { createSignIn, signInPath } from './sign-in.ts'
import { DEMO_MAIL_PATH } from './view/letters.ts'

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
  /** `member`, `administrator`, or `staff:` and a role of staff. */
  readonly role: string
  /** Null for staff: they report nothing. */
  readonly apiKey: string | null
  /** For a passkey of one's own at `/console/enrol`, once; null for who approves nothing. */
  readonly enrolmentCode: string | null
  /** A `Cookie` header's value that is signed in as the person. */
  readonly cookie: string
  /** Who they are at the demo's identity provider. */
  readonly sub: string
}

export interface Running {
  readonly url: string
  /** Where the letters stand that the demo would have sent. */
  readonly letters?: string
  /** The member's API key. */
  readonly apiKey: string
  readonly people: readonly RunningDemoPerson[]
  /** Absolute path of the configuration, for tools. */
  readonly config: string
  readonly dataDir: string
  readonly surety: Surety<Tables>
  readonly backend: Backend
  close(): Promise<void>
}

/** Starts the coding-metrics system, beside the demo's identity provider, and resolves when it answers. */
export async function start(options: StartOptions): Promise<Running> {
  const {
    dataDir,
    clock = clockFromEnvironment(),
    logger = createLogger({ name: 'coding-metrics' }),
  } = options
  let url = ''
  const mail = openDemoMail(dataDir, clock)
  const surety = await openSurety(createConfig(dataDir, mail?.port ?? null), {
    dataDir,
    clock,
    logger,
    url: () => url,
    ...(options.server ? { server: options.server } : {}),
  })
  try {
    const backend = backendOf(surety)
    const heartbeats = createHeartbeatStore(backend)
    const secrets = await openDemoSecrets(dataDir)
    const app = createApp({
      service: { backend, heartbeats, clock, signIn: createSignIn(surety.identity), mail },
      protect: surety.protect(),
      security: surety.routes(),
      accountToken: secrets.accountToken,
      logger,
    })
    const people = await openDemoPeople(backend, secrets)
    if (options.seed ?? true) await seed(people, heartbeats, clock.now())
    const server = await serveNode({ fetch: (request) => app.fetch(request), port: options.port })
    url = `http://localhost:${server.port}`
    // Passkeys are bound to the address, so staff come after it.
    const staff = await openDemoStaff(backend, dataDir)
    return {
      url,
      ...(mail && { letters: `${url}${DEMO_MAIL_PATH}` }),
      apiKey: secrets.apiKeys.member,
      people: await signInAll([...people.map(describe), ...staff], url),
      config: fileURLToPath(new URL('../surety.config.ts', import.meta.url)),
      dataDir,
      surety,
      backend,
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

function backendOf(surety: Surety<Tables>): Backend {
  const { as, system, identify, impersonation, accounts, tenants, staff } = surety
  if (!accounts || !tenants || !staff) {
    throw new TypeError('this product signs people in, and has teams and staff: configure all three')
  }
  return { as, system, identify, impersonation, accounts, tenants, staff }
}

async function seed(people: readonly DemoPerson[], heartbeats: HeartbeatStore, now: number): Promise<void> {
  for (const { made, role } of people) {
    if (made && role === 'member') await seedDemo(heartbeats, made, now)
  }
}

type Described = Omit<RunningDemoPerson, 'cookie'>

function describe({ email, role, apiKey, sub }: DemoPerson): Described {
  return { email, role, apiKey, enrolmentCode: null, sub }
}

/** Signs the demo's people in as a browser does, through the identity provider. */
function signInAll(people: readonly (Described | DemoMember)[], url: string): Promise<RunningDemoPerson[]> {
  return Promise.all(
    people.map(async ({ email, role, enrolmentCode, sub, ...rest }) => {
      const { cookie } = await signInThrough({ start: `${url}${signInPath()}`, sub })
      const apiKey = 'apiKey' in rest ? rest.apiKey : null
      return { email, role, apiKey, enrolmentCode, cookie: sessionIn(cookie), sub }
    }),
  )
}

/** The session of a `Cookie` header, without what else a sign-in leaves in a browser. */
function sessionIn(cookie: string): string {
  return cookie.split('; ').find((pair) => /^[\w-]+-session=/.test(pair)) ?? cookie
}
