import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { clockFromEnvironment } from '../compose/clock.ts'
import { lockFolder } from '../database/index.ts'
import { serveNode } from '../http/index.ts'
import { SuretyError } from '../kernel/index.ts'
import {
  createWitness,
  nameOfKey,
  openWitnessSigner,
  witnessHandler,
  type WitnessEvent,
} from '../log/index.ts'
import { parseVerifierKey, VerifyError, type VerifierKey } from '../verify/index.ts'
import { listOption, textOption, type Command, type Invocation } from './command.ts'
import { CliError } from './errors.ts'
import { visible, type Terminal, type Tone } from './terminal.ts'

export const witnessCommand: Command = {
  usage: [
    'surety witness --data DIR --log KEY [--log KEY …] [--listen ADDRESS:PORT] [--name NAME] [--json]',
    '',
    '  --data DIR     its key and what it has cosigned; one process at a time',
    '  --log KEY      verifier key of a log to watch; give it once for each',
    '  --listen A:P   where it answers; default 127.0.0.1:4100, port 0 takes a free one',
    '  --name NAME    its name, best a host of yours such as witness.example/w1; kept for life',
    '',
    'It answers POST /add-checkpoint (C2SP tlog-witness) until it is ended. Run it on another machine, under',
    'another owner, than the systems it watches: who holds both could make both lie.',
    '',
    'Exit: 0 it was ended · 2 could not run',
  ],
  options: {
    data: { type: 'string' },
    log: { type: 'string', multiple: true },
    listen: { type: 'string' },
    name: { type: 'string' },
  },
  async run(invocation) {
    const { terminal } = invocation
    const folder = resolve(demand(invocation, 'data', 'a folder for its key and state'))
    const logs = listOption(invocation, 'log').map(readLog)
    if (logs.length === 0) demand(invocation, 'log', 'the verifier key of a log')
    const listen = readAddress(textOption(invocation, 'listen') ?? '127.0.0.1:4100')
    const name = readName(invocation)
    const clock = clockFromEnvironment()
    await makeFolder(folder)
    const lock = await lockFolder(folder, clock)
    try {
      const signer = await openSigner(join(folder, 'key.json'), name)
      const onEvent = (event: WitnessEvent): void => tell(terminal, event)
      const witness = createWitness({ folder, signer, logs, clock, onEvent })
      const server = await serveNode({ ...listen, fetch: guarded(witnessHandler(witness), terminal) })
      const host = listen.hostname.includes(':') ? `[${listen.hostname}]` : listen.hostname
      const url = `http://${host}:${server.port}`
      terminal.event({
        event: 'listening',
        url,
        vkey: witness.vkey,
        logs: logs.map(({ name }) => name),
      })
      terminal.say(`witness  ${url}`, `key      ${witness.vkey}`)
      for (const { name } of logs) terminal.say(`watches  ${visible(name)}`)
      await ended()
      await server.close()
      return 0
    } finally {
      await lock.release()
    }
  },
}

function demand(invocation: Invocation, name: string, what: string): string {
  const value = textOption(invocation, name)
  if (value !== undefined) return value
  throw new CliError('ERR_CLI_USAGE', `witness needs --${name}: ${what}`, {
    mend: 'see: surety witness --help',
  })
}

async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
    throw new CliError('ERR_CLI_USAGE', `--data ${JSON.stringify(folder)} cannot be made a folder`, {
      mend: 'name a folder that you may write to',
      cause,
    })
  })
}

function readLog(vkey: string): VerifierKey {
  try {
    return parseVerifierKey(vkey.trim())
  } catch (cause) {
    if (!(cause instanceof VerifyError)) throw cause
    throw new CliError('ERR_CLI_USAGE', `--log ${JSON.stringify(vkey)}: ${cause.message}`, {
      mend: 'give the key that the system serves at /.well-known/surety/evidence/vkey',
      cause,
    })
  }
}

function readAddress(text: string): { hostname: string; port: number } {
  const match = /^(\[[0-9a-f:]+\]|[^:\s]+):([0-9]{1,5})$/i.exec(text)
  const port = Number(match?.[2] ?? Number.NaN)
  if (match && port <= 65_535) return { hostname: match[1]!.replace(/^\[|\]$/g, ''), port }
  throw new CliError('ERR_CLI_USAGE', `--listen ${JSON.stringify(text)} is no address with a port`, {
    mend: 'write it like --listen 127.0.0.1:4100',
  })
}

function readName(invocation: Invocation): string | undefined {
  const name = textOption(invocation, 'name')
  if (name !== undefined && !/^[!-*,-~]+$/.test(name)) {
    throw new CliError('ERR_CLI_USAGE', `--name ${JSON.stringify(name)} is no name of a key`, {
      mend: 'write it without spaces and plus, such as --name witness.example/w1',
    })
  }
  return name
}

/** A name that was given must be the key's own; without one a new key gets a name nobody else has. */
async function openSigner(file: string, name: string | undefined) {
  const chosen = name ?? (await nameOfKey(file)) ?? `witness-${randomBytes(4).toString('hex')}`
  return openWitnessSigner(file, chosen)
}

/** A request that cannot be answered ends nothing but itself; what went wrong stays on this side. */
function guarded(
  handle: (request: Request) => Promise<Response>,
  terminal: Terminal,
): (request: Request) => Promise<Response> {
  return async (request) => {
    try {
      return await handle(request)
    } catch (error) {
      const coded =
        error instanceof SuretyError ? error.toJSON() : { code: 'ERR_UNEXPECTED', message: String(error) }
      terminal.event({ event: 'failed', ...coded })
      terminal.say(terminal.paint('bad', `${coded.code}: ${visible(coded.message)}`))
      return new Response('the witness cannot answer\n', { status: 500 })
    }
  }
}

const TONES: Readonly<Record<WitnessEvent['kind'], Tone>> = {
  cosigned: 'good',
  refused: 'open',
  conflict: 'bad',
}

function tell(terminal: Terminal, { kind, origin, size, message }: WitnessEvent): void {
  terminal.event({ event: kind, origin, size, message })
  const words = kind === 'conflict' ? `ALARM: ${message}` : message
  terminal.say(`${terminal.paint(TONES[kind], kind.padEnd(8))} ${visible(origin)}  ${words}`)
}

function ended(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve())
  })
}
