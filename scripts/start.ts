// npm start [-- SYSTEM …]: runs the example systems on an embedded Postgres, with an overview.
import { mkdir } from 'node:fs/promises'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import {
  clockFromEnvironment,
  createLogger,
  startServer,
  SuretyError,
  type Clock,
  type DatabaseServer,
} from 'surety'
import { dataFolder, type Ready, type ReadySystem } from '../src/cli/ready.ts'
import { startOverview } from './demo/overview.ts'
import { startProber } from './demo/prober.ts'
import { removeReady, writeReady } from './demo/ready-file.ts'
import { SYSTEMS, type ExampleSystem, type RunningSystem } from './demo/systems.ts'

const DEFAULT_PORT = 4_000

interface Started {
  readonly example: ExampleSystem
  readonly running: RunningSystem
  readonly dataDir: string
}

/** Everything that runs, to be ended in the reverse order. */
const open: { close(): Promise<void> }[] = []

async function closeAll(): Promise<void> {
  for (const part of open.splice(0).toReversed()) {
    await part.close().catch((error: unknown) => process.stderr.write(`${describe(error)}\n`))
  }
}

async function start(names: readonly string[]): Promise<void> {
  const chosen = chooseSystems(names)
  const dataDir = dataFolder()
  const base = Number(process.env['PORT'] ?? DEFAULT_PORT)
  await removeReady(dataDir)
  open.push({ close: () => removeReady(dataDir) })
  const clock = clockFromEnvironment()
  say(`data folder  ${dataDir}`)
  const server = process.env['DATABASE_URL'] ? undefined : await startDatabase(dataDir, clock)
  const started: Started[] = []
  for (const example of chosen) started.push(await startSystem(example, { dataDir, base, clock, server }))
  const overview = await startOverview(base, started)
  open.push(overview)
  await writeReady(dataDir, readyOf(dataDir, server, overview.url, started))
  for (const { example, dataDir: folder } of started) {
    const lines = createWriteStream(join(folder, 'logs', 'prober.log'), { flags: 'a' })
    open.push(startProber(example.config, dataDir, (line) => lines.write(line)))
  }
  announce(overview.url, started)
}

function chooseSystems(names: readonly string[]): readonly ExampleSystem[] {
  const unknown = names.filter((name) => !SYSTEMS.some((system) => system.name === name))
  if (unknown.length > 0) {
    throw new RangeError(
      `there is no example ${unknown.join(', ')}; there is: ${SYSTEMS.map(({ name }) => name).join(', ')}`,
    )
  }
  return names.length === 0 ? SYSTEMS : SYSTEMS.filter(({ name }) => names.includes(name))
}

async function startDatabase(dataDir: string, clock: Clock): Promise<DatabaseServer> {
  const began = performance.now()
  const server = await startServer({
    dataDir,
    clock,
    logger: fileLogger('postgres', await logFile(dataDir, 'postgres.log')),
  })
  open.push(server)
  say(`database     ${server.databaseDir}  (${Math.round(performance.now() - began)} ms)`)
  return server
}

interface Place {
  readonly dataDir: string
  readonly base: number
  readonly clock: Clock
  readonly server: DatabaseServer | undefined
}

async function startSystem(
  example: ExampleSystem,
  { dataDir, base, clock, server }: Place,
): Promise<Started> {
  const began = performance.now()
  const folder = join(dataDir, example.name)
  const logger = fileLogger(example.name, await logFile(folder, 'app.log'))
  const port = base + example.portOffset
  const running = await example.start({ port, dataDir: folder, clock, logger, ...(server ? { server } : {}) })
  open.push(running)
  say(`${example.name.padEnd(12)} ${running.url}  (${Math.round(performance.now() - began)} ms)`)
  return { example, running, dataDir: folder }
}

async function logFile(folder: string, name: string): Promise<string> {
  await mkdir(join(folder, 'logs'), { recursive: true })
  return join(folder, 'logs', name)
}

function fileLogger(name: string, file: string) {
  return createLogger({ name, destination: createWriteStream(file, { flags: 'a' }) })
}

function readyOf(
  dataDir: string,
  server: DatabaseServer | undefined,
  overview: string,
  started: readonly Started[],
): Ready {
  const systems = started.map(({ example, running, dataDir: folder }): [string, ReadySystem] => {
    const { url, apiKey } = running
    const { vkey } = running.surety
    const people = running.people.map(({ email, role, cookie }) => ({ email, role, cookie }))
    return [example.name, { url, vkey, apiKey, people, config: example.config, dataDir: folder }]
  })
  return {
    schema: 1,
    pid: process.pid,
    dataDir,
    databaseDir: server?.databaseDir ?? '',
    overview,
    systems: Object.fromEntries(systems),
  }
}

function announce(overview: string, started: readonly Started[]): void {
  say('', `overview     ${overview}`)
  for (const { example, running } of started) {
    say(
      '',
      example.name,
      `  security page   ${running.url}/security`,
      `  check it        npx surety verify ${running.url}`,
    )
    for (const { email, role, signInUrl } of running.people)
      say(`  sign in         ${signInUrl}`, `                  as ${email} (${role})`)
    say(`  API key         ${running.apiKey}`)
  }
  say('', 'Probes measure the promises now and go on in the background. Ctrl-C ends everything.')
}

function say(...lines: readonly string[]): void {
  for (const line of lines) process.stdout.write(`${line}\n`)
}

function describe(error: unknown): string {
  if (error instanceof SuretyError)
    return `${error.code}: ${error.message}${error.mend ? `\n  to mend it: ${error.mend}` : ''}`
  return error instanceof RangeError
    ? error.message
    : String(error instanceof Error ? (error.stack ?? error) : error)
}

let ending: Promise<void> | null = null
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    ending ??= closeAll().then(() => process.exit(0))
  })
}

try {
  await start(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`\n${describe(error)}\n`)
  await closeAll()
  process.exit(2)
}
