import { catalogue } from '../promises/index.ts'
import type { ProbeRun } from '../surety.ts'
import type { Command, ExitCode } from './command.ts'
import { CliError } from './errors.ts'
import { openTool, TOOL_OPTIONS, TOOL_USAGE, type Tool } from './open-tool.ts'
import type { Terminal, Tone } from './terminal.ts'

export const probeCommand: Command = {
  usage: [
    'surety probe [PROMISE …] [--config FILE] [--url URL] [--watch] [--strict] [--json]',
    '',
    '  PROMISE        an id or a key, such as encryption.rest; default all that have a probe',
    ...TOOL_USAGE,
    '  --watch        go on: measure each promise when its cadence asks for it, until ended',
    '  --strict       a probe without an answer counts as broken',
    '',
    'Exit: 0 nothing is broken · 1 something is broken · 2 could not run',
  ],
  options: { ...TOOL_OPTIONS, watch: { type: 'boolean' }, strict: { type: 'boolean' } },
  async run(invocation) {
    const { positionals, options, terminal } = invocation
    requireKnown(positionals)
    const tool = await openTool(invocation)
    try {
      if (options['watch']) return await watch(tool, terminal)
      const runs = await probeOnce(tool, terminal, positionals)
      const size = await tool.surety.published()
      terminal.result({ schema: 1, runs, checkpoint: { size } })
      terminal.say('', terminal.paint('faint', `published: the evidence log has ${size} entries`))
      return exitCode(runs, options['strict'] === true)
    } finally {
      await tool.close()
    }
  },
}

/** A mistyped name would otherwise go unmeasured without a word. */
function requireKnown(names: readonly string[]): void {
  const unknown = names.filter((name) => !catalogue.has(name.split('?')[0] ?? ''))
  if (unknown.length === 0) return
  throw new CliError(
    'ERR_CLI_USAGE',
    `nothing measures ${unknown.map((name) => JSON.stringify(name)).join(', ')}`,
    {
      mend: 'see what can be measured: surety check --catalogue',
    },
  )
}

async function probeOnce(tool: Tool, terminal: Terminal, only: readonly string[]): Promise<ProbeRun[]> {
  const runs = await tool.surety.probe({
    site: tool.site,
    ...(only.length > 0 ? { only } : {}),
    onProgress: ({ key, done, total, what, measured, of }) =>
      terminal.progress(
        `${measured} of ${of} measured · ${key}: ${done}${total === null ? '' : ` of ${total}`} ${what}`,
      ),
    onRun: (run) => printRun(terminal, run),
  })
  if (runs.length > 0) return runs
  const named =
    only.length > 0
      ? `none of the page’s promises is ${only.join(', ')}`
      : 'the page makes no promise that can be measured'
  throw new CliError('ERR_CLI_USAGE', named, {
    mend: 'see what a page can promise: surety check --catalogue',
  })
}

/** Measures what is due until the process is told to end. */
async function watch(tool: Tool, terminal: Terminal): Promise<ExitCode> {
  const ended = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'disconnect'] as const) process.once(signal, () => resolve())
  })
  const prober = await tool.surety.keepProbing({ site: tool.site, onRun: (run) => printRun(terminal, run) })
  await ended
  await prober.close()
  // The open channel to a parent would keep this process alive.
  if (process.connected) process.disconnect()
  return 0
}

const TONES: Readonly<Record<ProbeRun['outcome'], Tone>> = { kept: 'good', broken: 'bad', undecided: 'open' }

function printRun(terminal: Terminal, { outcome, key, summary, durationMs }: ProbeRun): void {
  const took = terminal.paint('faint', `${(durationMs / 1_000).toFixed(1)} s`)
  terminal.say(
    `${terminal.paint(TONES[outcome], outcome.padEnd(9))}  ${key}  ${took}`,
    `           ${summary}`,
  )
}

function exitCode(runs: readonly ProbeRun[], strict: boolean): ExitCode {
  return runs.some(({ outcome }) => outcome === 'broken' || (strict && outcome === 'undecided')) ? 1 : 0
}
