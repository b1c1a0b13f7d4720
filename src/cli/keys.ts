import { describeDuration, formatDuration } from '../kernel/index.ts'
import type {
  EpochRecord,
  EpochStanding,
  KeyStatus,
  Ladder,
  RotationReport,
  RotationStep,
} from '../keys/index.ts'
import type { Command, ExitCode, Invocation } from './command.ts'
import { CliError } from './errors.ts'
import { openTool, TOOL_OPTIONS, TOOL_USAGE, type Tool } from './open-tool.ts'
import type { Terminal } from './terminal.ts'

export const keysCommand: Command = {
  usage: [
    'surety keys status [--config FILE] [--json]',
    'surety keys rotate [live|backup] [--config FILE] [--json]',
    '',
    '  status         the epochs of both ladders, what is overdue, and whether the clocks agree',
    '  rotate         end the current epoch of a ladder now, default of both, and destroy what may go;',
    '                 a rotation that was interrupted is finished first',
    ...TOOL_USAGE,
    '',
    'Exit: 0 nothing is overdue · 1 something is, or the clocks disagree · 2 could not run',
  ],
  options: TOOL_OPTIONS,
  async run(invocation) {
    const work = chooseWork(invocation)
    const tool = await openTool(invocation)
    try {
      return await work(tool, invocation.terminal)
    } finally {
      await tool.close()
    }
  },
}

type Work = (tool: Tool, terminal: Terminal) => Promise<ExitCode>

function chooseWork({ positionals }: Invocation): Work {
  const [action, ladder, ...more] = positionals
  if (action === 'status' && ladder === undefined) return showStatus
  const ladders: readonly Ladder[] | undefined =
    ladder === undefined
      ? ['live', 'backup']
      : ladder === 'live' || ladder === 'backup'
        ? [ladder]
        : undefined
  if (action === 'rotate' && ladders && more.length === 0)
    return (tool, terminal) => rotate(tool, terminal, ladders)
  throw new CliError('ERR_CLI_USAGE', `surety keys does not know ${JSON.stringify(positionals.join(' '))}`, {
    mend: 'see: surety keys --help',
  })
}

async function showStatus({ surety }: Tool, terminal: Terminal): Promise<ExitCode> {
  const status = await surety.keys.status()
  terminal.result({ schema: 1, ...status })
  printStatus(terminal, status)
  return status.sound ? 0 : 1
}

async function rotate({ surety }: Tool, terminal: Terminal, force: readonly Ladder[]): Promise<ExitCode> {
  const report = await surety.keys.rotate({ force, onStep: (step) => terminal.progress(describeStep(step)) })
  if (report.ran) await surety.published()
  const status = await surety.keys.status()
  terminal.result({ schema: 1, ...report, status })
  printReport(terminal, report)
  printStatus(terminal, status)
  return status.sound ? 0 : 1
}

const STEPS: Readonly<Record<RotationStep['step'], string>> = {
  created: 'a key for the next epoch is made',
  begun: 'the next epoch has begun',
  replaced: 'dirty buckets replaced',
  rewrapped: 'buckets wrapped under the next key',
  ended: 'the epoch has ended',
  destroyed: 'its key is destroyed',
  recorded: 'its end is recorded',
}

function describeStep({ ladder, step, done, total }: RotationStep): string {
  return `${ladder}: ${STEPS[step]}${total > 1 ? ` (${done} of ${total})` : ''}`
}

function printReport(terminal: Terminal, { ran, ended, destroyed }: RotationReport): void {
  if (!ran)
    terminal.say(terminal.paint('open', 'another process ends epochs just now; nothing was done here'), '')
  for (const { ladder, epoch } of ended)
    terminal.say(`${terminal.paint('good', 'ended')}      ${ladder} epoch ${epoch}`)
  for (const { ladder, epoch } of destroyed)
    terminal.say(`${terminal.paint('good', 'destroyed')}  the key of ${ladder} epoch ${epoch}`)
  if (ended.length + destroyed.length > 0) terminal.say('')
}

function printStatus(terminal: Terminal, status: KeyStatus): void {
  const { paint } = terminal
  for (const standing of status.ladders) terminal.say(describeStanding(terminal, standing, status.at))
  terminal.say(
    '',
    ...tableOf(shownEpochs(status.epochs)).map((line, i) => (i === 0 ? paint('faint', line) : line)),
    '',
  )
  const { buckets, dataKeys, clocks, unrecorded } = status
  terminal.say(
    `${dataKeys.held} data keys in ${buckets.used} of ${buckets.count} buckets, ${buckets.dirty} of them to be replaced; ${dataKeys.erased} erased`,
    `provider ${status.provider}${unrecorded > 0 ? paint('open', `, with ${unrecorded} keys that nothing here names`) : ''}`,
  )
  const apart = `${formatDuration(Math.abs(clocks.databaseMs))} from the database’s, ${formatDuration(Math.abs(clocks.monotonicMs))} from monotonic time`
  terminal.say(
    clocks.agree
      ? paint('faint', `the clock is ${apart}`)
      : paint('bad', `the clock is ${apart}: nothing is ended or destroyed until that is set right`),
  )
}

function describeStanding({ paint }: Terminal, standing: EpochStanding, at: number): string {
  const { ladder, epoch, endsAt, destroyBy, problem } = standing
  const name = paint('strong', `${ladder} epoch ${epoch}`)
  if (problem === 'not-ended')
    return `${name}  ${paint('bad', `should have ended ${describeDuration(at - endsAt)} ago`)}`
  const ends = at < endsAt ? `ends in ${describeDuration(endsAt - at)}` : 'is due to end now'
  if (problem === 'not-destroyed')
    return `${name}  ${ends}; ${paint('bad', `a key should have been destroyed by ${moment(destroyBy)}`)}`
  return `${name}  ${paint('good', ends)}, on ${moment(endsAt)}`
}

type ShownEpoch = KeyStatus['epochs'][number]

/** Destroyed epochs that are still shown, of each ladder. */
const MOST_DESTROYED = 3

function shownEpochs(epochs: readonly ShownEpoch[]): ShownEpoch[] {
  return (['live', 'backup'] as const).flatMap((ladder) => {
    const own = epochs.filter((epoch) => epoch.ladder === ladder)
    const oldest = own.filter(({ phase }) => phase === 'destroyed').slice(0, -MOST_DESTROYED)
    return own.filter((epoch) => !oldest.includes(epoch))
  })
}

function tableOf(epochs: readonly ShownEpoch[]): string[] {
  const head = ['ladder', 'epoch', 'phase', 'began', 'ended', 'key destroyed']
  const rows = epochs.map((epoch) => [
    epoch.ladder,
    String(epoch.epoch),
    epoch.phase,
    moment(epoch.startsAt),
    moment(epoch.endedAt),
    destructionOf(epoch),
  ])
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]!.length)),
  )
  return [head, ...rows].map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  )
}

function destructionOf({
  destroyedAt,
  destruction,
  destroyAfter,
}: Pick<EpochRecord, 'destroyedAt' | 'destruction' | 'destroyAfter'>): string {
  if (destroyedAt !== null) return `${moment(destroyedAt)}, ${destruction}`
  return destroyAfter === null ? '–' : `due ${moment(destroyAfter)}`
}

function moment(ms: number | null): string {
  return ms === null ? '–' : `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}
