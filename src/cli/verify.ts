import { readFile, rename, writeFile } from 'node:fs/promises'
import { isDuration, parseDuration, systemClock } from '../kernel/index.ts'
import {
  exitCodeOf,
  observeFromOutside,
  verifySite,
  type OutsideFinding,
  type PromiseStatus,
  type VerificationReport,
} from '../verify/index.ts'
import { listOption, textOption, type Command, type ExitCode, type Invocation } from './command.ts'
import { CliError } from './errors.ts'
import { visible, type Terminal, type Tone } from './terminal.ts'

export const verifyCommand: Command = {
  usage: [
    'surety verify URL [--vkey KEY] [--witness KEY …] [--state FILE] [--strict] [--json]',
    '',
    '  --vkey KEY     the log’s verifier key, learned elsewhere than from the site',
    '  --witness KEY  demand that this witness has cosigned the log; give it once for each',
    '  --state FILE   remember the checkpoint here, and hold the next visit against it',
    '  --strict       unproven promises count as broken',
    '',
    'Exit: 0 the evidence is valid and nothing is broken · 1 something is broken',
    '      2 could not run · 3 the evidence itself is invalid',
  ],
  options: {
    vkey: { type: 'string' },
    witness: { type: 'string', multiple: true },
    state: { type: 'string' },
    strict: { type: 'boolean' },
  },
  async run(invocation) {
    const { positionals, options, terminal } = invocation
    const url = readUrl(positionals)
    const stateFile = textOption(invocation, 'state')
    const now = systemClock.now() + clockOffset()
    const report = await verifySite({
      fetch,
      url,
      vkey: textOption(invocation, 'vkey'),
      witnesses: listOption(invocation, 'witness'),
      state: stateFile === undefined ? null : await readState(stateFile),
      now,
      onProgress: ({ step, done, total }) =>
        terminal.progress(total > 0 ? `${step}: ${done} of ${total}` : `${step} …`),
    })
    const outside = report.failure
      ? []
      : await observeFromOutside({ fetch, url, now, standings: report.standings })
    // A refuted log must not overwrite what was seen of the sound one.
    if (stateFile !== undefined && report.valid && report.state) await writeState(stateFile, report.state)
    const exitCode = worse(exitCodeOf(report, { strict: options['strict'] === true }), outside)
    terminal.result({ ...report, outside, exitCode })
    printReport(terminal, shown(report), shown(outside), exitCode)
    return exitCode
  },
}

function worse(code: ExitCode, outside: readonly OutsideFinding[]): ExitCode {
  return code === 0 && outside.some(({ problem }) => problem !== null) ? 1 : code
}

function readUrl(positionals: Invocation['positionals']): string {
  const [url, ...rest] = positionals
  if (url === undefined || rest.length > 0) {
    throw new CliError('ERR_CLI_USAGE', 'verify takes one address', {
      mend: 'surety verify https://codetime.example',
    })
  }
  const parsed = URL.parse(url.includes('://') ? url : `https://${url}`)
  if (!parsed || !/^https?:$/.test(parsed.protocol))
    throw new CliError('ERR_CLI_USAGE', `not an http(s) address: ${JSON.stringify(url)}`)
  return parsed.origin
}

/** Plain data with every text in it made {@link visible}: a site's words must not steer the terminal. */
function shown<Data>(data: Data): Data {
  const clean = (value: unknown): unknown => {
    if (typeof value === 'string') return visible(value)
    if (Array.isArray(value)) return value.map(clean)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [visible(key), clean(member)]))
  }
  return clean(data) as Data
}

/** A demo whose clock is shifted is verified under the same shift. */
function clockOffset(): number {
  const offset = process.env['SURETY_CLOCK_OFFSET']
  if (!offset) return 0
  if (!isDuration(offset))
    throw new CliError('ERR_CLI_USAGE', 'SURETY_CLOCK_OFFSET is not a duration', {
      mend: 'write it like SURETY_CLOCK_OFFSET=27d',
    })
  return parseDuration(offset)
}

async function readState(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw new CliError('ERR_CLI_STATE', `the state file ${file} cannot be read`, { cause })
  }
}

async function writeState(file: string, state: object): Promise<void> {
  const draft = `${file}.${process.pid}.tmp`
  try {
    await writeFile(draft, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 })
    await rename(draft, file)
  } catch (cause) {
    throw new CliError('ERR_CLI_STATE', `the state file ${file} cannot be written`, { cause })
  }
}

const TONES: Readonly<Record<PromiseStatus, Tone>> = { kept: 'good', broken: 'bad', unproven: 'open' }

function printReport(
  terminal: Terminal,
  report: VerificationReport,
  outside: readonly OutsideFinding[],
  exitCode: ExitCode,
): void {
  const { paint } = terminal
  const marks = { passed: paint('good', '✓'), failed: paint('bad', '✗'), skipped: paint('faint', '–') }
  terminal.say(paint('strong', report.url), '')
  for (const { outcome, title, detail } of report.steps)
    terminal.say(`${marks[outcome]} ${title}${detail ? paint('faint', `  ${detail}`) : ''}`)
  for (const { severity, code, message } of report.problems) {
    terminal.say('', paint(severity === 'invalid' ? 'bad' : 'open', `${code}: ${message}`))
  }
  if (report.furtherProblems > 0) terminal.say(`… and ${report.furtherProblems} more`)
  if (report.failure)
    terminal.say(
      '',
      paint('bad', `${report.failure.code}: ${report.failure.message}`),
      `  to mend it: ${report.failure.mend}`,
    )
  printPromises(terminal, report, outside)
  for (const note of report.notes) terminal.say(paint('faint', `note: ${note}`))
  terminal.say('', verdict(terminal, report, exitCode), ...trust(report))
}

function printPromises(
  terminal: Terminal,
  report: VerificationReport,
  outside: readonly OutsideFinding[],
): void {
  const { paint } = terminal
  if (report.standings.length > 0) terminal.say('')
  for (const { claim, status, reason, observed, withdrawnAt } of report.standings) {
    if (withdrawnAt !== null) continue
    terminal.say(
      `${paint(TONES[status], status.padEnd(8))}  ${claim.key}  ${paint('faint', observed?.summary ?? reason)}`,
    )
  }
  for (const { key, problem, observed } of outside) {
    const mark = problem === null ? paint('good', 'seen    ') : paint('bad', 'broken  ')
    terminal.say(`${mark}  ${key}  ${paint('faint', `from here: ${problem ?? observed}`)}`)
  }
}

function verdict({ paint }: Terminal, { counts }: VerificationReport, exitCode: ExitCode): string {
  const tally = `${counts.kept} kept, ${counts.broken} broken, ${counts.unproven} unproven`
  const words: Readonly<Record<ExitCode, string>> = {
    0: paint('good', `The evidence is valid: ${tally}.`),
    1: paint('bad', `The evidence is valid, but not everything it should show holds: ${tally}.`),
    2: paint('bad', 'The check could not run to its end.'),
    3: paint('bad', 'The evidence is invalid: the log or the page does not hold together.'),
  }
  return words[exitCode]
}

/** One word for any shell: a site's name for its key must not become a command when it is pasted. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

/** What the verdict rests on, said every time. */
function trust(report: VerificationReport): string[] {
  if (report.failure) return []
  const lines = report.firstSeen
    ? ['first seen: nothing to compare this log with yet']
    : ['compared with the checkpoint remembered from the last visit']
  if (report.witnesses.length === 0)
    lines.push('unwitnessed for this check: somebody else may be shown another log')
  if (report.keySource === 'served')
    lines.push(`the key came from the site itself; pin it with: --vkey ${quoted(report.vkey ?? '')}`)
  return lines
}
