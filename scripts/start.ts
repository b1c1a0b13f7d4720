// npm start [-- SYSTEM …]: runs the example systems on an embedded Postgres, with an overview.
import { flushCompileCache } from 'node:module'
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
import { dataFolder, type Ready, type ReadyPerson, type ReadySystem } from '../src/cli/ready.ts'
import { startOverview } from './demo/overview.ts'
import { startProber, type Prober } from './demo/prober.ts'
import { basePort, IDENTITY_PROVIDER_OFFSET, systemPort } from './demo/ports.ts'
import { dropReady, removeStaleReady, writeReady } from './demo/ready-file.ts'
import { SYSTEMS, type ExampleSystem, type RunningSystem } from './demo/systems.ts'
import { startIdentityProvider } from '../examples/identity-provider/src/index.ts'

/** Columns of the labels that the start prints. */
const LABEL_WIDTH = 14

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
  const base = basePort(process.env['PORT'])
  await removeStaleReady(dataDir)
  const clock = clockFromEnvironment()
  say(`${'data folder'.padEnd(LABEL_WIDTH)} ${dataDir}`)
  const [server] = await together([
    process.env['DATABASE_URL'] ? Promise.resolve(undefined) : startDatabase(dataDir, clock),
    startProvider(chosen, { dataDir, base, clock }),
    ...chosen.map((example) => example.load()),
  ])
  stopWhenAsked()
  const probers = await Promise.all(chosen.map((example) => startProberOf(example, dataDir)))
  const started: Started[] = []
  for (const example of chosen) {
    stopWhenAsked()
    started.push(await startSystem(example, { dataDir, base, clock, server }))
  }
  stopWhenAsked()
  const overview = await startOverview(base, started)
  open.push(overview)
  stopWhenAsked()
  await writeReady(dataDir, readyOf(dataDir, server, overview.url, started))
  open.push({ close: () => dropReady(dataDir) })
  for (const prober of probers) {
    prober.begin()
    // Ended before what they measure.
    open.push(prober)
  }
  announce(overview.url, started)
}

/** Waits for all of them, also where one fails: only what is open can be closed. */
async function together<const Steps extends readonly Promise<unknown>[]>(
  steps: Steps,
): Promise<{ -readonly [At in keyof Steps]: Awaited<Steps[At]> }> {
  await Promise.allSettled(steps)
  return Promise.all(steps)
}

/** Reads the sources while the system starts; what this process has compiled of them it need not compile again. */
async function startProberOf({ name, config }: ExampleSystem, dataDir: string): Promise<Prober> {
  flushCompileCache()
  const lines = createWriteStream(await logFile(join(dataDir, name), 'prober.log'), { flags: 'a' })
  const prober = startProber(config, dataDir, (line) => lines.write(line))
  open.push(prober)
  return prober
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
  say(
    `${'database'.padEnd(LABEL_WIDTH)} ${server.databaseDir}  (${Math.round(performance.now() - began)} ms)`,
  )
  return server
}

/** What the people of the demo sign in through; the systems find it by its folder beside theirs. */
async function startProvider(
  systems: readonly ExampleSystem[],
  { dataDir, base, clock }: Omit<Place, 'server'>,
): Promise<void> {
  const provider = await startIdentityProvider({
    port: systemPort(base, IDENTITY_PROVIDER_OFFSET),
    dataDir: join(dataDir, 'identity-provider'),
    clients: systems.map(({ name, callbackPath }) => ({ id: name, callbackPath })),
    clock,
  })
  open.push(provider)
  say(`${'sign-in'.padEnd(LABEL_WIDTH)} ${provider.issuer}  (identity provider of the demo)`)
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
  const port = systemPort(base, example.portOffset)
  const running = await example.start({ port, dataDir: folder, clock, logger, ...(server ? { server } : {}) })
  open.push(running)
  say(`${example.name.padEnd(LABEL_WIDTH)} ${running.url}  (${Math.round(performance.now() - began)} ms)`)
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
    const people = running.people.map(toReadyPerson)
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
  say('', `${'overview'.padEnd(LABEL_WIDTH)} ${overview}`)
  for (const { example, running } of started) {
    say(
      '',
      example.name,
      `  security page   ${running.url}/security`,
      `  check it        ${under('SURETY_CLOCK_OFFSET')}npx surety verify ${running.url}`,
      `  break it        ${under('SURETY_DATA')}npx surety attack tamper-row`,
    )
    say(`  sign in         ${running.url}/account/sign-in`)
    for (const person of running.people) say(...describePerson(person))
    say(`  API key         ${running.apiKey}`)
    if (running.letters !== undefined) say(`  letters         ${running.letters}`)
  }
  if (process.env['SURETY_CLOCK_OFFSET'])
    say(
      '',
      `The clock is ${process.env['SURETY_CLOCK_OFFSET']} ahead: whoever does not know it sees entries from the future.`,
    )
  say('', 'Probes measure the promises now and go on in the background. Ctrl-C ends everything.')
}

/** Without what else a system knows of them. */
function toReadyPerson({ email, role, cookie, enrolmentCode }: ReadyPerson): ReadyPerson {
  return { email, role, cookie, enrolmentCode }
}

function describePerson({ email, role, enrolmentCode }: ReadyPerson): string[] {
  const indent = ' '.repeat(18)
  const code = enrolmentCode === null ? [] : [`${indent}   passkey code ${enrolmentCode} (at /console/enrol)`]
  return [`${indent}as ${email} (${role})`, ...code]
}

/** What a printed command needs before it to meet this demo. */
function under(variable: string): string {
  const value = process.env[variable]
  return value ? `${variable}=${value} ` : ''
}

function say(...lines: readonly string[]): void {
  for (const line of lines) process.stdout.write(`${line}\n`)
}

function describe(error: unknown): string {
  if (error instanceof SuretyError) return `${error.code}: ${error.message}${mendOf(error)}`
  if (error instanceof RangeError) return error.message
  if (isFolderRefusal(error))
    return `${error.message}\n  to mend it: name a folder that this account can write to: SURETY_DATA=FOLDER npm start`
  return String(error instanceof Error ? (error.stack ?? error) : error)
}

const FOLDER_REFUSALS = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'ENOSPC', 'EEXIST'])

function isFolderRefusal(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && FOLDER_REFUSALS.has(String((error as NodeJS.ErrnoException).code))
}

function mendOf({ code, mend }: SuretyError): string {
  if (code === 'ERR_HTTP_LISTEN')
    return '\n  to mend it: end what listens there, or move all ports: PORT=4100 npm start'
  if (code === 'ERR_STORE_TAMPERED')
    return `\n  to mend it: after surety attack a demo stays broken; to begin anew, remove its data folder: rm -r ${dataFolder()}`
  if (code === 'ERR_DATABASE_DESTRUCTIVE')
    return `\n  to mend it: this demo's data is of an earlier version; to begin anew, remove its data folder: rm -r ${dataFolder()}`
  return mend ? `\n  to mend it: ${mend}` : ''
}

/** Thrown between two steps of a start that is to end: what is open by then can be closed. */
class StartInterrupted extends Error {}

let asked = false

function stopWhenAsked(): void {
  if (asked) throw new StartInterrupted()
}

// Only a finished step can be undone, so an early Ctrl-C waits for the step under way.
async function run(): Promise<void> {
  try {
    await start(process.argv.slice(2))
  } catch (error) {
    if (!(error instanceof StartInterrupted)) {
      process.stderr.write(`\n${describe(error)}\n`)
      process.exitCode = 2
    }
    asked = true
  }
}

// A newcomer can do nothing about the experiments that Node runs with its own TypeScript support.
process.removeAllListeners('warning')
process.on('warning', (warning) => {
  if (warning.name !== 'ExperimentalWarning') process.stderr.write(`${warning.stack ?? warning.message}\n`)
})

let ending: Promise<void> | null = null
const running = run()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (!asked) say('', 'Ending …')
    asked = true
    ending ??= running.then(closeAll).then(() => process.exit())
  })
}
await running
if (asked) await (ending ??= closeAll().then(() => process.exit()))
