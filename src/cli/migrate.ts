import { openMigration, type PlannedStep } from '../compose/migration.ts'
import type { Command } from './command.ts'
import { CliError } from './errors.ts'
import { CONFIG_OPTIONS, CONFIG_USAGE, loadConfig } from './load-config.ts'
import { dataFolder } from './ready.ts'
import type { Terminal } from './terminal.ts'

export const migrateCommand: Command = {
  usage: [
    'surety migrate [--config FILE] [--yes] [--json]',
    '',
    ...CONFIG_USAGE,
    '  --yes          apply the additive steps; a destructive one is never applied, only shown',
    '',
    'Exit: 0 nothing is left to do · 1 steps are left · 2 could not run',
  ],
  options: { ...CONFIG_OPTIONS, yes: { type: 'boolean' } },
  async run(invocation) {
    const { options, terminal } = invocation
    const { config } = await loadConfig(invocation)
    const migration = await openMigration(config, dataFolder())
    try {
      const { steps } = migration
      const destructive = steps.filter(({ kind }) => kind === 'destructive')
      printPlan(terminal, steps)
      const apply = options['yes'] === true && steps.length > 0
      if (apply && destructive.length > 0) {
        throw new CliError(
          'ERR_CLI_DESTRUCTIVE',
          `${destructive.length} steps would lose data; nothing was applied`,
        )
      }
      if (apply) await migration.apply()
      terminal.result({ schema: 1, steps, applied: apply })
      terminal.say(summary(steps.length, apply))
      return steps.length === 0 || apply ? 0 : 1
    } finally {
      await migration.close()
    }
  },
}

function printPlan(terminal: Terminal, steps: readonly PlannedStep[]): void {
  for (const { kind, why, statement } of steps) {
    terminal.say(
      `${terminal.paint(kind === 'additive' ? 'good' : 'bad', kind)}  ${why}`,
      terminal.paint('faint', `  ${statement};`),
      '',
    )
  }
}

function summary(steps: number, applied: boolean): string {
  if (steps === 0) return 'the database is as the data map declares it'
  return applied ? `${steps} steps applied` : `${steps} steps to apply: run surety migrate --yes`
}
