import type { Command } from './command.ts'
import { attackCommand } from './attack/index.ts'
import { checkCommand } from './check.ts'
import { migrateCommand } from './migrate.ts'
import { probeCommand } from './probe.ts'
import { verifyCommand } from './verify.ts'

/** The commands of `surety`, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  checkCommand,
  probeCommand,
  verifyCommand,
  migrateCommand,
  attackCommand,
]
