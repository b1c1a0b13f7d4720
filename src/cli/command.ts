import type { ParseArgsOptionsConfig } from 'node:util'
import type { Terminal } from './terminal.ts'

/** Exit codes: 0 fine, 1 something is broken, 2 could not run, 3 the evidence is invalid. */
export type ExitCode = 0 | 1 | 2 | 3

export interface Invocation {
  readonly positionals: readonly string[]
  readonly options: Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>
  readonly terminal: Terminal
}

/** One command of `surety`; its name and summary stand in `commands.ts`. */
export interface Command {
  /** Lines of its own help: arguments and options. */
  readonly usage: readonly string[]
  readonly options: ParseArgsOptionsConfig
  run(invocation: Invocation): Promise<ExitCode>
}

/** A text option, or undefined where it was not given. */
export function textOption({ options }: Invocation, name: string): string | undefined {
  const value = options[name]
  return typeof value === 'string' ? value : undefined
}

/** All values of a text option that may be given several times. */
export function listOption({ options }: Invocation, name: string): readonly string[] {
  const values = options[name]
  return Array.isArray(values) ? values.filter((value) => typeof value === 'string') : []
}
