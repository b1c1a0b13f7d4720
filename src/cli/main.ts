import { parseArgs } from 'node:util'
import { SuretyError } from '../kernel/index.ts'
import { CliError } from './errors.ts'
import type { Command, ExitCode, Invocation } from './command.ts'
import { COMMANDS, type CommandEntry } from './commands.ts'
import { createTerminal, type Terminal } from './terminal.ts'

/** Options that every command takes. */
const COMMON = { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const

/**
 * Runs one command line.
 * @returns the exit code: 0 fine, 1 something is broken, 2 could not run, 3 the evidence is invalid
 */
export async function main(argv: readonly string[]): Promise<ExitCode> {
  const [name, ...rest] = argv
  const terminal = createTerminal({
    json: rest.includes('--json'),
    stdout: process.stdout,
    stderr: process.stderr,
    environment: process.env,
  })
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(overview())
    return 0
  }
  try {
    const command = COMMANDS.find((candidate) => candidate.name === name)
    if (!command) throw new CliError('ERR_CLI_USAGE', `there is no command ${JSON.stringify(name)}`)
    return await runCommand(command, await command.load(), rest, terminal)
  } catch (error) {
    report(error, terminal)
    return 2
  }
}

async function runCommand(
  { name, summary }: CommandEntry,
  command: Command,
  args: readonly string[],
  terminal: Terminal,
): Promise<ExitCode> {
  const { values, positionals } = parse(name, command, args)
  if (values['help']) {
    process.stdout.write(`${[summary, '', ...command.usage].join('\n')}\n`)
    return 0
  }
  return command.run({
    positionals,
    options: values as Invocation['options'],
    terminal,
  })
}

function parse(name: string, command: Command, args: readonly string[]): ReturnType<typeof parseArgs> {
  const options = { ...COMMON, ...command.options }
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message.split('. ')[0] : 'the arguments are off'
    throw new CliError('ERR_CLI_USAGE', `${problem}`, { mend: `see: surety ${name} --help`, cause })
  }
}

/** Coded errors with their mend; anything else is a defect of ours and keeps its stack. */
function report(thrown: unknown, terminal: Terminal): void {
  const error = isConnectFailure(thrown) ? unreachable(thrown) : thrown
  const coded = error instanceof SuretyError
  terminal.result({
    error: coded ? error.toJSON() : { code: 'ERR_UNEXPECTED', message: String(error), mend: '' },
  })
  terminal.say()
  if (terminal.json) return
  const lines = coded
    ? [`${error.code}: ${error.message}`, ...(error.mend ? [`  to mend it: ${error.mend}`] : [])]
    : [stackOf(error)]
  process.stderr.write(`${lines.join('\n')}\n`)
}

/** The database went away under a command: its driver's error says so in its own way. */
function isConnectFailure(error: unknown): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).syscall === 'connect'
}

function unreachable(cause: unknown): Error {
  return new CliError('ERR_CLI_DATABASE', 'the database of the system does not answer', { cause })
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

function overview(): string {
  const width = Math.max(...COMMANDS.map(({ name }) => name.length))
  const lines = COMMANDS.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`)
  return [
    'surety: your security page holds, is measured, and can be checked by anyone',
    '',
    ...lines,
    '',
    'Every command takes --json and --help.',
    'Exit: 0 fine · 1 something is broken · 2 could not run · 3 the evidence is invalid',
    '',
  ].join('\n')
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2))
