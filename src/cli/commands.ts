import type { Command } from './command.ts'

/** A command's name and line of help; the rest is loaded when it runs. */
export interface CommandEntry {
  readonly name: string
  /** One line for `surety --help`. */
  readonly summary: string
  load(): Promise<Command>
}

/** The commands of `surety`, in the order of the help. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'check',
    summary: 'hold the security page and the configuration against the catalogue, without running anything',
    load: async () => (await import('./check.ts')).checkCommand,
  },
  {
    name: 'probe',
    summary: 'measure the promises now and publish what was seen',
    load: async () => (await import('./probe.ts')).probeCommand,
  },
  {
    name: 'verify',
    summary: 'check a site from outside: its evidence log, its page, and what can be seen without its help',
    load: async () => (await import('./verify.ts')).verifyCommand,
  },
  {
    name: 'migrate',
    summary: 'show how the database differs from the data map, and bring it there with --yes',
    load: async () => (await import('./migrate.ts')).migrateCommand,
  },
  {
    name: 'keys',
    summary: 'show where the epochs of keys stand, or end them now: status, rotate',
    load: async () => (await import('./keys.ts')).keysCommand,
  },
  {
    name: 'staff',
    summary:
      'name the first members of staff, each with a link for their passkey; let one back in who lost it',
    load: async () => (await import('./staff.ts')).staffCommand,
  },
  {
    name: 'scan-secrets',
    summary: 'find API keys that lie in files, of any system that this library serves',
    load: async () => (await import('./scan-secrets.ts')).scanSecretsCommand,
  },
  {
    name: 'witness',
    summary: 'run a witness: cosign what logs publish, as long as they only grow',
    load: async () => (await import('./witness.ts')).witnessCommand,
  },
  {
    name: 'attack',
    summary: 'do to a running demo what a dishonest operator could, and see what notices',
    load: async () => (await import('./attack/index.ts')).attackCommand,
  },
]
