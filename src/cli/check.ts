import type { SuretyConfig } from '../declare/index.ts'
import { SuretyError } from '../kernel/index.ts'
import { findUnbound, parseSecurityPage } from '../page/index.ts'
import { catalogue, checkLink, findPromise, PLANNED_PROMISES } from '../promises/index.ts'
import { checkTimes } from './check-times.ts'
import { textOption, type Command, type ExitCode } from './command.ts'
import { CliError } from './errors.ts'
import { CONFIG_OPTIONS, CONFIG_USAGE, loadConfig, readPage } from './load-config.ts'
import { toSarif } from './sarif.ts'
import type { Terminal } from './terminal.ts'

/** One thing that `surety check` has to say about the page or the configuration. */
export interface CheckFinding {
  /** `error`: the promise cannot hold; `warning`: nothing measures it yet; `note`: prose, no promise. */
  readonly level: 'error' | 'warning' | 'note'
  readonly rule: string
  readonly message: string
  readonly mend: string
  /** Line of the security page, from 1; null where the finding is about the configuration alone. */
  readonly line: number | null
}

const FORMATS = ['text', 'json', 'sarif']

export const checkCommand: Command = {
  usage: [
    'surety check [--config FILE] [--format text|json|sarif] [--strict] [--catalogue]',
    '',
    ...CONFIG_USAGE,
    '  --format F     text (default), json, or sarif (SARIF 2.1.0)',
    '  --strict       promises that nothing measures, and prose without a promise, count as errors',
    '  --catalogue    list the promises that a page can make',
  ],
  options: {
    ...CONFIG_OPTIONS,
    format: { type: 'string' },
    strict: { type: 'boolean' },
    catalogue: { type: 'boolean' },
  },
  async run(invocation) {
    const { options, terminal } = invocation
    if (options['catalogue']) return listCatalogue(terminal)
    const format = textOption(invocation, 'format') ?? (terminal.json ? 'json' : 'text')
    if (!FORMATS.includes(format))
      throw new CliError('ERR_CLI_USAGE', `--format is one of ${FORMATS.join(', ')}`)
    const loaded = await loadConfig(invocation)
    const findings = checkPage(loaded.config, await readPage(loaded))
    if (format === 'sarif')
      process.stdout.write(`${JSON.stringify(toSarif(findings, loaded.pageShown), null, 2)}\n`)
    else if (format === 'json')
      process.stdout.write(`${JSON.stringify({ schema: 1, page: loaded.pageShown, findings }, null, 2)}\n`)
    else printFindings(terminal, findings, loaded.pageShown)
    return exitCode(findings, options['strict'] === true)
  },
}

/** All that is to be said about a page under a configuration; a page that cannot be read gives one error. */
export function checkPage(config: SuretyConfig, source: string): CheckFinding[] {
  let page: ReturnType<typeof parseSecurityPage>
  try {
    page = parseSecurityPage(source, findPromise)
  } catch (error) {
    if (!(error instanceof SuretyError)) throw error
    const line = Number(/line (\d+)/.exec(error.message)?.[1] ?? 0) || null
    return [{ level: 'error', rule: error.code, message: error.message, mend: error.mend, line }]
  }
  const bound = page.promises.flatMap((promise): CheckFinding[] => {
    const { key, line } = promise
    if (!catalogue.has(promise.id)) {
      const mend = 'keep the sentence; it shows as unproven until a mechanism exists'
      return [{ level: 'warning', rule: 'unmeasured', message: `nothing measures ${key} yet`, mend, line }]
    }
    return checkLink(promise, config).map((finding) => ({
      level: 'error',
      rule: 'unkeepable',
      message: `${key} cannot hold: ${finding.key} ${finding.problem}`,
      mend: finding.mend,
      line,
    }))
  })
  const unbound = findUnbound(page).map(({ sentence, line }): CheckFinding => ({
    level: 'note',
    rule: 'unbound',
    message: `no promise stands behind: ${sentence}`,
    mend: 'link the sentence to a promise, or leave it as prose',
    line,
  }))
  return [...bound, ...checkTimes(config, page.promises), ...unbound]
}

function exitCode(findings: readonly CheckFinding[], strict: boolean): ExitCode {
  return findings.some(({ level }) => strict || level === 'error') ? 1 : 0
}

const TONES = { error: 'bad', warning: 'open', note: 'faint' } as const

function printFindings(terminal: Terminal, findings: readonly CheckFinding[], page: string): void {
  const { paint } = terminal
  for (const { level, message, mend, line } of findings) {
    terminal.say(`${page}:${line ?? 1}  ${paint(TONES[level], level)}  ${message}`)
    if (level === 'error') terminal.say(paint('faint', `  to mend it: ${mend}`))
  }
  const count = (level: CheckFinding['level']): number =>
    findings.filter((finding) => finding.level === level).length
  const counted = (level: CheckFinding['level'], one: string, many: string): string =>
    `${count(level)} ${count(level) === 1 ? one : many}`
  const tally = [
    counted('error', 'error', 'errors'),
    counted('warning', 'promise that nothing measures yet', 'promises that nothing measures yet'),
    counted('note', 'sentence without a promise', 'sentences without a promise'),
  ].join(' · ')
  terminal.say(...(findings.length > 0 ? [''] : []), paint(count('error') > 0 ? 'bad' : 'good', tally))
}

function listCatalogue(terminal: Terminal): ExitCode {
  const measured = [...catalogue.values()].map(({ id, evidence, cadence }) => ({
    id,
    evidence,
    cadence,
    mechanism: true,
  }))
  const planned = Object.entries(PLANNED_PROMISES).map(([id, evidence]) => ({
    id,
    evidence,
    cadence: null,
    mechanism: false,
  }))
  const all = [...measured, ...planned]
  terminal.result({ schema: 1, promises: all })
  const width = Math.max(...all.map(({ id }) => id.length))
  for (const { id, evidence, cadence } of all) {
    const how = cadence ? `every ${cadence} at least` : terminal.paint('faint', 'no mechanism yet: unproven')
    terminal.say(`${id.padEnd(width)}  ${evidence.padEnd(9)}  ${how}`)
  }
  return 0
}
